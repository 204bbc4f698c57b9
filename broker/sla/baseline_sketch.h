// What the values of a series usually are: how many there were in each of Histogram's buckets, which are on a logarithmic
// scale, so that a value is known to within 1.6 %. The past fades: when kFullWeight values are in it, all before count half.
// At most 16 bytes for each of Histogram's buckets, of which a series uses some tens. A value; one thread.
#ifndef ROOST_BROKER_SLA_BASELINE_SKETCH_H_
#define ROOST_BROKER_SLA_BASELINE_SKETCH_H_

#include <cstdint>

#include "broker/sla/latency_window.h"

namespace roost {

class BaselineSketch {
 public:
  static constexpr uint64_t kFullWeight = 20'160;  // minutes, two weeks of work

  void Add(uint64_t value);
  // What share of the values is below, those in the same bucket counted half: 0 to 1. REQUIRES: count() > 0.
  double RankOf(uint64_t value) const;
  // REQUIRES: count() > 0.
  uint64_t Median() const;
  uint64_t count() const { return total_; }

  const BucketCounts& counts() const { return counts_; }
  // What counts() gave. False: it is not sorted, or there is a bucket that does not exist, or too much of one.
  bool Restore(BucketCounts counts);

 private:
  void Fade();

  BucketCounts counts_;
  uint64_t total_ = 0;
};

}  // namespace roost

#endif  // ROOST_BROKER_SLA_BASELINE_SKETCH_H_
