// How fast a disk fills, from what was in use at some moments: the mean over the last minute or so. A value; one thread.
#ifndef ROOST_BROKER_DISK_TREND_H_
#define ROOST_BROKER_DISK_TREND_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace roost {

class DiskTrend {
 public:
  static constexpr uint64_t kWindowNs = 60 * kNsPerSecond;
  static constexpr uint64_t kShortestNs = kNsPerSecond;  // less says nothing

  // `used_bytes` were in use at `now_ns`, no earlier than the last time. Returns bytes a second, 0 if it does not fill.
  uint64_t Add(uint64_t now_ns, uint64_t used_bytes) {
    // The oldest sample is the newest one that is as old as the window, if there is any.
    while (count_ > 1 && now_ns - samples_[1].at_ns >= kWindowNs) Drop(0);
    if (count_ == 0) {
      Push(now_ns, used_bytes);
      return 0;
    }
    const Sample oldest = samples_[0];
    if (now_ns - samples_[count_ - 1].at_ns >= kWindowNs / (kSamplesMax - 2)) {
      Push(now_ns, used_bytes);
    }
    if (now_ns - oldest.at_ns < kShortestNs || used_bytes <= oldest.used_bytes) return 0;
    return static_cast<uint64_t>(static_cast<double>(used_bytes - oldest.used_bytes) /
                                 static_cast<double>(now_ns - oldest.at_ns) * kNsPerSecond);
  }

 private:
  static constexpr size_t kSamplesMax = 8;
  struct Sample {
    uint64_t at_ns;
    uint64_t used_bytes;
  };

  void Drop(size_t index) {
    std::copy(samples_.begin() + static_cast<std::ptrdiff_t>(index) + 1, samples_.end(),
              samples_.begin() + static_cast<std::ptrdiff_t>(index));
    --count_;
  }
  void Push(uint64_t at_ns, uint64_t used_bytes) {
    if (count_ == kSamplesMax) Drop(1);
    samples_[count_++] = {at_ns, used_bytes};
  }

  std::array<Sample, kSamplesMax> samples_{};  // in the order of time
  size_t count_ = 0;
};

}  // namespace roost

#endif  // ROOST_BROKER_DISK_TREND_H_
