// Brings those gauges and rows of the counters file up to date that would cost too much to keep so with every request: how
// many claims, groups and waiting requests there are, how long the queues are, and how far each group is. At most every kIntervalNs, and only after a
// turn in which something was asked or committed: a broker of which nothing is asked is not woken.
//
// A round costs next to nothing without groups and about 0.3 us for each of the first kGroupRowCount. Sequencer thread.
#ifndef ROOST_BROKER_GAUGES_H_
#define ROOST_BROKER_GAUGES_H_

#include <cstdint>
#include <functional>

#include "broker/coordination/waiting_budget.h"
#include "broker/counters_writer.h"
#include "broker/groups/group_table.h"
#include "broker/leases/lease_table.h"
#include "broker/librarian.h"
#include "broker/own_events.h"
#include "broker/verdicts/examiner.h"
#include "broker/waker.h"

namespace roost {

class Gauges {
 public:
  static constexpr uint64_t kIntervalNs = 250'000'000;

  struct Parts {
    const LogWriter* log;
    const LeaseTable* leases;
    const GroupTable* groups;
    const WaitingBudget* waiting;
    const Waker* waker;
    const Librarian* librarian;
    const Examiner* examiner;
    const OwnEvents* own_events;
    CountersWriter* counters;
    std::function<void()> on_work = {};  // called in each round
  };
  explicit Gauges(const Parts& parts) : parts_(parts) {}

  // Something was asked or committed.
  void NoteWork() { is_stale_ = true; }
  // At the end of a turn, at `now_ns` (CLOCK_MONOTONIC).
  void OnTurnEnd(uint64_t now_ns) {
    if (now_ns >= NextTimerNs()) BringUpToDate(now_ns);
  }
  uint64_t NextTimerNs() const { return is_stale_ ? due_ns_ : UINT64_MAX; }

 private:
  void BringUpToDate(uint64_t now_ns);
  void WriteGroups();

  const Parts parts_;
  bool is_stale_ = true;
  uint64_t due_ns_ = 0;
};

}  // namespace roost

#endif  // ROOST_BROKER_GAUGES_H_
