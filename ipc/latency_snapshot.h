// The durations (or sizes) that a Histogram of base/histogram.h had counted at some moment: to ask for quantiles, to take
// what came in between two moments, to add up those of several sessions or brokers. A value; any thread.
#ifndef ROOST_IPC_LATENCY_SNAPSHOT_H_
#define ROOST_IPC_LATENCY_SNAPSHOT_H_

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace roost {

class LatencySnapshot {
 public:
  LatencySnapshot() = default;
  // As in Histogram; fewer of them: the rest is 0.
  explicit LatencySnapshot(std::vector<uint64_t> buckets) : buckets_(std::move(buckets)) {}

  uint64_t count() const;
  // The value below which `fraction` (0 to 1) of the durations lie, within 1.6 %; 0 if there are none.
  uint64_t Quantile(double fraction) const;
  // Of all of them together, within 1.6 %.
  double Sum() const;
  // How many are at most `value`, as far as the buckets can tell.
  uint64_t CountUpTo(uint64_t value) const;

  // What was counted after `earlier`, a snapshot of the same histogram.
  LatencySnapshot Since(const LatencySnapshot& earlier) const;
  // Adds what another one has; exact, since all have the same buckets.
  void Merge(const LatencySnapshot& other);
  // REQUIRES: `bucket` is one of Histogram's.
  void Add(size_t bucket, uint64_t count);

  // As in Histogram; fewer of them: the rest is 0.
  std::span<const uint64_t> buckets() const { return buckets_; }

 private:
  std::vector<uint64_t> buckets_;
};

}  // namespace roost

#endif  // ROOST_IPC_LATENCY_SNAPSHOT_H_
