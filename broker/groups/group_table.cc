#include "broker/groups/group_table.h"

#include <algorithm>

#include "base/check.h"
#include "broker/coordination/own_streams.h"
#include "log/ring_format.h"

namespace roost {

using Kind = GroupEvent::Kind;
using wire::Outcome;

// Streams in their order, and the groups of one side by side: no name contains a zero byte.
std::string GroupTable::KeyOf(const GroupName& name) {
  std::string key;
  key.reserve(name.stream.size() + 1 + name.group.size());
  key += name.stream;
  key += '\0';
  key += name.group;
  return key;
}

Group* GroupTable::Find(const GroupName& name) {
  const auto found = groups_.find(KeyOf(name));
  return found == groups_.end() ? nullptr : found->second.get();
}

const Group* GroupTable::FindAfter(const GroupName& after, std::string_view prefix) const {
  const bool starts_before = after.stream < prefix;
  auto next =
      starts_before ? groups_.lower_bound(std::string(prefix)) : groups_.upper_bound(KeyOf(after));
  if (next == groups_.end() || !next->second->stream.starts_with(prefix)) return nullptr;
  return next->second.get();
}

const GroupLease* GroupTable::FindLease(uint64_t lease) const {
  const auto found = leases_.find(lease);
  return found == leases_.end() ? nullptr : &found->second;
}

std::vector<uint64_t> GroupTable::LeasesOf(uint64_t session) const {
  const auto found = leases_by_session_.find(session);
  if (found == leases_by_session_.end()) return {};
  std::vector<uint64_t> leases;
  for (const auto& [request, lease] : found->second) leases.push_back(lease);
  std::ranges::sort(leases);
  return leases;
}

uint64_t GroupTable::LeaseFor(uint64_t session, uint64_t request) const {
  const auto found = leases_by_session_.find(session);
  if (found == leases_by_session_.end()) return 0;
  const auto held = found->second.lower_bound({request, 0});
  return held == found->second.end() || held->first != request ? 0 : held->second;
}

size_t GroupTable::CountLeasesOf(uint64_t session) const {
  const auto found = leases_by_session_.find(session);
  return found == leases_by_session_.end() ? 0 : found->second.size();
}

std::optional<GroupTable::Held> GroupTable::FindHeld(uint64_t session,
                                                     const wire::ItemToken& token) const {
  const GroupLease* lease = FindLease(token.lease());
  if (lease == nullptr || lease->session != session) return std::nullopt;
  const auto revision = RevisionAt(lease->given, token.index());
  if (!revision.has_value()) return std::nullopt;
  const SpanMap::Found span = lease->group->state.FindTaken(*revision);
  if (!span.is_there || span.owner != token.lease()) return std::nullopt;
  return Held{lease->group, *revision};
}

Group& GroupTable::Create(const GroupName& name, uint64_t next) {
  auto group = std::make_unique<Group>(Group{std::string(name.stream), std::string(name.group),
                                             GroupStreamOf(name), GroupState(next)});
  const auto [place, is_new] = groups_.emplace(KeyOf(name), std::move(group));
  ROOST_CHECK(is_new && groups_.size() <= kGroupsMax, "groups={}", groups_.size());
  return *place->second;
}

std::unique_ptr<Group> GroupTable::Remove(const GroupName& name) {
  const auto found = groups_.find(KeyOf(name));
  ROOST_CHECK(found != groups_.end() && CanRemove(*found->second), "groups={}", groups_.size());
  std::unique_ptr<Group> group = std::move(found->second);
  groups_.erase(found);
  open_in_all_ -= group->state.open();
  parked_in_all_ -= group->state.parked();
  return group;
}

void GroupTable::PutBack(std::unique_ptr<Group> group) {
  open_in_all_ += group->state.open();
  parked_in_all_ += group->state.parked();
  const std::string key = KeyOf({group->stream, group->name});
  const bool is_new = groups_.emplace(key, std::move(group)).second;
  ROOST_CHECK(is_new, "groups={}", groups_.size());
}

bool GroupTable::CanApply(const Group& group, const GroupEvent& event) const {
  const GroupState& state = group.state;
  switch (event.kind) {
    case Kind::kCreated:
    case Kind::kRemoved:
      return false;
    case Kind::kTaken:
      return state.CanTake(event.revisions) && !leases_.contains(event.lease);
    case Kind::kSettled:
      return state.CanSettle(event.revisions) &&
             (event.outcome != Outcome::Park || state.CanPark(event.revisions));
    case Kind::kReturned:
      return state.CanSettle(event.revisions);
    case Kind::kParked:
      return state.CanPark(event.revisions);
    case Kind::kRetried:
      return state.CanUnpark(event.revisions) && state.HasRoomFor(CountOf(event.revisions));
    case Kind::kDropped:
      return state.CanUnpark(event.revisions);
    case Kind::kSkipped:
      return state.CanSkip(event.next);
  }
  return false;
}

void GroupTable::Apply(Group& group, const GroupEvent& event) {
  const uint64_t open = group.state.open();
  const uint64_t parked = group.state.parked();
  Change(group, event);
  open_in_all_ += group.state.open() - open;
  parked_in_all_ += group.state.parked() - parked;
}

void GroupTable::Change(Group& group, const GroupEvent& event) {
  GroupState& state = group.state;
  if (event.kind == Kind::kTaken) {
    state.Take(event.revisions, event.lease);
    AddLease(event.lease, {&group, event.session, event.request, event.lease_ms, event.revisions,
                           CountOf(event.revisions)});
    return;
  }
  LetGo(state.OpenWithin(event.revisions));
  switch (event.kind) {
    case Kind::kCreated:
    case Kind::kRemoved:
    case Kind::kTaken:
      break;
    case Kind::kSettled:
      if (event.outcome == Outcome::Done) state.SetDone(event.revisions);
      if (event.outcome == Outcome::Retry) state.Return(event.revisions);
      if (event.outcome == Outcome::Park) state.Park(event.revisions);
      break;
    case Kind::kReturned:
      state.Return(event.revisions);
      break;
    case Kind::kParked:
      state.Park(event.revisions);
      break;
    case Kind::kRetried:
      state.Retry(event.revisions);
      break;
    case Kind::kDropped:
      state.Drop(event.revisions);
      break;
    case Kind::kSkipped:
      state.Skip(event.next);
      break;
  }
}

std::function<void()> GroupTable::UndoOf(Group& group, const GroupEvent& event) {
  std::map<uint64_t, GroupLease> before;
  for (const SpanMap::Span& span : group.state.OpenWithin(event.revisions)) {
    if (span.owner != 0) before.emplace(span.owner, leases_.at(span.owner));
  }
  const uint64_t taken_under = event.kind == Kind::kTaken ? event.lease : 0;
  // What is skipped was in nobody's hands: it has no lease.
  const RevisionRanges skipped = {{1, event.next - 1}};
  const RevisionRanges& changed = event.kind == Kind::kSkipped ? skipped : event.revisions;
  return
      [this, &group, excerpt = group.state.Copy(changed), before = std::move(before), taken_under] {
        const uint64_t open = group.state.open();
        const uint64_t parked = group.state.parked();
        group.state.Restore(excerpt);
        open_in_all_ += group.state.open() - open;
        parked_in_all_ += group.state.parked() - parked;
        if (taken_under != 0) RemoveLease(taken_under);
        for (const auto& [number, lease] : before) {
          if (leases_.contains(number)) RemoveLease(number);
          AddLease(number, lease);
        }
      };
}

void GroupTable::AddLease(uint64_t number, GroupLease lease) {
  ++lease.group->consumers[lease.session];
  leases_by_session_[lease.session].emplace(lease.request, number);
  leases_.emplace(number, std::move(lease));
}

void GroupTable::RemoveLease(uint64_t number) {
  const auto found = leases_.find(number);
  ROOST_CHECK(found != leases_.end(), "lease={}", number);
  const GroupLease& lease = found->second;
  const auto consumer = lease.group->consumers.find(lease.session);
  if (--consumer->second == 0) lease.group->consumers.erase(consumer);
  const auto of_session = leases_by_session_.find(lease.session);
  of_session->second.erase({lease.request, number});
  if (of_session->second.empty()) leases_by_session_.erase(of_session);
  leases_.erase(found);
}

void GroupTable::LetGo(const std::vector<SpanMap::Span>& spans) {
  for (const SpanMap::Span& span : spans) {
    if (span.owner == 0) continue;
    GroupLease& lease = leases_.at(span.owner);
    lease.open -= span.range.count();
    if (lease.open == 0) RemoveLease(span.owner);
  }
}

void GroupTable::OnOwnEvent(const RecordHeader& header, const wire::Event& event) {
  last_event_.reset();
  const auto name = GroupOfStream(event.stream()->string_view());
  if (!name.has_value()) return;
  last_event_ = DecodeGroupEvent(header, event);
  if (!last_event_.has_value()) return;
  Group* group = Find(*name);
  if (last_event_->kind == Kind::kCreated) {
    if (group == nullptr && size() < kGroupsMax) Create(*name, last_event_->next);
    return;
  }
  if (group == nullptr) return;
  if (last_event_->kind == Kind::kRemoved) {
    if (CanRemove(*group)) Remove(*name);
  } else if (CanApply(*group, *last_event_)) {
    Apply(*group, *last_event_);
  }
}

void GroupTable::FillAnswer(const wire::Event&, KeptAnswer* answer) {
  if (!last_event_.has_value()) return;
  if (answer->kind == KeptAnswer::Kind::kUnparked) {
    answer->count = static_cast<uint32_t>(CountOf(last_event_->revisions));
  }
  if (answer->kind == KeptAnswer::Kind::kGroupRemoved) {
    answer->count = static_cast<uint32_t>(last_event_->parked);
  }
  if (answer->kind != KeptAnswer::Kind::kSettled) return;
  answer->count = static_cast<uint32_t>(last_event_->count);
  if (last_event_->refused.empty()) return;
  auto refused = std::make_shared<std::vector<bool>>(last_event_->count);
  for (const uint32_t index : last_event_->refused) {
    if (index < refused->size()) (*refused)[index] = true;
  }
  answer->refused = std::move(refused);
}

void GroupTable::Save(StateWriter* out) const {
  out->Number(groups_.size());
  for (const auto& [key, group] : groups_) {
    out->Text(group->stream);
    out->Text(group->name);
    group->state.Save(out);
  }
  out->Number(leases_.size());
  for (const auto& [number, lease] : leases_) {
    out->Number(number);
    out->Text(lease.group->stream);
    out->Text(lease.group->name);
    out->Number(lease.session);
    out->Number(lease.request);
    out->Number(lease.lease_ms);
    out->Number(lease.given.size());
    for (const RevisionRange& range : lease.given) {
      out->Number(range.first);
      out->Number(range.last);
    }
  }
}

bool GroupTable::Load(StateReader* in) {
  for (size_t left = in->Count(kGroupsMax); left > 0; --left) {
    if (!LoadGroup(in)) return in->Fail();
  }
  for (size_t left = in->Count(kOpenMaxInAll); left > 0; --left) {
    if (!LoadLease(in)) return in->Fail();
  }
  return in->ok() && CountOpen();
}

bool GroupTable::LoadGroup(StateReader* in) {
  const std::string_view stream = in->Text(kStreamNameBytesMax);
  const std::string_view name = in->Text(kStreamNameBytesMax);
  const std::string log_stream = GroupStreamOf({stream, name});
  const auto same = GroupOfStream(log_stream);
  if (!in->ok() || !same.has_value() || same->stream != stream) return false;
  if (Find({stream, name}) != nullptr) return false;
  Group& group = Create({stream, name}, 1);
  if (!group.state.Load(in)) return false;
  open_in_all_ += group.state.open();
  parked_in_all_ += group.state.parked();
  return true;
}

bool GroupTable::LoadLease(StateReader* in) {
  const uint64_t number = in->Number();
  const std::string_view stream = in->Text(kStreamNameBytesMax);
  const std::string_view name = in->Text(kStreamNameBytesMax);
  GroupLease lease;
  lease.group = Find({stream, name});
  lease.session = in->Number();
  lease.request = in->Number();
  lease.lease_ms = in->Number32();
  for (size_t left = in->Count(GroupState::kOpenMax); left > 0; --left) {
    lease.given.push_back({in->Number(), in->Number()});
  }
  const auto normalized = Normalized(lease.given, GroupState::kOpenMax);
  const bool fits = in->ok() && number != 0 && lease.group != nullptr && normalized.has_value() &&
                    *normalized == lease.given && !leases_.contains(number);
  if (fits) AddLease(number, std::move(lease));
  return fits;
}

bool GroupTable::CountOpen() {
  for (const auto& [key, group] : groups_) {
    for (const SpanMap::Span& span : group->state.Taken()) {
      const auto lease = leases_.find(span.owner);
      if (lease == leases_.end() || lease->second.group != group.get()) return false;
      lease->second.open += span.range.count();
    }
  }
  return std::ranges::all_of(leases_, [](const auto& entry) {
    const GroupLease& lease = entry.second;
    return lease.open > 0 &&
           CountOf(lease.group->state.HeldBy(entry.first, lease.given)) == lease.open;
  });
}

bool GroupTable::Equals(const GroupTable& other) const {
  const auto same_group = [](const auto& a, const auto& b) {
    return a.first == b.first && a.second->state == b.second->state &&
           a.second->consumers == b.second->consumers;
  };
  const auto same_lease = [](const auto& a, const auto& b) {
    return a.first == b.first && a.second.group->log_stream == b.second.group->log_stream &&
           a.second.session == b.second.session && a.second.request == b.second.request &&
           a.second.lease_ms == b.second.lease_ms && a.second.given == b.second.given &&
           a.second.open == b.second.open;
  };
  return std::ranges::equal(groups_, other.groups_, same_group) &&
         std::ranges::equal(leases_, other.leases_, same_lease) &&
         leases_by_session_ == other.leases_by_session_ && open_in_all_ == other.open_in_all_ &&
         parked_in_all_ == other.parked_in_all_;
}

}  // namespace roost
