#include "tools/export/histogram_metric.h"

#include <limits>
#include <span>
#include <vector>

#include "base/clock.h"

namespace roost {
namespace {

using prometheus::ClientMetric;

std::vector<uint64_t> DurationBounds() {
  std::vector<uint64_t> bounds;
  for (uint64_t decade = kNsPerUs; decade < 10 * kNsPerSecond; decade *= 10) {
    for (const uint64_t tenths : {10, 15, 20, 30, 50, 70}) bounds.push_back(decade * tenths / 10);
  }
  bounds.push_back(10 * kNsPerSecond);
  return bounds;
}

std::vector<uint64_t> SizeBounds() {
  std::vector<uint64_t> bounds;
  for (uint64_t bound = 1; bound <= 65536; bound *= 2) bounds.push_back(bound);
  return bounds;
}

ClientMetric::Histogram Convert(const LatencySnapshot& from, std::span<const uint64_t> bounds,
                                double units) {
  ClientMetric::Histogram to;
  to.bucket.reserve(bounds.size() + 1);
  for (const uint64_t bound : bounds) {
    to.bucket.push_back({from.CountUpTo(bound), static_cast<double>(bound) / units});
  }
  to.sample_count = from.count();
  to.sample_sum = from.Sum() / units;
  to.bucket.push_back({to.sample_count, std::numeric_limits<double>::infinity()});
  return to;
}

}  // namespace

ClientMetric::Histogram DurationHistogram(const LatencySnapshot& durations) {
  static const std::vector<uint64_t> bounds = DurationBounds();
  return Convert(durations, bounds, static_cast<double>(kNsPerSecond));
}

ClientMetric::Histogram SizeHistogram(const LatencySnapshot& sizes) {
  static const std::vector<uint64_t> bounds = SizeBounds();
  return Convert(sizes, bounds, 1);
}

}  // namespace roost
