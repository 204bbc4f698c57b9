// When the broker took no appends: intervals of time, as far back as it is asked for. Times are ns on one clock, the
// monotonic one; those of an earlier boot are below zero.
//
// At most kIntervalsMax: of more, the two that are closest to each other become one with the gap between them. One thread.
#ifndef ROOST_BROKER_SLA_DOWN_TIMES_H_
#define ROOST_BROKER_SLA_DOWN_TIMES_H_

#include <cstdint>
#include <span>
#include <vector>

namespace roost {

struct DownTime {
  int64_t begin_ns;
  int64_t end_ns;
};

class DownTimes {
 public:
  static constexpr size_t kIntervalsMax = 256;

  // Any interval; what overlaps is counted once.
  void Add(DownTime interval);
  // Forgets what ended before.
  void ForgetBefore(int64_t ns);

  // How much of it lies between the two.
  uint64_t Within(int64_t begin_ns, int64_t end_ns) const;
  bool empty() const { return intervals_.empty(); }
  std::span<const DownTime> intervals() const { return intervals_; }

 private:
  std::vector<DownTime> intervals_;  // in the order of time; none touches another
};

}  // namespace roost

#endif  // ROOST_BROKER_SLA_DOWN_TIMES_H_
