// How long and how much: every wait in a test ends, and sanitizer builds do less for longer.
#ifndef ROOST_TESTS_SUPPORT_DEADLINE_H_
#define ROOST_TESTS_SUPPORT_DEADLINE_H_

#include <poll.h>

#include <chrono>
#include <cstdint>
#include <thread>

namespace roost {

// ROOST_TEST_SLOWDOWN comes from the build: 1, or more with a sanitizer.
inline constexpr uint64_t kSlowdown = ROOST_TEST_SLOWDOWN;

// As much work as the build can do in the same time.
constexpr uint64_t Scaled(uint64_t count) { return count < kSlowdown ? 1 : count / kSlowdown; }

// True when the long form was asked for (ROOST_SOAK=1).
bool SoakWanted();

// A moment after which a wait has failed. Only ever a bound for something that should have happened
// long before: no test measures with it.
class Deadline {
 public:
  static Deadline In(std::chrono::milliseconds time) {
    return Deadline(std::chrono::steady_clock::now() + time * kSlowdown);
  }
  static Deadline Default() { return In(std::chrono::seconds(30)); }

  bool Passed() const { return std::chrono::steady_clock::now() >= at_; }
  // For poll(): milliseconds left, at least 0.
  int PollTimeout() const {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(at_ - std::chrono::steady_clock::now());
    return left.count() < 0 ? 0 : static_cast<int>(left.count());
  }

 private:
  explicit Deadline(std::chrono::steady_clock::time_point at) : at_(at) {}
  std::chrono::steady_clock::time_point at_;
};

// Asks `condition` again and again until it holds; false if it did not before the deadline.
template <typename Condition>
bool Eventually(Condition&& condition, Deadline deadline = Deadline::Default()) {
  while (!condition()) {
    if (deadline.Passed()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

// True when `fd` has something to read (or has ended) before the deadline.
inline bool WaitReadable(int fd, Deadline deadline) {
  pollfd item{fd, POLLIN, 0};
  while (true) {
    const int ready = ::poll(&item, 1, deadline.PollTimeout());
    if (ready > 0) return true;
    if (ready == 0 && deadline.Passed()) return false;
  }
}

}  // namespace roost

#endif  // ROOST_TESTS_SUPPORT_DEADLINE_H_
