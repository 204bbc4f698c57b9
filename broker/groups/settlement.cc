#include "broker/groups/settlement.h"

#include <fmt/core.h>

#include <algorithm>

namespace roost {
namespace {

struct HeldToken {
  Group* group;
  uint64_t revision;
  uint32_t index;  // among the tokens
};

// Each group's events side by side, in their order; of one that is named twice the first.
void Sort(std::vector<HeldToken>* held, std::vector<uint32_t>* refused) {
  std::ranges::stable_sort(*held, [](const HeldToken& a, const HeldToken& b) {
    if (a.group != b.group) return a.group->log_stream < b.group->log_stream;
    return a.revision < b.revision;
  });
  const auto is_same = [](const HeldToken& a, const HeldToken& b) {
    return a.group == b.group && a.revision == b.revision;
  };
  for (size_t i = 1; i < held->size(); ++i) {
    if (is_same((*held)[i - 1], (*held)[i])) refused->push_back((*held)[i].index);
  }
  held->erase(std::unique(held->begin(), held->end(), is_same), held->end());
  std::ranges::sort(*refused);
}

}  // namespace

Settlement SortOut(const GroupTable& table, uint64_t session,
                   std::span<const wire::ItemToken* const> tokens) {
  Settlement settlement;
  std::vector<HeldToken> held;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const auto index = static_cast<uint32_t>(i);
    if (const auto found = table.FindHeld(session, *tokens[i])) {
      held.push_back({found->group, found->revision, index});
    } else {
      settlement.refused.push_back(index);
    }
  }
  Sort(&held, &settlement.refused);
  for (const HeldToken& token : held) {
    if (settlement.parts.empty() || settlement.parts.back().group != token.group) {
      settlement.parts.push_back({token.group});
    }
    AddRange({token.revision, token.revision}, &settlement.parts.back().revisions);
  }
  return settlement;
}

std::optional<Refusal> CheckRoomToPark(const GroupTable& table, const Settlement& settlement) {
  uint64_t in_all = table.parked_in_all();
  for (const Settlement::Part& part : settlement.parts) {
    const uint64_t count = CountOf(part.revisions);
    in_all += count;
    const bool is_full = part.group->state.parked() + count > GroupState::kParkedMax;
    if (!is_full && in_all <= GroupTable::kParkedMaxInAll) continue;
    return Refusal{
        wire::RefusalCode::TooLarge,
        fmt::format("nothing was settled: {} events of group '{}' of stream '{}' are parked, and a "
                    "group may have {} (all groups {}); have them looked at, retried or dropped "
                    "(roost parked), or settle these with done or retry",
                    part.group->state.parked(), part.group->name, part.group->stream,
                    GroupState::kParkedMax, GroupTable::kParkedMaxInAll)};
  }
  return std::nullopt;
}

}  // namespace roost
