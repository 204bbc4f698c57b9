// How much of all there is to try a test tries: all with ROOST_SOAK set (label `slow`), a part of it in
// the gate, a small one where a sanitizer makes each try many times as dear.
#ifndef ROOST_TESTS_LOG_TEST_SCALE_H_
#define ROOST_TESTS_LOG_TEST_SCALE_H_

#include <cstdint>
#include <cstdlib>

namespace roost {

struct TestScale {
  uint64_t soak;
  uint64_t gate;
  uint64_t sanitized;
};

inline uint64_t Scaled(const TestScale& scale) {
  if (std::getenv("ROOST_SOAK") != nullptr) return scale.soak;
#ifdef ROOST_SANITIZED
  return scale.sanitized;
#else
  return scale.gate;
#endif
}

}  // namespace roost

#endif  // ROOST_TESTS_LOG_TEST_SCALE_H_
