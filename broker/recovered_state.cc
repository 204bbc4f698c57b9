#include "broker/recovered_state.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "broker/coordination/own_streams.h"
#include "broker/own_event.h"
#include "log/record.h"

namespace roost {

RecoveredState::RecoveredState(IdTable* ids, std::vector<RecoveredTable*> tables, Time time)
    : ids_(ids),
      tables_(std::move(tables)),
      time_(time),
      monotonic_ns_(MonotonicNs()),
      offset_ns_(time == Time::kNow
                     ? static_cast<int64_t>(monotonic_ns_) - static_cast<int64_t>(WallNs())
                     : 0) {}

void RecoveredState::OnEvent(const RecordHeader& header, Bytes body) {
  // In logs of before there was the flag, all of the broker's own events have no request.
  if (header.request == 0 || (header.flags & kRecordIsOwn) != 0) {
    OnOwnEvent(header, body);
    return;
  }
  if (header.batch_index + 1 == header.batch_count) {
    OnAppended(header);
  }
  const bool begins_with_id = header.batch_index == 0 && (header.flags & kRecordHasId) != 0;
  if (header.batch_index == 0) batch_size_ = 0;
  if (begins_with_id || batch_size_ > 0) OnBatchWithId(header, body);
}

void RecoveredState::OnOwnEvent(const RecordHeader& header, Bytes body) {
  const wire::Event* event = DecodeEventBody(body);
  if (event == nullptr || !event->stream()->string_view().starts_with('$')) return;
  if (event->stream()->string_view() == kAgentsStream) return OnAgentsEvent(header, *event);
  for (RecoveredTable* table : tables_) table->OnOwnEvent(header, *event);
  if (header.request == 0) return;
  const auto kind = AnswerKindOf(event->type()->string_view());
  if (!kind.has_value()) return;
  KeptAnswer answer;
  answer.kind = *kind;
  answer.count = 1;
  answer.first = header.sequence;
  answer.last = header.sequence;
  answer.revision = header.revision;
  for (RecoveredTable* table : tables_) table->FillAnswer(*event, &answer);
  OnAnswered(header, std::move(answer));
}

void RecoveredState::OnAgentsEvent(const RecordHeader& header, const wire::Event& event) {
  const std::string_view type = event.type()->string_view();
  const std::string_view data = DataOf(event);
  if (type == kJoinedType) OnJoined(header.sequence, header.time_ns, data);
  if (type == kRejoinedType) OnJoined(header.session, header.time_ns, data);
  if (type == kLeftType) OnLeft(header.session);
  if (type != kWorkingType && type != kIdleType) return;
  if (Known* known = Find(header.session)) known->is_idle = type == kIdleType;
}

void RecoveredState::OnJoined(uint64_t session, uint64_t joined_ns, std::string_view data) {
  Known& known = known_[session];
  if (known.has_left) left_.erase(known.leave);
  known.has_left = false;
  known.is_idle = false;
  known.identity = IdentityIn(data);
  if (known.joined_ns == 0) known.joined_ns = joined_ns;
  if (known_.size() > kJoinedMax + SessionTable::kEndedMax) ForgetOldest();
}

void RecoveredState::ForgetOldest() {
  std::vector<uint64_t> joined;
  for (const auto& [number, known] : known_) {
    if (!known.has_left) joined.push_back(number);
  }
  // Half of them at once, so that this is rare. Numbers grow with time.
  const auto middle = joined.begin() + static_cast<ptrdiff_t>(joined.size() / 2);
  std::nth_element(joined.begin(), middle, joined.end());
  std::for_each(joined.begin(), middle, [&](uint64_t number) { known_.erase(number); });
  last_known_ = nullptr;
}

void RecoveredState::OnLeft(uint64_t session) {
  Known* known = Find(session);
  if (known == nullptr) return;
  if (known->has_left) left_.erase(known->leave);
  known->has_left = true;
  known->leave = ++leaves_;
  left_.emplace(known->leave, session);
  if (left_.size() <= SessionTable::kEndedMax) return;
  known_.erase(left_.begin()->second);
  left_.erase(left_.begin());
  last_known_ = nullptr;
}

void RecoveredState::OnAppended(const RecordHeader& header) {
  KeptAnswer answer;
  answer.count = header.batch_count;
  answer.first = header.sequence + 1 - header.batch_count;
  answer.last = header.sequence;
  answer.revision = header.revision;
  OnAnswered(header, std::move(answer));
}

void RecoveredState::OnAnswered(const RecordHeader& header, KeptAnswer answer) {
  Known* known = Find(header.session);
  if (known == nullptr || known->answers.Look(header.request) == AnswerWindow::State::kTooOld) {
    return;
  }
  answer.number = header.request;
  known->answers.Put(answer);
}

void RecoveredState::OnBatchWithId(const RecordHeader& header, Bytes body) {
  // Kept, since the hash is over all of the batch.
  if (batch_bodies_.size() <= batch_size_) batch_bodies_.emplace_back();
  std::vector<uint64_t>& copy = batch_bodies_[batch_size_++];
  copy.assign(AlignUp(body.size(), 8) / 8, 0);
  std::memcpy(copy.data(), body.data(), body.size());
  if (header.batch_index + 1 != header.batch_count) return;

  std::vector<const wire::Event*> events;
  for (size_t i = 0; i < batch_size_; ++i) {
    const auto bytes = std::as_bytes(std::span(batch_bodies_[i]));
    if (const wire::Event* event = DecodeEventBody(bytes)) events.push_back(event);
  }
  const bool is_whole = events.size() == header.batch_count && events.front()->id() != nullptr;
  batch_size_ = 0;
  if (!is_whole) return;
  int64_t added_ns = static_cast<int64_t>(header.time_ns) + offset_ns_;
  bool is_too_old = false;
  if (time_ == Time::kNow) {
    const auto now_ns = static_cast<int64_t>(monotonic_ns_);
    added_ns = std::min(added_ns, now_ns);
    is_too_old = now_ns - added_ns > static_cast<int64_t>(IdTable::Limits().age_ns_max);
  }
  const Hash128 key =
      ids_->KeyOf(events.front()->stream()->string_view(), events.front()->id()->string_view());
  // What would be too old to be found is not worth its place.
  if (is_too_old || ids_->Find(key, added_ns) != nullptr) return;
  ids_->Add(key,
            {ids_->ContentOf(events), header.sequence + 1 - header.batch_count, header.sequence,
             header.revision, header.batch_count},
            header.uid, added_ns);
}

RecoveredState::Known* RecoveredState::Find(uint64_t session) {
  if (last_known_ != nullptr && last_found_ == session) return last_known_;
  const auto found = known_.find(session);
  if (found == known_.end()) return nullptr;
  last_found_ = session;
  last_known_ = &found->second;
  return last_known_;
}

// ---- checkpoints ----

void RecoveredState::SaveState(std::vector<StateSection>* sections) const {
  StateWriter out;
  SaveSessions(&out);
  sections->push_back({SectionKind::kSessions, out.Take()});
  ids_->Save(offset_ns_, &out);
  sections->push_back({SectionKind::kIds, out.Take()});
  for (const RecoveredTable* table : tables_) {
    table->Save(&out);
    sections->push_back({table->section(), out.Take()});
  }
}

Status RecoveredState::LoadState(const Checkpoint& checkpoint) {
  const auto load = [&checkpoint](SectionKind kind, const auto& read) -> Status {
    const CheckpointView::Section* section = checkpoint.view.Find(kind);
    if (section == nullptr) return checkpoint.Damaged(kind);
    StateReader in(section->bytes);
    return read(&in) && in.AtEnd() ? Status() : checkpoint.Damaged(kind);
  };
  ROOST_RETURN_IF_ERROR(
      load(SectionKind::kSessions, [this](StateReader* in) { return LoadSessions(in); }));
  ROOST_RETURN_IF_ERROR(load(SectionKind::kIds, [this](StateReader* in) {
    std::optional<int64_t> now_ns;
    if (time_ == Time::kNow) now_ns = static_cast<int64_t>(monotonic_ns_);
    return ids_->Load(offset_ns_, now_ns, in);
  }));
  for (RecoveredTable* table : tables_) {
    ROOST_RETURN_IF_ERROR(
        load(table->section(), [table](StateReader* in) { return table->Load(in); }));
  }
  return {};
}

// First those that have left, longest ago first, then the others.
void RecoveredState::SaveSessions(StateWriter* out) const {
  std::vector<uint64_t> numbers;
  for (const auto& [leave, number] : left_) numbers.push_back(number);
  const auto joined = static_cast<ptrdiff_t>(numbers.size());
  for (const auto& [number, known] : known_) {
    if (!known.has_left) numbers.push_back(number);
  }
  std::sort(numbers.begin() + joined, numbers.end());
  out->Number(numbers.size());
  for (const uint64_t number : numbers) {
    const Known& known = known_.at(number);
    out->Number(number);
    out->Flag(known.has_left);
    out->Flag(known.is_idle);
    out->Text(known.identity);
    out->Number(known.joined_ns);
    known.answers.Save(out);
  }
}

bool RecoveredState::LoadSessions(StateReader* in) {
  for (size_t left = in->Count(kJoinedMax + 2 * SessionTable::kEndedMax); left > 0; --left) {
    if (!LoadSession(in)) return in->Fail();
  }
  return in->ok();
}

bool RecoveredState::LoadSession(StateReader* in) {
  const uint64_t number = in->Number();
  if (!in->ok() || known_.contains(number)) return false;
  Known& known = known_[number];
  known.has_left = in->Flag();
  known.is_idle = in->Flag();
  known.identity = in->Text(kIdentityBytesMax);
  known.joined_ns = in->Number();
  if (!known.answers.Load(in)) return false;
  if (!known.has_left) return true;
  known.leave = ++leaves_;
  left_.emplace(known.leave, number);
  return true;
}

void RecoveredState::FillSessions(SessionTable* sessions) {
  const auto add = [&](uint64_t number, Known& known) -> Session& {
    Session& session = sessions->Add(number);
    // It does not change its label by coming back after a restart.
    session.agent = AgentIn(known.identity);
    session.identity = std::move(known.identity);
    session.joined_ns = known.joined_ns;
    session.idle = known.is_idle;
    session.answers = std::move(known.answers);
    return session;
  };
  for (const auto& [leave, number] : left_) {
    const auto found = known_.find(number);
    ROOST_CHECK(found != known_.end(), "session={}", number);
    sessions->End(add(number, found->second), monotonic_ns_);
    known_.erase(found);
  }
  for (auto& [number, known] : known_) sessions->SetAway(add(number, known));
  known_.clear();
  left_.clear();
  last_known_ = nullptr;
}

}  // namespace roost
