#include "broker/sla/baseline_sketch.h"

#include <algorithm>

#include "base/check.h"
#include "base/histogram.h"

namespace roost {

void BaselineSketch::Add(uint64_t value) {
  if (total_ >= kFullWeight) Fade();
  const auto bucket = static_cast<uint16_t>(Histogram::IndexOf(value));
  const auto place = std::ranges::lower_bound(counts_, bucket, {}, &BucketCount::bucket);
  if (place != counts_.end() && place->bucket == bucket) {
    ++place->count;
  } else {
    counts_.insert(place, {bucket, 1});
  }
  ++total_;
}

void BaselineSketch::Fade() {
  total_ = 0;
  // Rounded up, so that what was rare is remembered longest.
  for (BucketCount& one : counts_) total_ += one.count -= one.count / 2;
}

double BaselineSketch::RankOf(uint64_t value) const {
  ROOST_CHECK(total_ > 0);
  const size_t bucket = Histogram::IndexOf(value);
  double below = 0;
  for (const BucketCount& one : counts_) {
    if (one.bucket > bucket) break;
    below += static_cast<double>(one.count) * (one.bucket == bucket ? 0.5 : 1.0);
  }
  return below / static_cast<double>(total_);
}

uint64_t BaselineSketch::Median() const {
  ROOST_CHECK(total_ > 0);
  uint64_t seen = 0;
  for (const BucketCount& one : counts_) {
    seen += one.count;
    if (2 * seen >= total_) return Histogram::MiddleOf(one.bucket);
  }
  return 0;
}

bool BaselineSketch::Restore(BucketCounts counts) {
  uint64_t total = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    const BucketCount& one = counts[i];
    if (one.bucket >= Histogram::kBuckets) return false;
    if (one.count == 0 || one.count > kFullWeight) return false;
    if (i > 0 && one.bucket <= counts[i - 1].bucket) return false;
    total += one.count;
  }
  if (total > kFullWeight) return false;
  counts_ = std::move(counts);
  total_ = total;
  return true;
}

}  // namespace roost
