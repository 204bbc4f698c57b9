// The operator's policy: ordered rules, of which the first that matches a question answers it, and which kinds of
// questions agents may decide.
//
// Constant once it is made, and shared between threads (RE2 locks within, for its caches alone). Bounded: kRulesMax
// rules; regular expressions take at most kRegexBytesAll together.
#ifndef ROOST_BROKER_VERDICTS_POLICY_H_
#define ROOST_BROKER_VERDICTS_POLICY_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/verdicts/rule.h"

namespace roost {

// How long an evaluation may take. Checked between rules, and against what the next rule could take.
struct EvaluationBudget {
  uint64_t steps_per_match_max = 64'000'000;  // a third of a second at the worst
  uint64_t time_ns_max = 50'000'000;
};

struct Ruling {
  enum class Outcome {
    kNoRule,
    kRule,  // `rule` answers
    kRanOut,  // nobody knows whether `rule` matches: it would have taken too long, or there was no time for it
  };
  Outcome outcome = Outcome::kNoRule;
  const Rule* rule = nullptr;  // as long as the policy
};

class Policy {
 public:
  static constexpr size_t kRulesMax = 10'000;
  static constexpr uint64_t kRegexBytesMax = 256 << 10;  // one, of few
  static constexpr uint64_t kRegexBytesMin = 32 << 10;   // one, of very many
  static constexpr uint64_t kRegexBytesAll = 320 << 20;

  // What a regular expression may take where there are so many.
  static uint64_t RegexBytes(size_t rules);

  // Without any rule: agents decide all but the kinds that begin with "tool.". Its version is 0.
  static std::shared_ptr<const Policy> None();

  // `digest` is the SHA-256 of the file in hexadecimal digits. REQUIRES: at most kRulesMax rules.
  Policy(std::string digest, std::vector<Rule> rules, std::vector<std::string> agents_decide);

  uint64_t version() const { return version_; }
  const std::string& digest() const { return digest_; }              // empty: there is no file
  const std::string& version_text() const { return version_text_; }  // 16 hexadecimal digits
  const std::vector<Rule>& rules() const { return rules_; }

  bool AgentsMayDecide(std::string_view kind) const;

  // At most so many steps (TextMatcher) for an input of so many bytes; UINT64_MAX: very many.
  uint64_t StepsMax(std::string_view kind, size_t input_bytes) const;

  // `canonical` came from CanonicalJson.
  Ruling Evaluate(std::string_view kind, std::string_view canonical,
                  const EvaluationBudget& budget) const;

  // Whether this one rule matches, whatever its kind. nullopt: it would take too long.
  static std::optional<bool> Matches(const Rule& rule, std::string_view canonical,
                                     const EvaluationBudget& budget);

 private:
  // Calls `visit` with each rule for that kind, in order, until it returns false.
  void ForEachOfKind(std::string_view kind, const std::function<bool(const Rule&)>& visit) const;

  std::string digest_;
  std::string version_text_;
  uint64_t version_ = 0;
  std::vector<Rule> rules_;
  std::map<std::string, std::vector<uint32_t>, std::less<>> exact_;  // by kind: indices, ascending
  std::vector<uint32_t> globs_;  // those with a glob for a kind, ascending
  std::vector<std::string> agents_decide_;
};

}  // namespace roost

#endif  // ROOST_BROKER_VERDICTS_POLICY_H_
