#include "broker/verdicts/policy.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/canonical_json.h"
#include "base/check.h"
#include "base/clock.h"
#include "broker/verdicts/glob.h"

namespace roost {
namespace {

constexpr size_t kVersionDigits = 16;
// Looking for the rules of a kind is itself work, which is not counted for more than so many.
constexpr size_t kCountedRulesMax = 64;
constexpr uint64_t kStepsPerPointer = 4;

// The texts that the last few pointers named, since rules for one kind look at the same places.
class PointedTexts {
 public:
  explicit PointedTexts(std::string_view canonical) : canonical_(canonical) {}

  // nullptr: there is nothing at the rule's pointer. Valid until the next call.
  const std::string_view* Find(const Rule& rule) {
    if (!rule.has_pointer) return &canonical_;
    for (Entry& entry : entries_) {
      if (entry.rule != nullptr && entry.rule->pointer == rule.pointer) return entry.Show();
    }
    Entry& entry = entries_[next_++ % entries_.size()];
    entry.rule = &rule;
    const auto value = CanonicalAt(canonical_, rule.pointer);
    entry.is_there = value.has_value();
    if (entry.is_there) entry.text = CanonicalText(*value);
    return entry.Show();
  }

 private:
  struct Entry {
    const std::string_view* Show() {
      view = text;
      return is_there ? &view : nullptr;
    }

    const Rule* rule = nullptr;
    bool is_there = false;
    std::string text;
    std::string_view view;
  };

  const std::string_view canonical_;
  std::array<Entry, 4> entries_;
  size_t next_ = 0;
};

std::optional<bool> MatchesText(const Rule& rule, const std::string_view* text,
                                const EvaluationBudget& budget) {
  if (text == nullptr) return false;
  if (rule.matcher.steps_per_byte() * text->size() > budget.steps_per_match_max) {
    return std::nullopt;
  }
  return rule.matcher.Matches(*text);
}

}  // namespace

uint64_t Policy::RegexBytes(size_t rules) {
  return std::clamp(kRegexBytesAll / std::max<size_t>(rules, 1), kRegexBytesMin, kRegexBytesMax);
}

std::shared_ptr<const Policy> Policy::None() {
  static const auto kNone =
      std::make_shared<const Policy>("", std::vector<Rule>{}, std::vector<std::string>{"*"});
  return kNone;
}

Policy::Policy(std::string digest, std::vector<Rule> rules, std::vector<std::string> agents_decide)
    : digest_(std::move(digest)),
      version_text_(digest_.empty() ? std::string(kVersionDigits, '0')
                                    : digest_.substr(0, kVersionDigits)),
      rules_(std::move(rules)),
      agents_decide_(std::move(agents_decide)) {
  ROOST_CHECK(rules_.size() <= kRulesMax, "rules={}", rules_.size());
  std::from_chars(version_text_.data(), version_text_.data() + version_text_.size(), version_, 16);
  for (uint32_t index = 0; index < rules_.size(); ++index) {
    const std::string& kind = rules_[index].kind;
    (HasStar(kind) ? globs_ : exact_[kind]).push_back(index);
  }
}

bool Policy::AgentsMayDecide(std::string_view kind) const {
  // A tool call is dangerous until an operator says otherwise.
  if (digest_.empty() && kind.starts_with("tool.")) return false;
  return std::any_of(agents_decide_.begin(), agents_decide_.end(),
                     [&](const std::string& glob) { return GlobMatches(glob, kind); });
}

void Policy::ForEachOfKind(std::string_view kind,
                           const std::function<bool(const Rule&)>& visit) const {
  static const std::vector<uint32_t> kNone;
  const auto found = exact_.find(kind);
  const std::vector<uint32_t>& exact = found == exact_.end() ? kNone : found->second;
  auto next_exact = exact.begin();
  auto next_glob = globs_.begin();
  while (next_exact != exact.end() || next_glob != globs_.end()) {
    const bool is_exact =
        next_glob == globs_.end() || (next_exact != exact.end() && *next_exact < *next_glob);
    const Rule& rule = rules_[is_exact ? *next_exact++ : *next_glob++];
    if (!is_exact && !GlobMatches(rule.kind, kind)) continue;
    if (!visit(rule)) return;
  }
}

uint64_t Policy::StepsMax(std::string_view kind, size_t input_bytes) const {
  const auto found = exact_.find(kind);
  if (globs_.size() + (found == exact_.end() ? 0 : found->second.size()) > kCountedRulesMax) {
    return UINT64_MAX;
  }
  uint64_t steps_per_byte = 0;
  ForEachOfKind(kind, [&](const Rule& rule) {
    steps_per_byte += rule.matcher.steps_per_byte() + (rule.has_pointer ? kStepsPerPointer : 0);
    return true;
  });
  return steps_per_byte * input_bytes;
}

Ruling Policy::Evaluate(std::string_view kind, std::string_view canonical,
                        const EvaluationBudget& budget) const {
  Ruling ruling;
  PointedTexts texts(canonical);
  const uint64_t begin_ns = MonotonicNs();
  size_t tried = 0;
  ForEachOfKind(kind, [&](const Rule& rule) {
    ruling.rule = &rule;
    const bool is_late = tried++ > 0 && MonotonicNs() - begin_ns > budget.time_ns_max;
    const std::optional<bool> matches =
        is_late ? std::nullopt : MatchesText(rule, texts.Find(rule), budget);
    if (!matches.has_value()) ruling.outcome = Ruling::Outcome::kRanOut;
    if (matches.value_or(false)) ruling.outcome = Ruling::Outcome::kRule;
    return ruling.outcome == Ruling::Outcome::kNoRule;
  });
  return ruling;
}

std::optional<bool> Policy::Matches(const Rule& rule, std::string_view canonical,
                                    const EvaluationBudget& budget) {
  PointedTexts texts(canonical);
  return MatchesText(rule, texts.Find(rule), budget);
}

}  // namespace roost
