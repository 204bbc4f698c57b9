// Which events are in consumers' hands, for rooms that know nothing of groups. Sequencer thread.
#ifndef ROOST_BROKER_GROUPS_HELD_EVENTS_H_
#define ROOST_BROKER_GROUPS_HELD_EVENTS_H_

#include <optional>
#include <string_view>

#include "broker/coordination/taken_events.h"
#include "broker/groups/group_table.h"

namespace roost {

class HeldEvents : public TakenEvents {
 public:
  explicit HeldEvents(const GroupTable* table) : table_(table) {}

  std::optional<uint64_t> RevisionOf(const Session& session, std::string_view stream,
                                     const wire::ItemToken& token) const override {
    const auto held = table_->FindHeld(session.number, token);
    if (!held.has_value() || held->group->stream != stream) return std::nullopt;
    return held->revision;
  }

 private:
  const GroupTable* const table_;
};

}  // namespace roost

#endif  // ROOST_BROKER_GROUPS_HELD_EVENTS_H_
