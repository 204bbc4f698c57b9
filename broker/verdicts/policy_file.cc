#include "broker/verdicts/policy_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sodium/crypto_hash_sha256.h>
#include <sodium/utils.h>
#include <sys/stat.h>
#include <unistd.h>

#include <toml++/toml.h>

#include <cerrno>
#include <exception>
#include <optional>
#include <vector>

#include "base/canonical_json.h"
#include "base/clock.h"
#include "base/unique_fd.h"
#include "base/utf8.h"
#include "broker/verdicts/glob.h"
#include "ipc/question_key.h"

namespace roost {
namespace {

constexpr size_t kReasonBytesMax = 512;
constexpr size_t kRuleNameBytesMax = 128;
constexpr int kReadAttempts = 3;
constexpr uint64_t kTtlNsMax = 366ull * 24 * 3600 * kNsPerSecond;

// ---- the file's bytes ----

bool IsSame(const struct stat& a, const struct stat& b) {
  return a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

// nullopt: it changed meanwhile.
Result<std::optional<std::string>> ReadOnce(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return Status::FromErrno(errno, fmt::format("open the policy {}", path));
  struct stat before {};
  if (::fstat(fd.get(), &before) != 0)
    return Status::FromErrno(errno, fmt::format("stat {}", path));
  if (!S_ISREG(before.st_mode)) {
    return {StatusCode::kInvalidArgument, fmt::format("{}: it is no file", path)};
  }
  const Status too_large(StatusCode::kTooLarge,
                         fmt::format("{}: it has more than {} bytes", path, kPolicyBytesMax));
  if (static_cast<uint64_t>(before.st_size) > kPolicyBytesMax) return too_large;
  // One more, to see that it has grown meanwhile.
  std::string text(static_cast<size_t>(before.st_size) + 1, '\0');
  size_t length = 0;
  while (length < text.size()) {
    const ssize_t got = ::read(fd.get(), text.data() + length, text.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Status::FromErrno(errno, fmt::format("read the policy {}", path));
    if (got == 0) break;
    length += static_cast<size_t>(got);
  }
  if (length > kPolicyBytesMax) return too_large;
  struct stat after {};
  if (::fstat(fd.get(), &after) != 0) return Status::FromErrno(errno, fmt::format("stat {}", path));
  if (!IsSame(before, after) || length != static_cast<uint64_t>(after.st_size)) {
    return std::optional<std::string>();
  }
  text.resize(length);
  return std::optional<std::string>(std::move(text));
}

std::string Sha256Text(std::string_view text) {
  unsigned char digest[crypto_hash_sha256_BYTES];
  crypto_hash_sha256(digest, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  char hex[2 * sizeof(digest) + 1];
  return sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest));
}

// ---- what stands in it ----

// Reads one policy; the first thing that is wrong stops it.
class PolicyParser {
 public:
  explicit PolicyParser(std::string_view name) : name_(name) {}

  Result<std::shared_ptr<const Policy>> Parse(std::string_view text) {
    const toml::table table = toml::parse(text, name_);
    const toml::array* rules = nullptr;
    std::vector<std::string> agents_decide;
    for (const auto& [key, node] : table) {
      if (key.str() == "rule" && node.is_array()) {
        rules = node.as_array();
      } else if (key.str() == "agents_decide") {
        ROOST_RETURN_IF_ERROR(ReadKinds(node, &agents_decide));
      } else {
        return Wrong(key.source(), fmt::format("there is no '{}' in a policy: it has agents_decide "
                                               "and tables [[rule]]",
                                               std::string_view(key.str())));
      }
    }
    std::vector<Rule> made;
    if (rules != nullptr) ROOST_RETURN_IF_ERROR(ReadRules(*rules, &made));
    return std::make_shared<const Policy>(Sha256Text(text), std::move(made),
                                          std::move(agents_decide));
  }

 private:
  // The members of one [[rule]], as they were found.
  struct Members {
    const toml::node* node = nullptr;  // for its line
    std::string name, kind, pointer, verdict, reason, ttl, text;
    bool has_pointer = false;
    std::optional<TextMatcher::Kind> matcher;
    const toml::array* tests = nullptr;
  };

  Status Wrong(const toml::source_region& where, std::string_view what) const {
    return {StatusCode::kInvalidArgument, fmt::format("{}:{}: {}", name_, where.begin.line, what)};
  }

  Status ReadText(std::string_view name, const toml::node& node, std::string* text) const {
    const auto* string = node.as_string();
    if (string == nullptr) return Wrong(node.source(), fmt::format("{} must be a text", name));
    *text = string->get();
    return {};
  }

  Status ReadKinds(const toml::node& node, std::vector<std::string>* kinds) const {
    const toml::array* array = node.as_array();
    if (array == nullptr) {
      return Wrong(node.source(), "agents_decide must be a list of kinds or globs");
    }
    if (array->size() > Policy::kRulesMax) {
      return Wrong(node.source(), fmt::format("agents_decide has {} kinds, over the limit of {}",
                                              array->size(), Policy::kRulesMax));
    }
    for (const toml::node& element : *array) {
      std::string kind;
      ROOST_RETURN_IF_ERROR(ReadText("each kind of agents_decide", element, &kind));
      if (const Status status = CheckQuestionKind(kind); !status.ok()) {
        return Wrong(element.source(), "agents_decide: " + status.message());
      }
      kinds->push_back(std::move(kind));
    }
    return {};
  }

  Status ReadRules(const toml::array& rules, std::vector<Rule>* made) {
    if (rules.size() > Policy::kRulesMax) {
      return Wrong(rules.source(), fmt::format("there are {} rules, over the limit of {}",
                                               rules.size(), Policy::kRulesMax));
    }
    regex_bytes_ = Policy::RegexBytes(rules.size());
    made->reserve(rules.size());
    for (const toml::node& node : rules) {
      const toml::table* table = node.as_table();
      if (table == nullptr) return Wrong(node.source(), "a rule must be a table: [[rule]]");
      Members members;
      members.node = &node;
      for (const auto& [key, value] : *table) {
        ROOST_RETURN_IF_ERROR(ReadMember(key, value, &members));
      }
      ROOST_RETURN_IF_ERROR(MakeRule(std::move(members), made));
    }
    return {};
  }

  Status ReadMember(const toml::key& key, const toml::node& value, Members* members) const {
    const std::string_view name = key.str();
    if (name == "tests") {
      members->tests = value.as_array();
      if (members->tests != nullptr) return {};
      return Wrong(value.source(), "tests must be a list of {input = '...', matches = true}");
    }
    if (name == "regex") return ReadMatcher(TextMatcher::Kind::kRegex, name, value, members);
    if (name == "glob") return ReadMatcher(TextMatcher::Kind::kGlob, name, value, members);
    if (name == "equals") return ReadMatcher(TextMatcher::Kind::kEquals, name, value, members);
    if (name == "pointer") {
      members->has_pointer = true;
      return ReadText(name, value, &members->pointer);
    }
    if (name == "name") return ReadText(name, value, &members->name);
    if (name == "kind") return ReadText(name, value, &members->kind);
    if (name == "verdict") return ReadText(name, value, &members->verdict);
    if (name == "reason") return ReadText(name, value, &members->reason);
    if (name == "ttl") return ReadText(name, value, &members->ttl);
    return Wrong(key.source(),
                 fmt::format("there is no '{}' in a rule: it has name, kind, pointer, one of "
                             "regex, glob and equals, verdict, reason, ttl and tests",
                             name));
  }

  Status ReadMatcher(TextMatcher::Kind kind, std::string_view name, const toml::node& value,
                     Members* members) const {
    if (members->matcher.has_value()) {
      return Wrong(value.source(), "a rule has one of regex, glob and equals, not two");
    }
    members->matcher = kind;
    return ReadText(name, value, &members->text);
  }

  Status MakeRule(Members members, std::vector<Rule>* made) {
    const toml::source_region& where = members.node->source();
    if (const Status status = CheckQuestionKind(members.kind); !status.ok()) {
      return Wrong(where, "a rule's kind: " + status.message());
    }
    if (!IsJsonPointer(members.pointer)) {
      return Wrong(where, fmt::format("'{}' is no JSON pointer, like /command", members.pointer));
    }
    if (!members.matcher.has_value()) {
      return Wrong(where, "the rule has none of regex, glob and equals; glob = \"*\" matches all");
    }
    if (members.name.size() > kRuleNameBytesMax || !IsPlainUtf8(members.name) ||
        members.reason.size() > kReasonBytesMax || !IsPlainUtf8(members.reason)) {
      return Wrong(where, fmt::format("a rule's name has at most {} bytes and its reason {}, of "
                                      "UTF-8 without control characters",
                                      kRuleNameBytesMax, kReasonBytesMax));
    }
    const std::optional<wire::Verdict> verdict = ReadVerdict(members.verdict);
    if (!verdict.has_value()) return Wrong(where, "a rule's verdict is allow, deny or ask");
    const Result<uint64_t> ttl_ns = members.ttl.empty() ? 0 : ParseDurationNs(members.ttl);
    if (!ttl_ns.ok()) return Wrong(where, "a rule's ttl: " + ttl_ns.status().message());
    if (*ttl_ns > kTtlNsMax || (*ttl_ns > 0 && *ttl_ns < kNsPerMs)) {
      return Wrong(where, "a rule's ttl is 1ms to 366d; without one a verdict holds for ever");
    }
    Result<TextMatcher> matcher =
        TextMatcher::Make(*members.matcher, std::move(members.text), regex_bytes_);
    if (!matcher.ok()) {
      return Wrong(where, fmt::format("the regular expression can't be used: {}",
                                      Printable(matcher.status().message())));
    }
    const uint32_t line = where.begin.line;
    if (members.name.empty()) members.name = fmt::format("line {}", line);
    if (members.reason.empty())
      members.reason = fmt::format("the policy says so: {}", members.name);
    made->push_back({std::move(members.name), std::move(members.kind), std::move(members.pointer),
                     members.has_pointer, *std::move(matcher), *verdict, std::move(members.reason),
                     *ttl_ns / kNsPerMs, line});
    if (members.tests == nullptr) return {};
    for (const toml::node& test : *members.tests)
      ROOST_RETURN_IF_ERROR(RunTest(made->back(), test));
    return {};
  }

  static std::optional<wire::Verdict> ReadVerdict(std::string_view text) {
    if (text == "allow") return wire::Verdict::Allow;
    if (text == "deny") return wire::Verdict::Deny;
    if (text == "ask") return wire::Verdict::Ask;
    return std::nullopt;
  }

  Status RunTest(const Rule& rule, const toml::node& node) {
    const toml::table* test = node.as_table();
    const auto* input = test == nullptr ? nullptr : test->get_as<std::string>("input");
    const auto* matches = test == nullptr ? nullptr : test->get_as<bool>("matches");
    const auto* kind = test == nullptr ? nullptr : test->get_as<std::string>("kind");
    const size_t known = kind == nullptr ? 2 : 3;
    if (input == nullptr || matches == nullptr || test->size() != known) {
      return Wrong(node.source(),
                   "a test is {input = 'a JSON text', matches = true or false}, and may have kind");
    }
    if (MonotonicNs() - begin_ns_ > kPolicyTestsNsMax) {
      return Wrong(node.source(), "the tests of this policy take more than 10 s");
    }
    const Result<std::string> canonical = CanonicalJson(input->get());
    if (!canonical.ok()) {
      return Wrong(node.source(), "a test's input: " + Printable(canonical.status().message()));
    }
    const bool is_of_kind = kind == nullptr || GlobMatches(rule.kind, kind->get());
    const std::optional<bool> found =
        is_of_kind ? Policy::Matches(rule, *canonical, EvaluationBudget()) : false;
    if (!found.has_value()) {
      return Wrong(node.source(),
                   fmt::format("rule '{}' may take too long for this input", rule.name));
    }
    if (*found == matches->get()) return {};
    return Wrong(node.source(),
                 fmt::format("a test of rule '{}' fails: it {} {}", rule.name,
                             *found ? "matches" : "does not match",
                             Printable(std::string_view(input->get()).substr(0, 200))));
  }

  const std::string_view name_;
  const uint64_t begin_ns_ = MonotonicNs();
  uint64_t regex_bytes_ = Policy::kRegexBytesMax;
};

}  // namespace

Result<std::shared_ptr<const Policy>> ParsePolicy(std::string_view text, std::string_view name) {
  try {
    return PolicyParser(name).Parse(text);
  } catch (const toml::parse_error& error) {
    return {StatusCode::kInvalidArgument,
            fmt::format("{}:{}: {}", name, error.source().begin.line, error.description())};
  } catch (const std::exception& error) {
    return {StatusCode::kInvalidArgument, fmt::format("{}: {}", name, error.what())};
  }
}

Result<std::shared_ptr<const Policy>> LoadPolicy(const std::string& path) {
  for (int attempt = 0; attempt < kReadAttempts; ++attempt) {
    Result<std::optional<std::string>> text = ReadOnce(path);
    if (!text.ok()) return text.status();
    if (text->has_value()) return ParsePolicy(**text, path);
  }
  return {StatusCode::kBusy,
          fmt::format("{}: it changes while it is read; write a new file beside it and rename it",
                      path)};
}

}  // namespace roost
