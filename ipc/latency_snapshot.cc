#include "ipc/latency_snapshot.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "base/histogram.h"

namespace roost {

uint64_t LatencySnapshot::count() const {
  return std::accumulate(buckets_.begin(), buckets_.end(), uint64_t{0});
}

uint64_t LatencySnapshot::Quantile(double fraction) const {
  const uint64_t total = count();
  if (total == 0) return 0;
  const auto wanted =
      std::min(static_cast<uint64_t>(fraction * static_cast<double>(total)), total - 1);
  uint64_t seen = 0;
  for (size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen > wanted) return Histogram::MiddleOf(i);
  }
  return Histogram::MiddleOf(Histogram::kBuckets - 1);
}

double LatencySnapshot::Sum() const {
  double sum = 0;
  for (size_t i = 0; i < buckets_.size(); ++i) {
    sum += static_cast<double>(buckets_[i]) * static_cast<double>(Histogram::MiddleOf(i));
  }
  return sum;
}

uint64_t LatencySnapshot::CountUpTo(uint64_t value) const {
  const size_t end = std::min(Histogram::IndexOf(value) + 1, buckets_.size());
  return std::accumulate(buckets_.begin(), buckets_.begin() + static_cast<std::ptrdiff_t>(end),
                         uint64_t{0});
}

LatencySnapshot LatencySnapshot::Since(const LatencySnapshot& earlier) const {
  std::vector<uint64_t> buckets = buckets_;
  for (size_t i = 0; i < std::min(buckets.size(), earlier.buckets_.size()); ++i) {
    buckets[i] -= std::min(buckets[i], earlier.buckets_[i]);
  }
  return LatencySnapshot(std::move(buckets));
}

void LatencySnapshot::Merge(const LatencySnapshot& other) {
  buckets_.resize(std::max(buckets_.size(), other.buckets_.size()));
  for (size_t i = 0; i < other.buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
}

void LatencySnapshot::Add(size_t bucket, uint64_t count) {
  ROOST_CHECK(bucket < Histogram::kBuckets, "bucket={}", bucket);
  if (bucket >= buckets_.size()) buckets_.resize(bucket + 1);
  buckets_[bucket] += count;
}

}  // namespace roost
