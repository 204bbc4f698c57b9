// Every change of the table of groups goes through here, with what hangs on it: the timers of leases, who waits
// for what comes back, and how it is taken back if its commit fails.
//
// Sequencer thread.
#ifndef ROOST_BROKER_GROUPS_GROUP_CHANGES_H_
#define ROOST_BROKER_GROUPS_GROUP_CHANGES_H_

#include <cstdint>
#include <string_view>

#include "broker/coordination/change_writer.h"
#include "broker/groups/group_table.h"
#include "broker/groups/lease_timers.h"
#include "broker/groups/take_queue.h"
#include "broker/session_table.h"

namespace roost {

class GroupChanges {
 public:
  static constexpr size_t kEndedPerTurn = 1024;

  struct Parts {
    SessionTable* sessions;
    GroupTable* table;
    ChangeWriter* changes;
    TakeQueue* queue;
  };
  // After `max_tries` an event that comes back is parked.
  GroupChanges(const Parts& parts, uint64_t max_tries) : parts_(parts), max_tries_(max_tries) {}

  uint64_t max_tries() const { return max_tries_; }

  // What a request changed; its events are staged.
  Group& Create(const GroupName& name, uint64_t next);
  void Apply(Group& group, const GroupEvent& event);
  // REQUIRES: nobody holds anything of it, nobody waits for it.
  void Remove(Group& group);

  // All that the lease still holds goes back, by the broker's own doing.
  void GiveBack(uint64_t lease, std::string_view reason);

  // All leases begin anew; those of sessions that are gone for good end.
  void StartTimers(uint64_t now_ns);
  uint64_t NextTimerNs() const { return timers_.NextNs(); }
  // Those whose time is over, but at most kEndedPerTurn: NextTimerNs then wants the next turn at once.
  void EndLeases(uint64_t now_ns);

 private:
  // The timers of these leases stop if they have ended. What was stopped, with its deadline.
  std::vector<std::pair<uint64_t, uint64_t>> StopEnded(const std::vector<SpanMap::Span>& touched);
  void Tell(Group& group, const GroupEvent& event, uint64_t session);

  const Parts parts_;
  const uint64_t max_tries_;
  LeaseTimers timers_;
};

}  // namespace roost

#endif  // ROOST_BROKER_GROUPS_GROUP_CHANGES_H_
