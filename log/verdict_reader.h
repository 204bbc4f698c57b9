// Looks a verdict up in shared memory, without a system call, a lock or a store. The steps are those of
// log/verdict_format.h.
//
// Any number of readers in any process, any thread. The ring's mapping outlives it.
#ifndef ROOST_LOG_VERDICT_READER_H_
#define ROOST_LOG_VERDICT_READER_H_

#include <cstdint>
#include <optional>

#include "log/verdict_format.h"

namespace roost {

class VerdictReader {
 public:
  explicit VerdictReader(const VerdictRegion& region) : region_(region) {}

  // The verdict for `key` (kVerdictKeyBytes) that is in force for `uid` at `now_ns` (CLOCK_MONOTONIC). nullopt:
  // it is not here, or is being changed at this moment; the broker knows.
  std::optional<PublishedVerdict> Find(const uint8_t* key, uint32_t uid, uint64_t now_ns) const;

  // Of the verdicts that count.
  uint64_t policy_version() const {
    return region_.policy_version->load(std::memory_order_acquire);  // step 1
  }

 private:
  const VerdictRegion region_;
};

}  // namespace roost

#endif  // ROOST_LOG_VERDICT_READER_H_
