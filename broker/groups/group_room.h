// Requests about groups: Take, Settle, ListParked, Unpark, ListGroups, RemoveGroup. Any stream is a queue for any number of
// groups; the broker hands out revisions and never reads an event.
//
// Events that come back (retry, a lease that expired, a consumer that left) go to the next who takes, until
// they were handed out `max_tries` times: then they are parked. Who waits is served in ServeWaiting, first
// come, first served; a Take that finds others waiting stands in line behind them until the end of the turn.
//
// Sequencer thread.
#ifndef ROOST_BROKER_GROUPS_GROUP_ROOM_H_
#define ROOST_BROKER_GROUPS_GROUP_ROOM_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "broker/coordination/change_writer.h"
#include "broker/coordination/room.h"
#include "broker/coordination/waiting_budget.h"
#include "broker/groups/group_changes.h"
#include "broker/groups/group_replies.h"
#include "broker/groups/group_table.h"
#include "broker/groups/settling.h"
#include "broker/groups/take_queue.h"
#include "broker/groups/taking.h"
#include "log/log_writer.h"

namespace roost {

class GroupRoom : public CoordinationRoom {
 public:
  struct Parts {
    const LogWriter* log;
    SessionTable* sessions;
    GroupTable* table;
    ChangeWriter* changes;
    WaitingBudget* waiting;
  };
  GroupRoom(const Parts& parts, uint64_t max_tries);

  // CoordinationRoom
  TryOutcome Try(const Asked& asked, const wire::Request& request) override;
  Bytes ReplyTo(const KeptAnswer& answer) override;
  void OnStarted(uint64_t now_ns) override;
  void OnSessionEnded(Session& session, std::string_view reason) override;
  void DropWaiting(Session& session) override;
  void Cancel(Session& session, uint64_t number) override;
  bool HoldsFor(const Session& session, uint64_t number) const override;
  void TakeBack(Session& session, uint64_t number) override;
  void OnStaged(std::span<const EventToStage> events) override;
  void ServeWaiting() override;
  uint64_t NextTimerNs() const override;
  void OnTimer(uint64_t now_ns) override;

 private:
  void ListParked(const Asked& asked, const wire::ListParked& list);
  void ListGroups(const Asked& asked, const wire::ListGroups& list);
  TryOutcome Remove(const Asked& asked, const wire::RemoveGroup& remove);

  const Parts parts_;
  GroupReplies replies_;
  TakeQueue queue_;
  GroupChanges groups_;
  Taking taking_;
  Settling settling_;
};

}  // namespace roost

#endif  // ROOST_BROKER_GROUPS_GROUP_ROOM_H_
