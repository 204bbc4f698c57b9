#include "broker/groups/worn_out.h"

#include <fmt/core.h>

#include <algorithm>

namespace roost {

RevisionRanges WornOut(const GroupTable& table, const GroupState& state,
                       const RevisionRanges& revisions, uint64_t max_tries) {
  // One Settle may be about several groups, each of which sees the same room for all of them.
  const uint64_t in_all = std::min(table.parked_in_all(), GroupTable::kParkedMaxInAll);
  uint64_t room =
      std::min(GroupTable::kParkedMaxInAll - in_all, GroupState::kParkedMax - state.parked());
  RevisionRanges worn_out;
  for (const RevisionRange& range : revisions) {
    for (uint64_t revision = range.first; revision <= range.last && room > 0; ++revision) {
      if (state.TriesOf(revision) < max_tries) continue;
      AddRange({revision, revision}, &worn_out);
      --room;
    }
  }
  return worn_out;
}

std::string WornOutReason(uint64_t max_tries, std::string_view last) {
  return fmt::format("handed out {} times without being done, the last time: {}", max_tries, last);
}

RevisionRanges Without(const RevisionRanges& all, const RevisionRanges& some) {
  RevisionRanges left;
  auto next = some.begin();
  for (RevisionRange range : all) {
    for (; next != some.end() && next->first <= range.last; ++next) {
      if (next->first > range.first) AddRange({range.first, next->first - 1}, &left);
      range.first = next->last + 1;
    }
    if (range.first <= range.last) AddRange(range, &left);
  }
  return left;
}

}  // namespace roost
