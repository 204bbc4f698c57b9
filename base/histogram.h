// A log-linear histogram of durations: 64 steps in each power of two, so that a value is known to
// within 1.6 %. No allocation; may lie in shared memory, written by one thread and read by any.
#ifndef ROOST_BASE_HISTOGRAM_H_
#define ROOST_BASE_HISTOGRAM_H_

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/one_writer.h"

namespace roost {

class Histogram {
 public:
  static constexpr unsigned kStepBits = 6;
  static constexpr unsigned kOctaves = 34;  // up to 2^(34 + 6) ns, 18 minutes; longer counts as that
  static constexpr size_t kBuckets = (kOctaves + 1) << kStepBits;
  static constexpr uint64_t kExactBelow = 2ull << kStepBits;  // values below it are their buckets

  // The one writer.
  void Record(uint64_t value) { Add(IndexOf(value), 1); }
  // So many more in one bucket, of another histogram. REQUIRES: index < kBuckets.
  void Add(size_t index, uint64_t more) {
    AddByOneWriter(counts_[index], more);
  }

  // The value below which `fraction` (0 to 1) of the recorded values lie; 0 if there are none.
  uint64_t Quantile(double fraction) const {
    const uint64_t total = Count();
    if (total == 0) return 0;
    auto wanted = static_cast<uint64_t>(fraction * static_cast<double>(total));
    if (wanted >= total) wanted = total - 1;
    uint64_t seen = 0;
    for (size_t i = 0; i < kBuckets; ++i) {
      seen += counts_[i].load(std::memory_order_relaxed);
      if (seen > wanted) return MiddleOf(i);
    }
    return MiddleOf(kBuckets - 1);
  }

  uint64_t Count() const {
    uint64_t total = 0;
    for (const auto& count : counts_) total += count.load(std::memory_order_relaxed);
    return total;
  }

  // No branches: this is done with every answer.
  static constexpr size_t IndexOf(uint64_t value) {
    constexpr uint64_t kSteps = 1ull << kStepBits;
    constexpr uint64_t kMax = (1ull << (kOctaves + kStepBits)) - 1;
    const uint64_t known = std::min(value, kMax);
    // From kExactBelow on the bits below the leading one pick the step.
    const auto leading = 63u ^ static_cast<unsigned>(std::countl_zero(known | kSteps));
    const unsigned shift = leading - kStepBits;
    return (size_t{shift} << kStepBits) + static_cast<size_t>(known >> shift);
  }

  static constexpr uint64_t MiddleOf(size_t index) {
    constexpr uint64_t kSteps = 1ull << kStepBits;
    const size_t octave = index >> kStepBits;
    const uint64_t step = index & (kSteps - 1);
    if (octave == 0) return step;
    const uint64_t low = (kSteps + step) << (octave - 1);
    return low + ((1ull << (octave - 1)) >> 1);
  }

 private:
  std::atomic<uint64_t> counts_[kBuckets] = {};
};
static_assert(sizeof(Histogram) == Histogram::kBuckets * 8);

}  // namespace roost

#endif  // ROOST_BASE_HISTOGRAM_H_
