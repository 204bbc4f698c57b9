#include "broker/verdicts/question_table.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "base/clock.h"
#include "log/ring_format.h"

namespace roost {
namespace {

using Type = QuestionEvent::Type;

uint64_t EndOf(uint64_t ttl_ms, uint64_t now_ns) {
  if (ttl_ms == 0 || ttl_ms > (UINT64_MAX - now_ns) / kNsPerMs) return UINT64_MAX;
  return now_ns + ttl_ms * kNsPerMs;
}

void SaveId(const QuestionId& id, StateWriter* out) {
  out->Raw(std::as_bytes(std::span(id.key)));
  out->Number(id.policy);
  out->Number(id.uid);
}

QuestionId LoadId(StateReader* in) {
  QuestionId id;
  const Bytes key = in->Raw(id.key.size());
  if (!key.empty()) std::memcpy(id.key.data(), key.data(), key.size());
  id.policy = in->Number();
  id.uid = in->Number32();
  return id;
}

}  // namespace

void QuestionTable::Apply(const QuestionEvent& event, uint64_t now_ns, UndoLog* undo) {
  switch (event.type) {
    case Type::kAsked:
      return ApplyAsked(event, now_ns, undo);
    case Type::kReassigned:
    case Type::kAbandoned:
      return ApplyHandedOver(event, now_ns, undo);
    case Type::kDecided:
    case Type::kRuled:
      return ApplyVerdict(event, now_ns, undo);
  }
}

void QuestionTable::ApplyAsked(const QuestionEvent& event, uint64_t now_ns, UndoLog* undo) {
  const QuestionId id{event.key, event.policy, event.uid};
  // One that is open was forgotten when the policy changed, and changed back, with no event that tells of it.
  if (open_.contains(id)) ChangeOpen(id, std::nullopt, undo);
  // It is asked because the time of what was decided before is over, and no restart may begin that anew.
  if (verdicts_.contains(id)) ChangeVerdict(id, std::nullopt, undo);
  if (open_.size() >= kOpenMax) {
    if (abandoned_.empty()) return;
    ChangeOpen(QuestionId(by_sequence_.at(*abandoned_.begin())), std::nullopt, undo);
  }
  OpenQuestion question;
  question.kind = event.kind;
  question.sequence = event.sequence;
  question.revision = event.revision;
  question.session = event.session;
  question.token = event.sequence;
  question.agent = event.agent;
  question.lease_end_ns = now_ns + kLeaseNs;
  ChangeOpen(id, std::move(question), undo);
}

void QuestionTable::ApplyHandedOver(const QuestionEvent& event, uint64_t now_ns, UndoLog* undo) {
  const auto found = by_sequence_.find(event.question);
  if (found == by_sequence_.end()) return;
  const QuestionId id = found->second;
  OpenQuestion question = open_.at(id);
  if (event.type == Type::kAbandoned) {
    question.is_assigned = false;
  } else {
    question.is_assigned = true;
    question.session = event.session;
    question.token = event.sequence;
    question.agent = event.agent;
    question.last_revision = event.revision;
    question.lease_end_ns = now_ns + kLeaseNs;
  }
  ChangeOpen(id, std::move(question), undo);
}

void QuestionTable::ApplyVerdict(const QuestionEvent& event, uint64_t now_ns, UndoLog* undo) {
  const QuestionId id{event.key, event.policy, event.uid};
  KnownVerdict verdict;
  verdict.kind = event.kind;
  verdict.verdict = event.verdict;
  verdict.reason = event.reason;
  verdict.by = event.type == Type::kRuled ? std::string(kPolicyAgent) : event.agent;
  verdict.decided_ns = event.time_ns;
  verdict.sequence = event.sequence;
  verdict.ttl_ms = event.ttl_ms;
  verdict.expires_ns = EndOf(event.ttl_ms, now_ns);
  if (open_.contains(id)) ChangeOpen(id, std::nullopt, undo);
  if (!verdicts_.contains(id)) MakeRoom(id.uid, undo);
  ChangeVerdict(id, std::move(verdict), undo);
}

void QuestionTable::MakeRoom(uint32_t uid, UndoLog* undo) {
  const auto own = by_uid_.find(uid);
  const size_t own_count = own == by_uid_.end() ? 0 : own->second.size();
  if (own_count >= (uid == kAnyUid ? kRuledMax : kDecidedPerUidMax)) {
    ChangeVerdict(QuestionId(own->second.begin()->second), std::nullopt, undo);
    return;
  }
  if (uid == kAnyUid || decided_ < kDecidedMax) return;
  const auto oldest =
      std::min_element(by_uid_.begin(), by_uid_.end(), [](const auto& a, const auto& b) {
        if ((a.first == kAnyUid) != (b.first == kAnyUid)) return b.first == kAnyUid;
        return a.second.begin()->first < b.second.begin()->first;
      });
  ChangeVerdict(QuestionId(oldest->second.begin()->second), std::nullopt, undo);
}

void QuestionTable::Save(StateWriter* out) const {
  out->Number(policy_);
  out->Number(open_.size());
  for (const auto& [id, question] : open_) {
    SaveId(id, out);
    out->Text(question.kind);
    for (const uint64_t number : {question.sequence, question.revision, question.last_revision,
                                  question.session, question.token}) {
      out->Number(number);
    }
    out->Text(question.agent);
    out->Flag(question.is_assigned);
  }
  out->Number(verdicts_.size());
  for (const auto& [id, verdict] : verdicts_) {
    SaveId(id, out);
    out->Text(verdict.kind);
    out->Number(static_cast<uint64_t>(verdict.verdict));
    out->Text(verdict.reason);
    out->Text(verdict.by);
    out->Number(verdict.decided_ns);
    out->Number(verdict.sequence);
    out->Number(verdict.ttl_ms);
  }
}

bool QuestionTable::Load(StateReader* in) {
  policy_ = in->Number();
  for (size_t left = in->Count(kOpenMax); left > 0; --left) {
    if (!LoadOpen(in)) return in->Fail();
  }
  for (size_t left = in->Count(kRuledMax + kDecidedMax); left > 0; --left) {
    if (!LoadVerdict(in)) return in->Fail();
  }
  return in->ok();
}

bool QuestionTable::LoadOpen(StateReader* in) {
  const QuestionId id = LoadId(in);
  OpenQuestion question;
  question.kind = in->Text(kQuestionKindBytesMax);
  question.sequence = in->Number();
  question.revision = in->Number();
  question.last_revision = in->Number();
  question.session = in->Number();
  question.token = in->Number();
  question.agent = in->Text(kAgentBytesMax);
  question.is_assigned = in->Flag();
  question.lease_end_ns = kLeaseNs;  // as with events while no time runs
  if (!in->ok() || open_.contains(id) || by_sequence_.contains(question.sequence)) return false;
  PutOpen(id, std::move(question));
  return true;
}

bool QuestionTable::LoadVerdict(StateReader* in) {
  const QuestionId id = LoadId(in);
  KnownVerdict verdict;
  verdict.kind = in->Text(kQuestionKindBytesMax);
  verdict.verdict =
      static_cast<wire::Verdict>(in->Number(static_cast<uint64_t>(wire::Verdict::MAX)));
  verdict.reason = in->Text(kVerdictReasonMax);
  verdict.by = in->Text(kAgentBytesMax);
  verdict.decided_ns = in->Number();
  verdict.sequence = in->Number();
  verdict.ttl_ms = in->Number();
  verdict.expires_ns = EndOf(verdict.ttl_ms, 0);
  if (!in->ok() || verdicts_.contains(id) || by_uid_[id.uid].contains(verdict.sequence))
    return false;
  PutVerdict(id, std::move(verdict));
  return true;
}

void QuestionTable::SetPolicy(uint64_t version) {
  if (version == policy_) return;
  policy_ = version;
  std::vector<QuestionId> old;
  for (const auto& [id, question] : open_) {
    if (id.policy != version) old.push_back(id);
  }
  for (const QuestionId& id : old) DropOpen(id);
}

void QuestionTable::RestartTimes(uint64_t now_ns, uint64_t wall_ns) {
  std::vector<QuestionId> ended;
  for (auto& [id, verdict] : verdicts_) {
    if (verdict.ttl_ms == 0) continue;
    verdict.expires_ns = EndOf(verdict.ttl_ms, now_ns);
    // A clock that was set back cannot tell. A rule says the same again.
    const bool has_ended =
        wall_ns < verdict.decided_ns || wall_ns >= EndOf(verdict.ttl_ms, verdict.decided_ns);
    if (has_ended || id.uid == kAnyUid) ended.push_back(id);
  }
  for (const QuestionId& id : ended) DropVerdict(id);
  leases_.clear();
  for (auto& [id, question] : open_) {
    question.lease_end_ns = now_ns + kLeaseNs;
    if (question.is_assigned) leases_.insert({question.lease_end_ns, question.sequence});
  }
}

void QuestionTable::OnOwnEvent(const RecordHeader& header, const wire::Event& event) {
  const auto decoded = DecodeQuestionEvent(header, event);
  if (!decoded.has_value()) return;
  const bool names_policy = decoded->type != Type::kReassigned && decoded->type != Type::kAbandoned;
  if (names_policy) SetPolicy(decoded->policy);
  Apply(*decoded, 0, nullptr);
}

void QuestionTable::FillAnswer(const wire::Event& event, KeptAnswer* answer) {
  if (answer->kind != KeptAnswer::Kind::kDecided) return;
  const auto decoded = DecodeQuestionEvent(RecordHeader(), event);
  if (decoded.has_value()) answer->count = static_cast<uint32_t>(decoded->verdict);
}

const OpenQuestion* QuestionTable::FindOpen(const QuestionId& id) const {
  const auto found = open_.find(id);
  return found == open_.end() ? nullptr : &found->second;
}

const KnownVerdict* QuestionTable::FindVerdict(const QuestionId& id, uint64_t now_ns) const {
  const auto found = verdicts_.find(id);
  if (found == verdicts_.end() || now_ns >= found->second.expires_ns) return nullptr;
  return &found->second;
}

bool QuestionTable::HasRoomFor(uint64_t session) const {
  const auto own = by_session_.find(session);
  if (own != by_session_.end() && own->second.size() >= kOpenPerSessionMax) return false;
  return open_.size() < kOpenMax || !abandoned_.empty();
}

std::vector<QuestionId> QuestionTable::DecidedBy(uint64_t session) const {
  std::vector<QuestionId> ids;
  const auto own = by_session_.find(session);
  if (own == by_session_.end()) return ids;
  for (const uint64_t sequence : own->second) ids.push_back(by_sequence_.at(sequence));
  return ids;
}

std::optional<QuestionId> QuestionTable::FirstLate(uint64_t now_ns) const {
  if (leases_.empty() || leases_.begin()->first > now_ns) return std::nullopt;
  return by_sequence_.at(leases_.begin()->second);
}

uint64_t QuestionTable::NextLeaseEndNs() const {
  return leases_.empty() ? UINT64_MAX : leases_.begin()->first;
}

void QuestionTable::StopLease(const QuestionId& id) {
  const auto found = open_.find(id);
  if (found == open_.end()) return;
  leases_.erase({found->second.lease_end_ns, found->second.sequence});
}

void QuestionTable::PutOpen(const QuestionId& id, OpenQuestion question) {
  DropOpen(id);
  by_sequence_[question.sequence] = id;
  if (question.is_assigned) {
    leases_.insert({question.lease_end_ns, question.sequence});
    by_session_[question.session].insert(question.sequence);
  } else {
    abandoned_.insert(question.sequence);
  }
  open_[id] = std::move(question);
}

void QuestionTable::DropOpen(const QuestionId& id) {
  const auto found = open_.find(id);
  if (found == open_.end()) return;
  const OpenQuestion& question = found->second;
  by_sequence_.erase(question.sequence);
  abandoned_.erase(question.sequence);
  leases_.erase({question.lease_end_ns, question.sequence});
  const auto own = by_session_.find(question.session);
  if (own != by_session_.end()) {
    own->second.erase(question.sequence);
    if (own->second.empty()) by_session_.erase(own);
  }
  open_.erase(found);
}

void QuestionTable::PutVerdict(const QuestionId& id, KnownVerdict verdict) {
  DropVerdict(id);
  by_uid_[id.uid][verdict.sequence] = id;
  if (id.uid != kAnyUid) ++decided_;
  verdicts_[id] = std::move(verdict);
}

void QuestionTable::DropVerdict(const QuestionId& id) {
  const auto found = verdicts_.find(id);
  if (found == verdicts_.end()) return;
  const auto own = by_uid_.find(id.uid);
  own->second.erase(found->second.sequence);
  if (own->second.empty()) by_uid_.erase(own);
  if (id.uid != kAnyUid) --decided_;
  verdicts_.erase(found);
}

void QuestionTable::ChangeOpen(const QuestionId& id, std::optional<OpenQuestion> to,
                               UndoLog* undo) {
  if (undo != nullptr) {
    const OpenQuestion* before = FindOpen(id);
    std::optional<OpenQuestion> old;
    if (before != nullptr) old = *before;
    undo->Add([this, id, old] { ChangeOpen(id, old, nullptr); });
  }
  if (to.has_value()) {
    PutOpen(id, *std::move(to));
  } else {
    DropOpen(id);
  }
}

void QuestionTable::ChangeVerdict(const QuestionId& id, std::optional<KnownVerdict> to,
                                  UndoLog* undo) {
  if (undo != nullptr) {
    const auto before = verdicts_.find(id);
    std::optional<KnownVerdict> old;
    if (before != verdicts_.end()) old = before->second;
    undo->Add([this, id, old] { ChangeVerdict(id, old, nullptr); });
  }
  if (to.has_value()) {
    PutVerdict(id, *std::move(to));
  } else {
    DropVerdict(id);
  }
}

}  // namespace roost
