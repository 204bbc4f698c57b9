// When the broker takes no appends, from the counters that it writes anyway: for how long its journal is degraded or its disk
// full, one turn or one write of the sequencer takes longer than `roost health` has patience for, or the whole process stands
// still. These are the times in which `roost health` says degraded, disk_full, hung or stopped.
//
// Pure; one thread; looked at once a second while there is something to do. What lies between two looks is known to within that.
#ifndef ROOST_BROKER_SLA_DOWN_WATCH_H_
#define ROOST_BROKER_SLA_DOWN_WATCH_H_

#include <cstdint>

#include "broker/sla/down_times.h"
#include "broker/sla/latency_window.h"
#include "ipc/counters_format.h"

namespace roost {

// At some moment.
struct BrokerSigns {
  uint64_t now_ns = 0;              // CLOCK_MONOTONIC
  uint64_t wall_ns = 0;             // CLOCK_REALTIME
  uint64_t due_ns = 0;              // when the look was due, CLOCK_MONOTONIC; 0: any time
  uint64_t degraded_since_ns = 0;   // CLOCK_REALTIME; 0: it is not
  uint64_t disk_full_since_ns = 0;  // CLOCK_REALTIME; 0: it is not
  SequencerBeat beat = {};
  uint64_t refused = 0;  // so many requests until now because of a full or degraded journal
};

class DownWatch {
 public:
  static constexpr uint64_t kPatienceNs = 2'000'000'000;  // as HealthLimits has it
  static constexpr uint64_t kLookNs = 1'000'000'000;

  // `writes`: of the journal, since the last look.
  void Look(const BrokerSigns& signs, const BucketCounts& writes, DownTimes* down);
  // What it saw last has not ended.
  bool is_down() const { return is_down_; }

 private:
  uint64_t refused_ = 0;
  bool is_down_ = false;
};

}  // namespace roost

#endif  // ROOST_BROKER_SLA_DOWN_WATCH_H_
