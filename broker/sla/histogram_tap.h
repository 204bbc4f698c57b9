// What a histogram has counted since it was last asked. One thread, which is not the histogram's writer; 18 KiB once something
// was counted.
#ifndef ROOST_BROKER_SLA_HISTOGRAM_TAP_H_
#define ROOST_BROKER_SLA_HISTOGRAM_TAP_H_

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/histogram.h"
#include "broker/sla/latency_window.h"

namespace roost {

class HistogramTap {
 public:
  BucketCounts Take(const Histogram& histogram) {
    static_assert(sizeof(Histogram) == 8 * Histogram::kBuckets, "one word a bucket");
    const auto* const words = reinterpret_cast<const std::byte*>(&histogram);
    BucketCounts more;
    for (size_t i = 0; i < Histogram::kBuckets; ++i) {
      const uint64_t count = LoadWordRelaxed(words + 8 * i);
      const uint64_t before = i < seen_.size() ? seen_[i] : 0;
      if (count == before) continue;
      if (seen_.empty()) seen_.resize(Histogram::kBuckets);
      // In the counters file, where nobody but the broker writes: it never falls.
      if (count > before) more.push_back({static_cast<uint16_t>(i), count - before});
      seen_[i] = count;
    }
    return more;
  }

 private:
  std::vector<uint64_t> seen_;
};

}  // namespace roost

#endif  // ROOST_BROKER_SLA_HISTOGRAM_TAP_H_
