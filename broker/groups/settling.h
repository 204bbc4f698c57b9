// Settle, and what an operator does with events that were parked.
//
// Sequencer thread.
#ifndef ROOST_BROKER_GROUPS_SETTLING_H_
#define ROOST_BROKER_GROUPS_SETTLING_H_

#include <utility>
#include <vector>

#include "broker/coordination/change_writer.h"
#include "broker/coordination/room.h"
#include "broker/groups/group_changes.h"
#include "broker/groups/group_replies.h"
#include "broker/groups/group_table.h"
#include "broker/groups/settlement.h"

namespace roost {

class Settling {
 public:
  struct Parts {
    GroupTable* table;
    ChangeWriter* changes;
    GroupChanges* groups;
    GroupReplies* replies;
  };
  explicit Settling(const Parts& parts) : parts_(parts) {}

  TryOutcome Settle(const Asked& asked, const wire::Settle& settle);
  TryOutcome Unpark(const Asked& asked, const wire::Unpark& unpark);

 private:
  using Events = std::vector<std::pair<Group*, GroupEvent>>;

  Events EventsOf(const Settlement& settlement, const wire::Settle& settle) const;
  // kStaged: staged, and the table is changed.
  ChangeWriter::Outcome Write(const Asked& asked, const Events& events);

  const Parts parts_;
};

// Of the revisions that are named, or of all, those that are parked.
RevisionRanges ParkedOf(const GroupState& state, const flatbuffers::Vector<uint64_t>* named);

}  // namespace roost

#endif  // ROOST_BROKER_GROUPS_SETTLING_H_
