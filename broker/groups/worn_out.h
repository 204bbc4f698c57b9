// Events that came back too often. Pure functions over the table.
#ifndef ROOST_BROKER_GROUPS_WORN_OUT_H_
#define ROOST_BROKER_GROUPS_WORN_OUT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "broker/groups/group_table.h"

namespace roost {

// Which of these events were handed out `max_tries` times and must not be again, as far as there is room to
// park them: what there is none for is handed out once more.
RevisionRanges WornOut(const GroupTable& table, const GroupState& state,
                       const RevisionRanges& revisions, uint64_t max_tries);
// `last`: how it came back the last time.
std::string WornOutReason(uint64_t max_tries, std::string_view last);

// `all` without `some` of it.
RevisionRanges Without(const RevisionRanges& all, const RevisionRanges& some);

}  // namespace roost

#endif  // ROOST_BROKER_GROUPS_WORN_OUT_H_
