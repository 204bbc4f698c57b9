// The tokens of one Settle, sorted out: which events of which groups they are, and which are good for nothing.
// Pure
// functions over the table.
#ifndef ROOST_BROKER_GROUPS_SETTLEMENT_H_
#define ROOST_BROKER_GROUPS_SETTLEMENT_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "broker/append_request.h"
#include "broker/groups/group_table.h"

namespace roost {

struct Settlement {
  struct Part {
    Group* group = nullptr;
    RevisionRanges revisions = {};
  };
  std::vector<Part> parts;
  std::vector<uint32_t>
      refused;  // indices of tokens of another session, that ended, or were settled before
};

Settlement SortOut(const GroupTable& table, uint64_t session,
                   std::span<const wire::ItemToken* const> tokens);

// Whether there is room to park them all.
std::optional<Refusal> CheckRoomToPark(const GroupTable& table, const Settlement& settlement);

}  // namespace roost

#endif  // ROOST_BROKER_GROUPS_SETTLEMENT_H_
