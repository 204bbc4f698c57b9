#include "broker/groups/group_changes.h"

#include <memory>

#include "base/check.h"
#include "base/clock.h"
#include "broker/groups/worn_out.h"

namespace roost {

using Kind = GroupEvent::Kind;

Group& GroupChanges::Create(const GroupName& name, uint64_t next) {
  Group& group = parts_.table->Create(name, next);
  parts_.changes->undo()->Add([table = parts_.table, stream = group.stream, name = group.name] {
    table->Remove({stream, name});
  });
  return group;
}

void GroupChanges::Remove(Group& group) {
  ROOST_CHECK(parts_.queue->Count(&group) == 0, "group={}", group.log_stream);
  GroupTable* const table = parts_.table;
  // It stays where it is until the commit: what is taken back before may be about it.
  const auto removed =
      std::make_shared<std::unique_ptr<Group>>(table->Remove({group.stream, group.name}));
  parts_.changes->undo()->Add([table, removed] { table->PutBack(std::move(*removed)); });
}

void GroupChanges::Apply(Group& group, const GroupEvent& event) {
  ROOST_CHECK(parts_.table->CanApply(group, event), "group={} event={}", group.log_stream,
              DataOf(event));
  UndoLog* const undo = parts_.changes->undo();
  // What is taken back may be for those who still wait.
  undo->Add([queue = parts_.queue, &group] { queue->NoteGroup(&group); });
  undo->Add(parts_.table->UndoOf(group, event));
  const auto touched = group.state.OpenWithin(event.revisions);
  parts_.table->Apply(group, event);
  if (event.kind == Kind::kTaken) {
    timers_.Start(event.lease, MonotonicNs() + event.lease_ms * kNsPerMs);
    undo->Add([this, lease = event.lease] { timers_.Stop(lease); });
    return;
  }
  if (auto stopped = StopEnded(touched); !stopped.empty()) {
    undo->Add([this, stopped = std::move(stopped)] {
      for (const auto& [lease, deadline_ns] : stopped) timers_.Start(lease, deadline_ns);
    });
  }
  parts_.queue->NoteGroup(&group);
}

std::vector<std::pair<uint64_t, uint64_t>> GroupChanges::StopEnded(
    const std::vector<SpanMap::Span>& touched) {
  std::vector<std::pair<uint64_t, uint64_t>> stopped;
  for (const SpanMap::Span& span : touched) {
    if (span.owner == 0 || parts_.table->FindLease(span.owner) != nullptr) continue;
    if (const uint64_t deadline_ns = timers_.Stop(span.owner); deadline_ns != 0) {
      stopped.emplace_back(span.owner, deadline_ns);
    }
  }
  return stopped;
}

void GroupChanges::GiveBack(uint64_t lease, std::string_view reason) {
  const GroupLease* const held = parts_.table->FindLease(lease);
  if (held == nullptr) return;
  Group& group = *held->group;
  const uint64_t session = held->session;
  const RevisionRanges revisions = group.state.HeldBy(lease, held->given);
  const RevisionRanges worn_out = WornOut(*parts_.table, group.state, revisions, max_tries_);
  const RevisionRanges returned = Without(revisions, worn_out);
  timers_.Stop(lease);
  if (!returned.empty()) {
    Tell(group,
         {.kind = Kind::kReturned,
          .lease = lease,
          .revisions = returned,
          .reason = std::string(reason)},
         session);
  }
  if (!worn_out.empty()) {
    Tell(
        group,
        {.kind = Kind::kParked, .revisions = worn_out, .reason = WornOutReason(max_tries_, reason)},
        session);
  }
}

void GroupChanges::Tell(Group& group, const GroupEvent& event, uint64_t session) {
  ROOST_CHECK(parts_.table->CanApply(group, event), "group={} event={}", group.log_stream,
              DataOf(event));
  parts_.changes->Add(group.log_stream, TypeOf(event), DataOf(event), session);
  parts_.table->Apply(group, event);
  parts_.queue->NoteGroup(&group);
}

void GroupChanges::StartTimers(uint64_t now_ns) {
  std::vector<uint64_t> orphaned;
  for (const auto& [number, lease] : parts_.table->leases()) {
    const Session* session = parts_.sessions->Find(lease.session);
    if (session == nullptr || session->state == Session::State::kEnded) {
      orphaned.push_back(number);
    } else {
      timers_.Start(number, now_ns + lease.lease_ms * kNsPerMs);
    }
  }
  for (const uint64_t lease : orphaned) GiveBack(lease, "broker restarted");
}

void GroupChanges::EndLeases(uint64_t now_ns) {
  for (size_t ended = 0; ended < kEndedPerTurn && now_ns >= timers_.NextNs(); ++ended) {
    GiveBack(timers_.First(), "expired");
  }
}

}  // namespace roost
