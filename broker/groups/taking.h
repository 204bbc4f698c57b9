// Take: which events somebody gets, and who gets them when several wait.
//
// Sequencer thread.
#ifndef ROOST_BROKER_GROUPS_TAKING_H_
#define ROOST_BROKER_GROUPS_TAKING_H_

#include <cstdint>
#include <optional>
#include <span>

#include "broker/coordination/change_writer.h"
#include "broker/coordination/room.h"
#include "broker/groups/group_changes.h"
#include "broker/groups/group_replies.h"
#include "broker/groups/group_table.h"
#include "broker/groups/take_queue.h"
#include "log/log_writer.h"

namespace roost {

class Taking {
 public:
  // As many who waited are served at the end of one turn; the others in the next, at once.
  static constexpr size_t kServedPerTurn = 1024;

  struct Parts {
    const LogWriter* log;
    GroupTable* table;
    ChangeWriter* changes;
    GroupChanges* groups;
    TakeQueue* queue;
    GroupReplies* replies;
  };
  explicit Taking(const Parts& parts) : parts_(parts) {}

  TryOutcome Try(const Asked& asked, const wire::Take& take);

  void OnStaged(std::span<const EventToStage> events);
  void ServeWaiting();
  // Those who have waited for long enough are told that there was nothing.
  void EndWaits(uint64_t now_ns);

 private:
  enum class Served { kDone, kNothing, kTurnFull };

  // Gives up what retention took before the group could hand it out, and says so. kStaged: also if there was none.
  ChangeWriter::Outcome SkipGone(const Asked& asked, Group& group);
  TryOutcome TakeFromNew(const Asked& asked, const wire::Take& take);
  // Behind those who wait for the group.
  TryOutcome Wait(const Asked& asked, const wire::Take& take, Group& group);

  // Why nothing can be handed out of this group whatever there is.
  std::optional<Refusal> CheckRoom(const GroupState& state, uint64_t head) const;
  RevisionRanges Available(const GroupState& state, uint64_t head, uint64_t count_max) const;
  // The event is staged: the group has it so now, and the answer is owed.
  void HandOut(const Asked& asked, Group& group, const GroupEvent& taken);

  // The first who waits for the group.
  Served ServeFirst(Group& group);
  bool ServeGroup(Group& group, size_t* served);  // false: not to the end
  void AnswerThoseInLine();
  static Asked AskedBy(const WaitingTake& take);

  const Parts parts_;
};

}  // namespace roost

#endif  // ROOST_BROKER_GROUPS_TAKING_H_
