// The operator's policy. One that is accepted is the same when it is read again, and each of its rulings keeps to what
// its rules say: the rule is of the question's kind and matches, and none before it does.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "base/canonical_json.h"
#include "base/check.h"
#include "broker/verdicts/glob.h"
#include "broker/verdicts/policy.h"
#include "broker/verdicts/policy_file.h"

namespace roost {
namespace {

constexpr std::array<std::string_view, 5> kKinds = {"tool.Bash", "tool.Edit", "review.style", "a",
                                                    "check.x"};
constexpr std::array<std::string_view, 5> kInputs = {
    R"({"command":"rm -rf /"})", R"({"file_path":"/work/../etc/passwd"})", R"("a")", "[]",
    R"({"a":{"b":[1,"x",null]},"command":"ls aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"})"};

void CheckRuling(const Policy& policy, std::string_view kind, std::string_view canonical) {
  const EvaluationBudget budget{.time_ns_max = UINT64_MAX};
  const Ruling ruling = policy.Evaluate(kind, canonical, budget);
  if (ruling.outcome == Ruling::Outcome::kNoRule) return;
  ROOST_CHECK(ruling.rule >= policy.rules().data() &&
              ruling.rule < policy.rules().data() + policy.rules().size());
  ROOST_CHECK(GlobMatches(ruling.rule->kind, kind), "{} is no {}", kind, ruling.rule->kind);
  if (ruling.outcome == Ruling::Outcome::kRanOut) return;
  ROOST_CHECK(Policy::Matches(*ruling.rule, canonical, budget).value_or(false));
  for (const Rule& rule : policy.rules()) {
    if (&rule == ruling.rule) break;
    if (!GlobMatches(rule.kind, kind)) continue;
    ROOST_CHECK(!Policy::Matches(rule, canonical, budget).value_or(false), "{}", rule.name);
  }
}

void Try(std::string_view text) {
  const auto policy = ParsePolicy(text, "policy.toml");
  if (!policy.ok()) {
    ROOST_CHECK(policy.status().message().find("policy.toml") == 0 ||
                    policy.status().code() == StatusCode::kTooLarge,
                "{}", policy.status().message());
    return;
  }
  const auto again = ParsePolicy(text, "policy.toml");
  ROOST_CHECK(again.ok() && (*again)->version() == (*policy)->version() &&
              (*again)->rules().size() == (*policy)->rules().size());
  ROOST_CHECK((*policy)->rules().size() <= Policy::kRulesMax);
  for (const std::string_view kind : kKinds) {
    for (const std::string_view input : kInputs) {
      CheckRuling(**policy, kind, CanonicalJson(input).value());
    }
    ROOST_CHECK((*policy)->AgentsMayDecide(kind) == (*again)->AgentsMayDecide(kind));
  }
}

}  // namespace
}  // namespace roost

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  roost::Try({reinterpret_cast<const char*>(data), size});
  return 0;
}
