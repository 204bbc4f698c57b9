#include "broker/verdicts/verdict_publisher.h"

#include <algorithm>

namespace roost {
namespace {

static_assert(kAnyUid == kVerdictAnyUid);

PublishedVerdict ToPublish(const QuestionId& id, const KnownVerdict& verdict) {
  PublishedVerdict published;
  published.key = id.key;
  published.policy_version = id.policy;
  published.expires_ns = verdict.expires_ns;
  published.decided_ns = verdict.decided_ns;
  published.sequence = verdict.sequence;
  published.uid = id.uid;
  published.verdict = static_cast<uint8_t>(verdict.verdict);
  published.by = verdict.by;
  published.reason = verdict.reason;
  return published;
}

}  // namespace

void VerdictPublisher::SetPolicy(uint64_t version) {
  if (writer_ != nullptr) writer_->SetPolicyVersion(version);
}

void VerdictPublisher::NoteAll() {
  std::vector<std::pair<uint64_t, QuestionId>> all;
  for (const auto& [id, verdict] : table_->verdicts()) {
    if (id.policy == table_->policy()) all.emplace_back(verdict.sequence, id);
  }
  std::sort(all.begin(), all.end());
  for (const auto& [sequence, id] : all) noted_.push_back(id);
}

void VerdictPublisher::Publish(uint64_t now_ns) {
  for (const QuestionId& id : noted_) {
    // What was taken back since, or is staged anew, is not there or not committed.
    const KnownVerdict* verdict = table_->FindVerdict(id, now_ns);
    if (writer_ == nullptr || verdict == nullptr || verdict->sequence > log_->head()) continue;
    writer_->Publish(ToPublish(id, *verdict), now_ns);
  }
  noted_.clear();
}

}  // namespace roost
