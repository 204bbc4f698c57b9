#include "broker/groups/group_replies.h"

#include <algorithm>

#include "base/check.h"
#include "broker/groups/group_limits.h"
#include "ipc/protocol.h"

namespace roost {
namespace {

// What one more Group and the rest of the reply may take at most.
constexpr size_t kGroupBytesMax = 1024;

}  // namespace

template <typename Body>
Bytes GroupReplies::Finish(uint64_t number, flatbuffers::Offset<Body> body) {
  builder_.Finish(
      wire::CreateReply(builder_, number, wire::ReplyBodyTraits<Body>::enum_value, body.Union()));
  ROOST_CHECK(builder_.GetSize() <= kReplyBytesMax, "bytes={}", builder_.GetSize());
  return std::as_bytes(std::span(builder_.GetBufferPointer(), builder_.GetSize()));
}

Bytes GroupReplies::Queued(uint64_t number) {
  builder_.Clear();
  return Finish(number, wire::CreateQueued(builder_));
}

Bytes GroupReplies::Taken(uint64_t number, uint64_t lease, const GroupLease& what) {
  builder_.Clear();
  std::vector<wire::TakenItem> items;
  items.reserve(CountOf(what.given));
  const GroupState& state = what.group->state;
  for (const RevisionRange& range : what.given) {
    for (uint64_t revision = range.first; revision <= range.last; ++revision) {
      items.emplace_back(revision, static_cast<uint32_t>(state.TriesOf(revision)));
    }
  }
  const auto offset = builder_.CreateVectorOfStructs(items);
  return Finish(number, wire::CreateTaken(builder_, lease, offset, state.parked()));
}

Bytes GroupReplies::NothingTaken(uint64_t number, uint64_t parked) {
  builder_.Clear();
  return Finish(number, wire::CreateTaken(builder_, 0, 0, parked));
}

Bytes GroupReplies::Settled(uint64_t number, uint32_t count, const std::vector<bool>* refused) {
  builder_.Clear();
  std::vector<uint8_t> settled(count, 1);
  for (size_t i = 0; refused != nullptr && i < std::min(settled.size(), refused->size()); ++i) {
    if ((*refused)[i]) settled[i] = 0;
  }
  const auto offset = builder_.CreateVector(settled);
  return Finish(number, wire::CreateSettled(builder_, offset));
}

Bytes GroupReplies::Parked(uint64_t number, const GroupState& state, uint64_t after,
                           uint32_t limit) {
  builder_.Clear();
  const size_t shown = std::min(limit, kListParkedMax);
  const auto parked = state.Parked(after, shown + 1);
  std::vector<wire::TakenItem> items;
  for (const auto& event : parked) {
    if (items.size() < shown) items.emplace_back(event.revision, event.tries);
  }
  const auto offset = builder_.CreateVectorOfStructs(items);
  return Finish(number, wire::CreateParked(builder_, offset, parked.size() > shown));
}

Bytes GroupReplies::Unparked(uint64_t number, uint64_t count) {
  builder_.Clear();
  return Finish(number, wire::CreateUnparked(builder_, count));
}

Bytes GroupReplies::GroupRemoved(uint64_t number, uint64_t parked) {
  builder_.Clear();
  return Finish(number, wire::CreateGroupRemoved(builder_, /*removed=*/true, 0, 0, parked));
}

Bytes GroupReplies::GroupInUse(uint64_t number, uint64_t taken, uint64_t waiting) {
  builder_.Clear();
  return Finish(number, wire::CreateGroupRemoved(builder_, /*removed=*/false, taken, waiting));
}

Bytes GroupReplies::Groups(uint64_t number, const GroupTable& table, const wire::ListGroups& list,
                           const std::function<Surroundings(const Group&)>& look) {
  builder_.Clear();
  const std::string_view prefix = TextOf(list.prefix());
  std::vector<flatbuffers::Offset<wire::Group>> groups;
  const Group* group =
      table.FindAfter({TextOf(list.after_stream()), TextOf(list.after_group())}, prefix);
  for (; group != nullptr; group = table.FindAfter({group->stream, group->name}, prefix)) {
    if (groups.size() >= std::min(list.limit(), kListGroupsMax) ||
        builder_.GetSize() + kGroupBytesMax > kReplyBytesMax) {
      break;
    }
    const auto stream = builder_.CreateString(group->stream);
    const auto name = builder_.CreateString(group->name);
    const Surroundings surroundings = look(*group);
    const GroupState& state = group->state;
    groups.push_back(wire::CreateGroup(
        builder_, stream, name, state.checkpoint(), state.next(), surroundings.head, state.taken(),
        state.returned(), state.parked(), group->consumers.size(), surroundings.waiting));
  }
  const auto offset = builder_.CreateVector(groups);
  return Finish(number, wire::CreateGroups(builder_, offset, group != nullptr));
}

}  // namespace roost
