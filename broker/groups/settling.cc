#include "broker/groups/settling.h"

#include <fmt/core.h>

#include <algorithm>
#include <memory>

#include "broker/groups/group_limits.h"
#include "broker/groups/worn_out.h"

namespace roost {

using Kind = GroupEvent::Kind;
using wire::Outcome;
using wire::RefusalCode;

TryOutcome Settling::Settle(const Asked& asked, const wire::Settle& settle) {
  if (auto refusal = CheckSettle(settle)) {
    parts_.changes->Refuse(asked, *refusal);
    return TryOutcome::kDone;
  }
  const std::vector<const wire::ItemToken*> tokens(settle.tokens()->begin(),
                                                   settle.tokens()->end());
  const Settlement settlement = SortOut(*parts_.table, asked.session.number, tokens);
  std::shared_ptr<std::vector<bool>> refused;
  if (!settlement.refused.empty()) refused = std::make_shared<std::vector<bool>>(tokens.size());
  for (const uint32_t index : settlement.refused) (*refused)[index] = true;
  const auto count = static_cast<uint32_t>(tokens.size());
  if (settlement.parts.empty()) {
    parts_.changes->Answer(asked, parts_.replies->Settled(asked.number, count, refused.get()));
    return TryOutcome::kDone;
  }
  if (settle.outcome() == Outcome::Park) {
    if (auto refusal = CheckRoomToPark(*parts_.table, settlement)) {
      parts_.changes->Refuse(asked, *refusal);
      return TryOutcome::kDone;
    }
  }
  if (const auto outcome = Write(asked, EventsOf(settlement, settle));
      outcome != ChangeWriter::Outcome::kStaged) {
    return NotStaged(outcome);
  }
  parts_.changes->AnswerStaged(
      asked, {.kind = KeptAnswer::Kind::kSettled, .count = count, .refused = std::move(refused)});
  return TryOutcome::kDone;
}

Settling::Events Settling::EventsOf(const Settlement& settlement,
                                    const wire::Settle& settle) const {
  Events events;
  for (const Settlement::Part& part : settlement.parts) {
    // Each group's event says all that is needed to give the request's answer again.
    events.emplace_back(part.group, GroupEvent{.kind = Kind::kSettled,
                                               .outcome = settle.outcome(),
                                               .revisions = part.revisions,
                                               .count = settle.tokens()->size(),
                                               .refused = settlement.refused,
                                               .note = std::string(TextOf(settle.note()))});
    if (settle.outcome() != Outcome::Retry) continue;
    const uint64_t max_tries = parts_.groups->max_tries();
    RevisionRanges worn_out = WornOut(*parts_.table, part.group->state, part.revisions, max_tries);
    if (worn_out.empty()) continue;
    events.emplace_back(part.group, GroupEvent{.kind = Kind::kParked,
                                               .revisions = std::move(worn_out),
                                               .reason = WornOutReason(max_tries, "retry")});
  }
  return events;
}

ChangeWriter::Outcome Settling::Write(const Asked& asked, const Events& events) {
  std::vector<std::string> texts;
  std::vector<Change> changes;
  texts.reserve(events.size());
  for (const auto& [group, event] : events) {
    texts.push_back(DataOf(event));
    changes.push_back({group->log_stream, TypeOf(event), texts.back()});
  }
  BatchPlace place;
  const ChangeWriter::Outcome outcome = parts_.changes->Stage(asked, changes, &place);
  if (outcome != ChangeWriter::Outcome::kStaged) return outcome;
  for (const auto& [group, event] : events) parts_.groups->Apply(*group, event);
  return outcome;
}

RevisionRanges ParkedOf(const GroupState& state, const flatbuffers::Vector<uint64_t>* named) {
  RevisionRanges parked;
  if (named == nullptr) {
    for (const auto& event : state.Parked(0, GroupState::kParkedMax)) {
      AddRange({event.revision, event.revision}, &parked);
    }
    return parked;
  }
  std::vector<uint64_t> revisions(named->begin(), named->end());
  std::ranges::sort(revisions);
  revisions.erase(std::unique(revisions.begin(), revisions.end()), revisions.end());
  for (const uint64_t revision : revisions) {
    if (state.IsParked(revision)) AddRange({revision, revision}, &parked);
  }
  return parked;
}

TryOutcome Settling::Unpark(const Asked& asked, const wire::Unpark& unpark) {
  if (auto refusal = CheckUnpark(unpark)) {
    parts_.changes->Refuse(asked, *refusal);
    return TryOutcome::kDone;
  }
  Group* const group = parts_.table->Find(NameIn(unpark));
  if (group == nullptr) {
    parts_.changes->Refuse(asked, NoSuchGroup(NameIn(unpark)));
    return TryOutcome::kDone;
  }
  RevisionRanges revisions = ParkedOf(group->state, unpark.revisions());
  const uint64_t count = CountOf(revisions);
  if (count == 0) {
    parts_.changes->Answer(asked, parts_.replies->Unparked(asked.number, 0));
    return TryOutcome::kDone;
  }
  const bool has_room = group->state.HasRoomFor(count) &&
                        parts_.table->open_in_all() + count <= GroupTable::kOpenMaxInAll;
  if (!unpark.drop() && !has_room) {
    parts_.changes->Refuse(
        asked, {RefusalCode::TooLarge,
                fmt::format("nothing was done: {} events of this group are in consumers' hands or "
                            "wait for them, and {} may be (of all groups {}); name fewer, or wait "
                            "until some are settled",
                            group->state.open(), GroupState::kOpenMax, GroupTable::kOpenMaxInAll)});
    return TryOutcome::kDone;
  }
  const GroupEvent event{.kind = unpark.drop() ? Kind::kDropped : Kind::kRetried,
                         .revisions = std::move(revisions),
                         .note = std::string(TextOf(unpark.note()))};
  if (const auto outcome = Write(asked, {{group, event}});
      outcome != ChangeWriter::Outcome::kStaged) {
    return NotStaged(outcome);
  }
  parts_.changes->AnswerStaged(
      asked, {.kind = KeptAnswer::Kind::kUnparked, .count = static_cast<uint32_t>(count)});
  return TryOutcome::kDone;
}

}  // namespace roost
