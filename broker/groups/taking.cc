#include "broker/groups/taking.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/clock.h"
#include "broker/groups/group_limits.h"

namespace roost {

using Kind = GroupEvent::Kind;
using wire::RefusalCode;

TryOutcome Taking::Try(const Asked& asked, const wire::Take& take) {
  if (auto refusal = CheckTake(take)) {
    parts_.changes->Refuse(asked, *refusal);
    return TryOutcome::kDone;
  }
  if (parts_.table->CountLeasesOf(asked.session.number) >= GroupTable::kLeasesPerSessionMax) {
    parts_.changes->Refuse(
        asked, {RefusalCode::TooLarge,
                fmt::format("this session has taken {} times without settling all that it got, "
                            "which is the limit; settle some first, or take more at once",
                            GroupTable::kLeasesPerSessionMax)});
    return TryOutcome::kDone;
  }
  Group* const group = parts_.table->Find(NameIn(take));
  if (group == nullptr) return TakeFromNew(asked, take);
  if (parts_.queue->Count(group) > 0) {
    parts_.queue->NoteGroup(group);
    return Wait(asked, take, *group);
  }
  if (const auto outcome = SkipGone(asked, *group); outcome != ChangeWriter::Outcome::kStaged) {
    return NotStaged(outcome);
  }
  const uint64_t head = parts_.log->RevisionOf(group->stream);
  if (auto refusal = CheckRoom(group->state, head)) {
    parts_.changes->Refuse(asked, *refusal);
    return TryOutcome::kDone;
  }
  GroupEvent taken{.kind = Kind::kTaken,
                   .session = asked.session.number,
                   .request = asked.number,
                   .lease_ms = take.lease_ms(),
                   .revisions = Available(group->state, head, take.max())};
  if (taken.revisions.empty()) {
    if (take.wait_ms() > 0) return Wait(asked, take, *group);
    parts_.changes->Answer(asked,
                           parts_.replies->NothingTaken(asked.number, group->state.parked()));
    return TryOutcome::kDone;
  }
  const std::string data = DataOf(taken);
  BatchPlace place;
  const Change change{group->log_stream, TypeOf(taken), data};
  if (const auto outcome = parts_.changes->Stage(asked, change, &place);
      outcome != ChangeWriter::Outcome::kStaged) {
    return NotStaged(outcome);
  }
  taken.lease = place.last;
  HandOut(asked, *group, taken);
  return TryOutcome::kDone;
}

ChangeWriter::Outcome Taking::SkipGone(const Asked& asked, Group& group) {
  const uint64_t kept_from = parts_.log->KeptFrom(group.stream);
  if (!group.state.CanSkip(kept_from)) return ChangeWriter::Outcome::kStaged;
  const GroupEvent skipped{
      .kind = Kind::kSkipped, .next = kept_from, .count = group.state.CountBefore(kept_from)};
  const std::string data = DataOf(skipped);
  BatchPlace place;
  const auto outcome =
      parts_.changes->Stage(asked, Change{group.log_stream, TypeOf(skipped), data}, &place);
  if (outcome == ChangeWriter::Outcome::kStaged) parts_.groups->Apply(group, skipped);
  return outcome;
}

TryOutcome Taking::TakeFromNew(const Asked& asked, const wire::Take& take) {
  if (parts_.table->size() >= GroupTable::kGroupsMax) {
    parts_.changes->Refuse(
        asked,
        {RefusalCode::TooLarge,
         fmt::format("there are {} groups, which is the limit; take with a group that exists, or "
                     "have one removed that nobody needs (roost groups STREAM GROUP --drop)",
                     GroupTable::kGroupsMax)});
    return TryOutcome::kDone;
  }
  const GroupName name = NameIn(take);
  const uint64_t head = parts_.log->RevisionOf(name.stream);
  const GroupEvent created{.kind = Kind::kCreated,
                           .next = take.from_head() ? head + 1 : parts_.log->KeptFrom(name.stream)};
  GroupEvent taken{.kind = Kind::kTaken,
                   .session = asked.session.number,
                   .request = asked.number,
                   .lease_ms = take.lease_ms(),
                   .revisions = Available(GroupState(created.next), head, take.max())};
  const std::string stream = GroupStreamOf(name);
  const std::string texts[] = {DataOf(created), DataOf(taken)};
  const Change changes[] = {{stream, TypeOf(created), texts[0]}, {stream, TypeOf(taken), texts[1]}};
  const bool takes = !taken.revisions.empty();
  BatchPlace place;
  if (const auto outcome = parts_.changes->Stage(asked, std::span(changes, takes ? 2 : 1), &place);
      outcome != ChangeWriter::Outcome::kStaged) {
    return NotStaged(outcome);
  }
  Group& group = parts_.groups->Create(name, created.next);
  if (takes) {
    taken.lease = place.last;
    HandOut(asked, group, taken);
  } else if (take.wait_ms() > 0) {
    return Wait(asked, take, group);
  } else {
    parts_.changes->AnswerStaged(asked, {.kind = KeptAnswer::Kind::kTaken});
  }
  return TryOutcome::kDone;
}

std::optional<Refusal> Taking::CheckRoom(const GroupState& state, uint64_t head) const {
  if (state.parked() >= GroupState::kParkedMax) {
    return Refusal{RefusalCode::TooLarge,
                   fmt::format("nothing is handed out while {} events of this group are parked, "
                               "which is the limit; have them looked at, retried or dropped (roost "
                               "parked)",
                               GroupState::kParkedMax)};
  }
  if (state.returned() > 0 || head < state.next()) return std::nullopt;
  if (state.open() >= GroupState::kOpenMax) {
    return Refusal{RefusalCode::TooLarge,
                   fmt::format("{} events of this group are in consumers' hands, which is the "
                               "limit; settle some, then take again",
                               GroupState::kOpenMax)};
  }
  if (parts_.table->open_in_all() >= GroupTable::kOpenMaxInAll) {
    return Refusal{RefusalCode::TooLarge,
                   fmt::format("{} events of all groups are in consumers' hands, which is the "
                               "limit; settle some, then take again",
                               GroupTable::kOpenMaxInAll)};
  }
  return std::nullopt;
}

RevisionRanges Taking::Available(const GroupState& state, uint64_t head, uint64_t count_max) const {
  const uint64_t in_all = parts_.table->open_in_all();
  const uint64_t room = GroupTable::kOpenMaxInAll > in_all ? GroupTable::kOpenMaxInAll - in_all : 0;
  // As if the stream ended where the room does.
  return state.Available(std::min(head, state.next() - 1 + room), count_max);
}

void Taking::HandOut(const Asked& asked, Group& group, const GroupEvent& taken) {
  parts_.groups->Apply(group, taken);
  parts_.changes->AnswerStaged(asked, {.kind = KeptAnswer::Kind::kTaken,
                                       .count = static_cast<uint32_t>(CountOf(taken.revisions)),
                                       .first = taken.lease,
                                       .last = taken.lease});
}

TryOutcome Taking::Wait(const Asked& asked, const wire::Take& take, Group& group) {
  const uint64_t deadline_ns = asked.received_ns + take.wait_ms() * kNsPerMs;
  const auto refusal =
      parts_.queue->Add({&asked.peer, &asked.session, asked.number, asked.received_ns, &group,
                         take.max(), take.lease_ms(), take.wait_ms() > 0 ? deadline_ns : 0});
  if (refusal.has_value()) {
    parts_.changes->Refuse(asked, *refusal);
    return TryOutcome::kDone;
  }
  if (!parts_.changes->undo()->empty()) {
    // Refused with the turn, if that is taken back: who only stands in line has to be told here.
    parts_.changes->undo()->Add([this, asked, is_owed = take.wait_ms() > 0] {
      if (!parts_.queue->Has(asked.session, asked.number)) return;
      parts_.queue->Remove(asked.session, asked.number);
      if (!is_owed) {
        parts_.changes->Refuse(
            asked, {RefusalCode::Full, "nothing was taken: the journal took nothing; try again"});
      }
    });
  }
  if (take.wait_ms() > 0) parts_.changes->Answer(asked, parts_.replies->Queued(asked.number));
  return TryOutcome::kDone;
}

void Taking::OnStaged(std::span<const EventToStage> events) {
  if (!parts_.queue->HasStreams()) return;
  std::string_view last;
  for (const EventToStage& event : events) {
    if (event.stream == last) continue;
    last = event.stream;
    parts_.queue->NoteStream(last);
  }
}

void Taking::ServeWaiting() {
  if (!parts_.queue->HasNoted() && parts_.queue->FirstAtOnce() == nullptr) return;
  size_t served = 0;
  bool is_through = true;
  for (Group* group : parts_.queue->TakeNoted()) {
    is_through = is_through && ServeGroup(*group, &served);
    if (!is_through) parts_.queue->NoteGroup(group);
  }
  if (is_through) AnswerThoseInLine();
}

bool Taking::ServeGroup(Group& group, size_t* served) {
  while (parts_.queue->Count(&group) > 0) {
    if (*served >= kServedPerTurn) return false;
    switch (ServeFirst(group)) {
      case Served::kDone:
        ++*served;
        break;
      case Served::kNothing:
        return true;
      case Served::kTurnFull:
        return false;
    }
  }
  return true;
}

Taking::Served Taking::ServeFirst(Group& group) {
  const WaitingTake take = *parts_.queue->First(&group);
  switch (SkipGone(AskedBy(take), group)) {
    case ChangeWriter::Outcome::kTurnFull:
      return Served::kTurnFull;
    case ChangeWriter::Outcome::kRefused:
      parts_.queue->Remove(*take.session, take.number);
      return Served::kDone;
    case ChangeWriter::Outcome::kStaged:
      break;
  }
  const uint64_t head = parts_.log->RevisionOf(group.stream);
  if (CheckRoom(group.state, head).has_value()) return Served::kNothing;
  GroupEvent taken{.kind = Kind::kTaken,
                   .session = take.session->number,
                   .request = take.number,
                   .lease_ms = take.lease_ms,
                   .revisions = Available(group.state, head, take.max)};
  if (taken.revisions.empty()) return Served::kNothing;
  const std::string data = DataOf(taken);
  BatchPlace place;
  const auto outcome =
      parts_.changes->Stage(AskedBy(take), Change{group.log_stream, TypeOf(taken), data}, &place);
  if (outcome == ChangeWriter::Outcome::kTurnFull) return Served::kTurnFull;
  parts_.queue->Remove(*take.session, take.number);
  if (outcome == ChangeWriter::Outcome::kStaged) {
    taken.lease = place.last;
    HandOut(AskedBy(take), group, taken);
  }
  return Served::kDone;
}

void Taking::AnswerThoseInLine() {
  while (const WaitingTake* first = parts_.queue->FirstAtOnce()) {
    const WaitingTake take = *first;
    parts_.queue->Remove(*take.session, take.number);
    const GroupState& state = take.group->state;
    if (auto refusal = CheckRoom(state, parts_.log->RevisionOf(take.group->stream))) {
      parts_.changes->Refuse(AskedBy(take), *refusal);
    } else {
      parts_.changes->Answer(AskedBy(take),
                             parts_.replies->NothingTaken(take.number, state.parked()));
    }
  }
}

Asked Taking::AskedBy(const WaitingTake& take) {
  return {*take.peer, *take.session, take.number, take.received_ns};
}

void Taking::EndWaits(uint64_t now_ns) {
  while (now_ns >= parts_.queue->NextDeadlineNs()) {
    const WaitingTake take = parts_.queue->FirstToEnd();
    parts_.queue->Remove(*take.session, take.number);
    parts_.changes->Answer(AskedBy(take),
                           parts_.replies->NothingTaken(take.number, take.group->state.parked()));
  }
}

}  // namespace roost
