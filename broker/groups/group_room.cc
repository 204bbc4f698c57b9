#include "broker/groups/group_room.h"

#include <algorithm>

#include "base/check.h"
#include "broker/groups/group_limits.h"

namespace roost {

using wire::RefusalCode;
using wire::RequestBody;

GroupRoom::GroupRoom(const Parts& parts, uint64_t max_tries)
    : parts_(parts),
      queue_(parts.waiting),
      groups_({parts.sessions, parts.table, parts.changes, &queue_}, max_tries),
      taking_({parts.log, parts.table, parts.changes, &groups_, &queue_, &replies_}),
      settling_({parts.table, parts.changes, &groups_, &replies_}) {}

TryOutcome GroupRoom::Try(const Asked& asked, const wire::Request& request) {
  switch (request.body_type()) {
    case RequestBody::Take:
      return taking_.Try(asked, *request.body_as_Take());
    case RequestBody::Settle:
      return settling_.Settle(asked, *request.body_as_Settle());
    case RequestBody::Unpark:
      return settling_.Unpark(asked, *request.body_as_Unpark());
    case RequestBody::ListParked:
      ListParked(asked, *request.body_as_ListParked());
      return TryOutcome::kDone;
    case RequestBody::ListGroups:
      ListGroups(asked, *request.body_as_ListGroups());
      return TryOutcome::kDone;
    case RequestBody::RemoveGroup:
      return Remove(asked, *request.body_as_RemoveGroup());
    default:
      break;
  }
  ROOST_CHECK(false, "type={}", static_cast<int>(request.body_type()));
  return TryOutcome::kDone;
}

Bytes GroupRoom::ReplyTo(const KeptAnswer& answer) {
  if (answer.kind == KeptAnswer::Kind::kSettled) {
    return replies_.Settled(answer.number, answer.count, answer.refused.get());
  }
  if (answer.kind == KeptAnswer::Kind::kUnparked) {
    return replies_.Unparked(answer.number, answer.count);
  }
  if (answer.kind == KeptAnswer::Kind::kGroupRemoved) {
    return replies_.GroupRemoved(answer.number, answer.count);
  }
  // What has gone back to the group in the meantime is not this consumer's any more.
  const GroupLease* lease = parts_.table->FindLease(answer.first);
  if (lease == nullptr) return replies_.NothingTaken(answer.number, 0);
  return replies_.Taken(answer.number, answer.first, *lease);
}

void GroupRoom::ListParked(const Asked& asked, const wire::ListParked& list) {
  const Group* const group = parts_.table->Find(NameIn(list));
  if (list.limit() == 0) {
    parts_.changes->Refuse(asked, {RefusalCode::Invalid, "a list's limit must not be 0"});
  } else if (group == nullptr) {
    parts_.changes->Refuse(asked, NoSuchGroup(NameIn(list)));
  } else {
    parts_.changes->Answer(asked,
                           replies_.Parked(asked.number, group->state, list.after(), list.limit()));
  }
}

void GroupRoom::ListGroups(const Asked& asked, const wire::ListGroups& list) {
  if (list.limit() == 0) {
    parts_.changes->Refuse(asked, {RefusalCode::Invalid, "a list's limit must not be 0"});
    return;
  }
  const auto look = [this](const Group& group) {
    return GroupReplies::Surroundings{parts_.log->RevisionOf(group.stream), queue_.Count(&group)};
  };
  parts_.changes->Answer(asked, replies_.Groups(asked.number, *parts_.table, list, look));
}

TryOutcome GroupRoom::Remove(const Asked& asked, const wire::RemoveGroup& remove) {
  if (auto refusal = CheckRemoveGroup(remove)) {
    parts_.changes->Refuse(asked, *refusal);
    return TryOutcome::kDone;
  }
  Group* const group = parts_.table->Find(NameIn(remove));
  if (group == nullptr) {
    parts_.changes->Refuse(asked, NoSuchGroup(NameIn(remove)));
    return TryOutcome::kDone;
  }
  const size_t waiting = queue_.Count(group);
  if (!GroupTable::CanRemove(*group) || waiting > 0) {
    parts_.changes->Answer(asked, replies_.GroupInUse(asked.number, group->state.taken(), waiting));
    return TryOutcome::kDone;
  }
  const GroupEvent removed{.kind = GroupEvent::Kind::kRemoved,
                           .checkpoint = group->state.checkpoint(),
                           .parked = group->state.parked(),
                           .note = std::string(TextOf(remove.note()))};
  const std::string data = DataOf(removed);
  BatchPlace place;
  const Change change{group->log_stream, TypeOf(removed), data};
  if (const auto outcome = parts_.changes->Stage(asked, change, &place);
      outcome != ChangeWriter::Outcome::kStaged) {
    return NotStaged(outcome);
  }
  groups_.Remove(*group);
  parts_.changes->AnswerStaged(asked, {.kind = KeptAnswer::Kind::kGroupRemoved,
                                       .count = static_cast<uint32_t>(removed.parked)});
  return TryOutcome::kDone;
}

void GroupRoom::OnStarted(uint64_t now_ns) { groups_.StartTimers(now_ns); }

void GroupRoom::OnSessionEnded(Session& session, std::string_view reason) {
  queue_.RemoveAll(session);
  for (const uint64_t lease : parts_.table->LeasesOf(session.number)) {
    groups_.GiveBack(lease, reason);
  }
}

void GroupRoom::DropWaiting(Session& session) { queue_.RemoveAll(session); }

void GroupRoom::Cancel(Session& session, uint64_t number) { queue_.Remove(session, number); }

bool GroupRoom::HoldsFor(const Session& session, uint64_t number) const {
  return parts_.table->LeaseFor(session.number, number) != 0;
}

void GroupRoom::TakeBack(Session& session, uint64_t number) {
  const uint64_t lease = parts_.table->LeaseFor(session.number, number);
  if (lease != 0) groups_.GiveBack(lease, kGivenUpReason);
}

void GroupRoom::OnStaged(std::span<const EventToStage> events) { taking_.OnStaged(events); }

void GroupRoom::ServeWaiting() { taking_.ServeWaiting(); }

uint64_t GroupRoom::NextTimerNs() const {
  // What was not served in the last turn is in the next, which must not be waited for.
  if (queue_.HasNoted()) return 0;
  return std::min(groups_.NextTimerNs(), queue_.NextDeadlineNs());
}

void GroupRoom::OnTimer(uint64_t now_ns) {
  groups_.EndLeases(now_ns);
  taking_.EndWaits(now_ns);
}

}  // namespace roost
