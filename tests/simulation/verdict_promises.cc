#include "tests/simulation/verdict_promises.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/clock.h"
#include "tests/support/question_oracle.h"

namespace roost {
namespace {

// As docs/validation.md says.
constexpr uint64_t kDeciderNs = 60 * kNsPerSecond;

bool IsRuled(const Question& question) { return question.kind.starts_with("ruled."); }

}  // namespace

const std::array<SimulatedPolicy, 2>& SimulatedPolicies() {
  static constexpr std::array<SimulatedPolicy, 2> kPolicies = {{
      {R"(agents_decide = ["review.*"]
[[rule]]
kind = "ruled.*"
glob = "*"
verdict = "deny"
reason = "the first policy"
)",
       Verdict::kDeny, "the first policy"},
      {R"(agents_decide = ["review.*"]
[[rule]]
kind = "ruled.*"
glob = "*"
verdict = "allow"
reason = "the second policy"
)",
       Verdict::kAllow, "the second policy"},
  }};
  return kPolicies;
}

void VerdictPromises::PolicyChanges(size_t policy, uint64_t first, uint64_t last) {
  policy_ = policy;
  ++changes_;
  change_heads_.push_back({first, last});
}

// While the policy stays the same there is one answer; if it was changed meanwhile it is one of both.
void VerdictPromises::CheckRuled(const Question& question, const Answer& answer,
                                 uint64_t changes_before) {
  for (size_t i = 0; i < SimulatedPolicies().size(); ++i) {
    if (changes_ == changes_before && i != policy_) continue;
    const SimulatedPolicy& policy = SimulatedPolicies()[i];
    if (answer.verdict == policy.ruled && answer.reason == policy.reason &&
        answer.by == kPolicyLabel) {
      return;
    }
  }
  // A change of the policy answers those who wait with this.
  if (answer.verdict == Verdict::kUndecided && changes_ != changes_before) return;
  Violation(fmt::format("{} {} was answered {} by {} because of '{}'", question.kind,
                        question.input, VerdictName(answer.verdict), answer.by, answer.reason));
}

void VerdictPromises::Answered(const Question& question, const Answer& answer, const Asked& asked,
                               uint64_t session, uint64_t head, uint64_t now_ns) {
  if (!answer.error.empty()) Violation("a question was refused: " + answer.error);
  if (IsRuled(question)) return CheckRuled(question, answer, asked.policy_changes);
  if (answer.verdict == Verdict::kUndecided && !answer.you_decide) return;
  told_.push_back({KeyText(answer.key), answer, asked, session, head, now_ns, false});
}

void VerdictPromises::Found(const Question& question, const Answer& answer, uint64_t head) {
  // The ring may be that of a broker that has gone, and its policy too.
  if (IsRuled(question)) return CheckRuled(question, answer, UINT64_MAX);
  told_.push_back({KeyText(answer.key), answer, {0, 0, UINT64_MAX}, 0, head, 0, true});
}

std::string VerdictPromises::NextReason() const {
  return fmt::format("decision {}", decisions_.size());
}

void VerdictPromises::Decides(const Decision& decision, const std::string& agent) {
  decisions_[decision.reason] = {KeyText(decision.key), VerdictName(decision.verdict), agent};
}

void VerdictPromises::Decided(const Decision& decision, const DecideResult& result,
                              uint64_t head) {
  Decided_& decided = decisions_.at(decision.reason);
  decided.was_recorded = result.recorded;
  decided.was_refused = !result.recorded;
  decided.head = head;
  if (result.recorded && result.verdict != decision.verdict) {
    Violation(fmt::format("{} was recorded as {}", decision.reason, VerdictName(result.verdict)));
  }
}

void VerdictPromises::FoundAfterPowerCut(uint64_t head) {
  std::erase_if(told_, [head](const Told& told) { return told.head > head; });
  for (auto& [reason, decided] : decisions_) {
    if (decided.head > head) decided.was_recorded = decided.was_refused = false;
  }
  for (Told& told : told_) told.asked.ns = 0;  // the clock begins anew
  for (Change& change : change_heads_) {
    change.first = std::min(change.first, head);
    change.last = std::min(change.last, head);
  }
}

void VerdictPromises::Check(const std::vector<LogEvent>& events) {
  QuestionOracle oracle;
  for (const Change& change : change_heads_) oracle.PolicyMayChange(change.first, change.last);
  for (const LogEvent& event : events) {
    oracle.See(event.header.sequence, event.header.session, event.stream, event.type, event.data,
               event.agent);
  }
  for (const std::string& violation : oracle.violations()) Violation("questions: " + violation);

  std::map<std::string, const QuestionOracle::Verdict*> recorded;
  for (const QuestionOracle::Verdict& verdict : oracle.verdicts()) {
    if (verdict.is_rule) continue;
    if (!recorded.emplace(verdict.reason, &verdict).second) {
      Violation(verdict.reason + " was recorded twice");
    }
    const auto decided = decisions_.find(verdict.reason);
    if (decided == decisions_.end() || decided->second.key != verdict.key ||
        decided->second.verdict != verdict.verdict || decided->second.agent != verdict.agent) {
      Violation(fmt::format("event {} is no decision that anybody made", verdict.sequence));
    }
  }
  for (const auto& [reason, decided] : decisions_) {
    if (decided.was_recorded && !recorded.contains(reason)) {
      Violation(reason + " was recorded and is not there");
    }
    if (decided.was_refused && recorded.contains(reason)) {
      Violation(reason + " was refused and is there");
    }
  }

  std::map<uint64_t, uint64_t> asked_ns;  // by token: before its time began
  for (const Told& told : told_) {
    if (!told.answer.you_decide) continue;
    const auto [known, is_new] = asked_ns.try_emplace(told.answer.token, told.asked.ns);
    known->second = std::min(known->second, told.asked.ns);
  }
  for (const Told& told : told_) {
    const Answer& answer = told.answer;
    if (answer.you_decide) {
      const auto asked = oracle.told().find(answer.token);
      if (asked == oracle.told().end() || asked->second.session != told.session) {
        Violation(fmt::format("session {} was told to decide by {}, which the log does not know",
                              told.session, answer.token));
        continue;
      }
      const QuestionOracle::Told& handed = asked->second;
      const auto before = asked_ns.find(handed.before);
      if (handed.before == 0 || handed.before_left || before == asked_ns.end()) continue;
      if (told.ns >= before->second + kDeciderNs) continue;
      Violation(fmt::format("{} was to be decided by {}, who was there and had time, and by {}",
                            told.key, handed.before, answer.token));
      continue;
    }
    const auto found = recorded.find(answer.reason);
    const QuestionOracle::Verdict* verdict = found == recorded.end() ? nullptr : found->second;
    if (verdict == nullptr || verdict->key != told.key ||
        verdict->verdict != VerdictName(answer.verdict) || verdict->agent != answer.by ||
        verdict->sequence > told.head) {
      Violation(fmt::format("{} was answered {} by {} because of '{}', which is not there",
                            told.key, VerdictName(answer.verdict), answer.by, answer.reason));
      continue;
    }
    if (told.of_memory) continue;
    for (const QuestionOracle::Verdict& later : oracle.verdicts()) {
      const bool replaces = !later.is_rule && later.key == told.key &&
                            later.policy == verdict->policy && later.sequence > verdict->sequence;
      if (replaces && later.sequence <= told.asked.head) {
        Violation(fmt::format("{} was answered with '{}' after '{}' was decided", told.key,
                              answer.reason, later.reason));
      }
    }
  }
}

}  // namespace roost
