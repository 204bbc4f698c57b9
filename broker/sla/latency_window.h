// The durations of the last while, as counts in the buckets of Histogram: what was added is kept in up to 60 steps and
// leaves step by step, so that the window slides. Bounded: a step has the buckets that were used in it, 16 bytes each,
// typically 50 to 300 of them. One thread.
#ifndef ROOST_BROKER_SLA_LATENCY_WINDOW_H_
#define ROOST_BROKER_SLA_LATENCY_WINDOW_H_

#include <algorithm>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/clock.h"
#include "ipc/latency_snapshot.h"

namespace roost {

// So many more in a bucket. Sorted by bucket, each once.
struct BucketCount {
  uint16_t bucket;
  uint64_t count;
};
using BucketCounts = std::vector<BucketCount>;

// How often a window slides on: 60 times in its length, but no more than once a second.
constexpr uint64_t StepOf(uint64_t window_ns) {
  constexpr uint64_t kSteps = 60;
  return std::max((window_ns + kSteps - 1) / kSteps, kNsPerSecond);
}
// The newest part of it, in which one sees how fast an error budget is used.
constexpr uint64_t ShortWindowOf(uint64_t window_ns) {
  constexpr uint64_t kParts = 12;
  return std::max(window_ns / kParts, StepOf(window_ns));
}

struct Tally {
  uint64_t good = 0;
  uint64_t total = 0;
  uint64_t bad() const { return total - good; }
};

class LatencyWindow {
 public:
  // Durations below `target_ns` are good, as far as their buckets can tell.
  LatencyWindow(uint64_t window_ns, uint64_t target_ns);

  // What came since the last time, which counts as of `now_ns` (CLOCK_MONOTONIC; never less than before, here and below).
  void Add(uint64_t now_ns, const BucketCounts& more);
  // Drops what has left the window.
  void SlideTo(uint64_t now_ns);

  LatencySnapshot durations() const { return LatencySnapshot(whole_); }
  Tally whole() const { return tally_; }
  Tally Recent(uint64_t now_ns) const;  // of the short window
  // When something leaves; UINT64_MAX: there is nothing.
  uint64_t NextSlideNs() const;

 private:
  struct Step {
    uint64_t index;
    Tally tally;
    BucketCounts counts;
  };

  uint64_t IndexAt(uint64_t now_ns) const { return now_ns / step_ns_; }

  const uint64_t step_ns_;
  const uint64_t steps_;        // of the window
  const uint64_t short_steps_;  // of the short one
  const size_t good_end_;       // buckets below are good
  std::deque<Step> kept_;       // oldest first
  std::vector<uint64_t> whole_;  // by bucket
  Tally tally_;
};

}  // namespace roost

#endif  // ROOST_BROKER_SLA_LATENCY_WINDOW_H_
