#include "broker/verdicts/policy.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "base/canonical_json.h"
#include "base/clock.h"
#include "broker/verdicts/glob.h"
#include "broker/verdicts/policy_file.h"

namespace roost {
namespace {

using RulingOutcome = Ruling::Outcome;

std::shared_ptr<const Policy> ParsePolicyText(std::string_view text) {
  const auto policy = ParsePolicy(text, "policy.toml");
  EXPECT_TRUE(policy.ok()) << policy.status().message();
  return policy.ok() ? *policy : Policy::None();
}

std::string ErrorOf(std::string_view text) {
  const auto policy = ParsePolicy(text, "policy.toml");
  return policy.ok() ? "fine" : policy.status().message();
}

// The name of the rule that answers; "" if none does.
std::string RuleFor(const Policy& policy, std::string_view kind, std::string_view input) {
  const Ruling ruling = policy.Evaluate(kind, *CanonicalJson(input), EvaluationBudget());
  if (ruling.outcome == RulingOutcome::kRanOut) return "ran out at " + ruling.rule->name;
  return ruling.outcome == RulingOutcome::kRule ? ruling.rule->name : "";
}

TEST(GlobTest, MatchesAnyCharactersForAStar) {
  EXPECT_TRUE(GlobMatches("", ""));
  EXPECT_TRUE(GlobMatches("*", ""));
  EXPECT_TRUE(GlobMatches("a*c", "abbc"));
  EXPECT_TRUE(GlobMatches("a*", "a/b/c"));
  EXPECT_TRUE(GlobMatches("*ab*ab*", "xabyabz"));
  EXPECT_TRUE(GlobMatches("a**b", "ab"));
  EXPECT_FALSE(GlobMatches("a*c", "abcd"));
  EXPECT_FALSE(GlobMatches("", "a"));
  EXPECT_FALSE(GlobMatches("a", ""));
  EXPECT_FALSE(GlobMatches("*ab*ab", "xabz"));
}

TEST(PolicyTest, LetsTheFirstRuleThatMatchesAnswer) {
  const auto policy = ParsePolicyText(R"(
agents_decide = ["review.*"]
[[rule]]
name = "first"
kind = "tool.Bash"
pointer = "/command"
regex = "rm -rf"
verdict = "deny"
reason = "no"
ttl = "10m"
[[rule]]
name = "any tool"
kind = "tool.*"
glob = "*danger*"
verdict = "ask"
[[rule]]
name = "exact"
kind = "tool.Bash"
pointer = "/command"
equals = "ls"
verdict = "allow"
)");
  ASSERT_EQ(policy->rules().size(), 3u);
  EXPECT_EQ(RuleFor(*policy, "tool.Bash", R"({"command":"rm -rf danger"})"), "first");
  EXPECT_EQ(RuleFor(*policy, "tool.Bash", R"({"command":"danger"})"), "any tool");
  EXPECT_EQ(RuleFor(*policy, "tool.Other", R"({"command":"rm -rf danger"})"), "any tool");
  EXPECT_EQ(RuleFor(*policy, "tool.Bash", R"({"command":"ls"})"), "exact");
  EXPECT_EQ(RuleFor(*policy, "tool.Bash", R"({"command":"ls -l"})"), "");
  EXPECT_EQ(RuleFor(*policy, "tool.Bash", R"({"other":"ls"})"), "");
  EXPECT_EQ(RuleFor(*policy, "tool", R"("danger")"), "");
  EXPECT_EQ(policy->rules()[0].ttl_ms, 600'000u);
  EXPECT_EQ(policy->rules()[0].verdict, wire::Verdict::Deny);
  EXPECT_EQ(policy->rules()[2].reason, "the policy says so: exact");
}

TEST(PolicyTest, ShowsRulesTheTextOfAStringAndTheJsonOfAnythingElse) {
  const auto policy = ParsePolicyText(R"(
[[rule]]
name = "newline"
kind = "k"
pointer = "/a"
equals = "x\ny"
verdict = "deny"
[[rule]]
name = "list"
kind = "k"
pointer = "/a"
equals = '[1,{"b":"c"}]'
verdict = "deny"
[[rule]]
name = "whole"
kind = "k"
equals = '{"a":true,"z":1}'
verdict = "deny"
)");
  EXPECT_EQ(RuleFor(*policy, "k", R"({"a":"x\u000ay"})"), "newline");
  EXPECT_EQ(RuleFor(*policy, "k", R"({"a":[ 1.0, {"b":"c"} ]})"), "list");
  EXPECT_EQ(RuleFor(*policy, "k", R"({"z":1, "a":true})"), "whole");
}

TEST(PolicyTest, SaysWhichKindsAgentsDecide) {
  EXPECT_TRUE(Policy::None()->AgentsMayDecide("review.code"));
  EXPECT_FALSE(Policy::None()->AgentsMayDecide("tool.Bash"));
  EXPECT_TRUE(Policy::None()->AgentsMayDecide("toolbox"));
  EXPECT_EQ(Policy::None()->version(), 0u);

  EXPECT_FALSE(ParsePolicyText("")->AgentsMayDecide("review.code"));
  const auto policy = ParsePolicyText("agents_decide = [\"review.*\", \"tool.Harmless\"]");
  EXPECT_TRUE(policy->AgentsMayDecide("review.code"));
  EXPECT_TRUE(policy->AgentsMayDecide("tool.Harmless"));
  EXPECT_FALSE(policy->AgentsMayDecide("tool.Bash"));
}

TEST(PolicyTest, HasTheBeginningOfItsFilesHashAsVersion) {
  const auto policy = ParsePolicyText("");
  EXPECT_EQ(policy->digest(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(policy->version(), 0xe3b0c44298fc1c14u);
  EXPECT_EQ(policy->version_text(), "e3b0c44298fc1c14");
  EXPECT_NE(ParsePolicyText("# other\n")->version(), policy->version());
}

TEST(PolicyTest, RefusesWhatIsWrongWithItsLine) {
  const std::string rule = "[[rule]]\nkind = \"k\"\nverdict = \"deny\"\n";
  EXPECT_EQ(ErrorOf("a = \n").substr(0, 14), "policy.toml:1:");
  EXPECT_EQ(ErrorOf("\nrules = 1\n"),
            "policy.toml:2: there is no 'rules' in a policy: it has agents_decide and tables "
            "[[rule]]");
  EXPECT_EQ(ErrorOf("agents_decide = \"*\"\n"),
            "policy.toml:1: agents_decide must be a list of kinds or globs");
  EXPECT_EQ(ErrorOf("agents_decide = [\"\"]\n").substr(0, 14), "policy.toml:1:");
  EXPECT_EQ(ErrorOf(rule),
            "policy.toml:1: the rule has none of regex, glob and equals; glob = \"*\" matches all");
  EXPECT_EQ(ErrorOf(rule + "regex = \"a\"\nglob = \"a\"\n").substr(14),
            " a rule has one of regex, glob and equals, not two");
  EXPECT_EQ(ErrorOf(rule + "regex = \"(\"\n"),
            "policy.toml:1: the regular expression can't be used: missing ): (");
  EXPECT_EQ(ErrorOf(rule + "regexp = \"a\"\n").substr(0, 47),
            "policy.toml:4: there is no 'regexp' in a rule: ");
  EXPECT_EQ(ErrorOf(rule + "glob = 1\n"), "policy.toml:4: glob must be a text");
  EXPECT_EQ(ErrorOf(rule + "glob = \"*\"\npointer = \"command\"\n"),
            "policy.toml:1: 'command' is no JSON pointer, like /command");
  EXPECT_EQ(ErrorOf(rule + "glob = \"*\"\nttl = \"soon\"\n").substr(0, 28),
            "policy.toml:1: a rule's ttl:");
  EXPECT_EQ(ErrorOf("[[rule]]\nkind = \"k\"\nglob = \"*\"\nverdict = \"maybe\"\n"),
            "policy.toml:1: a rule's verdict is allow, deny or ask");
  EXPECT_EQ(ErrorOf("[[rule]]\nglob = \"*\"\nverdict = \"deny\"\n"),
            "policy.toml:1: a rule's kind: the question has no kind");
  EXPECT_EQ(
      ErrorOf(rule + "glob = \"*\"\nreason = \"" + std::string(513, 'a') + "\"\n").substr(0, 27),
      "policy.toml:1: a rule's nam");
}

TEST(PolicyTest, RefusesARuleWhoseTestsFail) {
  const std::string rule =
      "[[rule]]\nname = \"r\"\nkind = \"tool.*\"\nglob = \"*a*\"\nverdict = \"deny\"\n";
  EXPECT_EQ(ErrorOf(rule + "tests = [{input = '\"a\"', matches = true}]"), "fine");
  EXPECT_EQ(
      ErrorOf(rule + "tests = [\n{input = '\"a\"', matches = true},\n{input = '\"b\"', matches = "
                     "true}]"),
      "policy.toml:8: a test of rule 'r' fails: it does not match \"b\"");
  EXPECT_EQ(ErrorOf(rule + "tests = [{input = '\"a\"', matches = false}]"),
            "policy.toml:6: a test of rule 'r' fails: it matches \"a\"");
  EXPECT_EQ(ErrorOf(rule + "tests = [{kind = \"other\", input = '\"a\"', matches = false}]"),
            "fine");
  EXPECT_EQ(ErrorOf(rule + "tests = [{input = 'a', matches = false}]").substr(0, 30),
            "policy.toml:6: a test's input:");
  EXPECT_EQ(ErrorOf(rule + "tests = [{input = '\"a\"'}]").substr(0, 24),
            "policy.toml:6: a test is");
  EXPECT_EQ(ErrorOf(rule + "tests = [{input = '\"a\"', match = true}]").substr(0, 24),
            "policy.toml:6: a test is");
  EXPECT_EQ(ErrorOf(rule + "tests = 1").substr(0, 21), "policy.toml:6: tests ");
}

TEST(PolicyTest, TakesTenThousandRulesAndNoMore) {
  std::string text;
  for (size_t i = 0; i < Policy::kRulesMax; ++i) {
    text +=
        "[[rule]]\nkind = \"k" + std::to_string(i) + "\"\nregex = \"a+b?c\"\nverdict = \"deny\"\n";
  }
  const auto policy = ParsePolicyText(text);
  ASSERT_EQ(policy->rules().size(), Policy::kRulesMax);
  EXPECT_EQ(RuleFor(*policy, "k9999", "\"ac\""), "line 39997");
  // Of all of them only one is a candidate.
  EXPECT_LT(policy->StepsMax("k9999", 100), 10'000u);
  EXPECT_EQ(policy->StepsMax("other", 100), 0u);
  text += "[[rule]]\nkind = \"k\"\nregex = \"a\"\nverdict = \"deny\"\n";
  EXPECT_NE(ErrorOf(text).find("there are 10001 rules, over the limit of 10000"),
            std::string::npos);
}

TEST(PolicyTest, GivesUpRatherThanTakeTooLong) {
  // An automaton with very many states, so that RE2 has to simulate all of them at once.
  const auto policy = ParsePolicyText(
      "[[rule]]\nname = \"r\"\nkind = \"k\"\nregex = \"[ab]*a[ab]{1000}[ab]{400}c$\"\nverdict = "
      "\"deny\"\n");
  const std::string large = "\"" + std::string(60'000, 'a') + "\"";
  EXPECT_EQ(RuleFor(*policy, "k", large), "ran out at r");
  EXPECT_EQ(RuleFor(*policy, "k", "\"aaaa\""), "");
  EXPECT_GT(policy->StepsMax("k", 1000), 500'000u);

  EvaluationBudget none;
  none.time_ns_max = 0;
  const auto two = ParsePolicyText(
      "[[rule]]\nkind = \"k\"\nglob = \"x\"\nverdict = \"deny\"\n"
      "[[rule]]\nname = \"second\"\nkind = \"k\"\nglob = \"*\"\nverdict = \"allow\"\n");
  const Ruling late = two->Evaluate("k", "1", none);
  EXPECT_EQ(late.outcome, RulingOutcome::kRanOut);
  EXPECT_EQ(late.rule->name, "second");
}

TEST(PolicyTest, RefusesARegularExpressionThatNeedsTooMuchMemory) {
  EXPECT_NE(
      ErrorOf("[[rule]]\nkind = \"k\"\nregex = \"((a{100}){100}){100}\"\nverdict = \"deny\"\n"),
      "fine");
  EXPECT_NE(ErrorOf("[[rule]]\nkind = \"k\"\nregex = '(\\pL{90}){10}'\nverdict = \"deny\"\n"),
            "fine");
}

class PolicyFileTest : public ::testing::Test {
 protected:
  PolicyFileTest()
      : directory_(::testing::TempDir() + "/policy_test." + std::to_string(::getpid())),
        path_(directory_ + "/policy.toml") {
    std::filesystem::create_directories(directory_);
  }
  ~PolicyFileTest() override { std::filesystem::remove_all(directory_); }

  void Write(std::string_view text) { std::ofstream(path_) << text; }

  const std::string directory_;
  const std::string path_;
};

TEST_F(PolicyFileTest, LoadsAFile) {
  Write("agents_decide = [\"a\"]\n");
  const auto policy = LoadPolicy(path_);
  ASSERT_TRUE(policy.ok()) << policy.status().message();
  EXPECT_TRUE((*policy)->AgentsMayDecide("a"));
}

TEST_F(PolicyFileTest, SaysWhyAFileCantBeUsed) {
  EXPECT_EQ(LoadPolicy(path_).status().code(), StatusCode::kNotFound);
  EXPECT_NE(LoadPolicy(directory_).status().message().find("it is no file"), std::string::npos);
  Write("x = 1\n");
  EXPECT_EQ(LoadPolicy(path_).status().message().substr(0, path_.size() + 3), path_ + ":1:");
  Write(std::string(kPolicyBytesMax + 1, '#'));
  EXPECT_EQ(LoadPolicy(path_).status().code(), StatusCode::kTooLarge);
  Write(std::string_view("a = \"\0\"", 7));
  EXPECT_FALSE(LoadPolicy(path_).ok());
}

// Whatever is read is one whole version of the file, or refused.
TEST_F(PolicyFileTest, NeverTakesHalfOfAFileThatChanges) {
  const auto version = [](int number) {
    std::string text = "agents_decide = [\"v" + std::to_string(number) + "\"]\n";
    for (int i = 0; i < 200; ++i) {
      text += "[[rule]]\nkind = \"v" + std::to_string(number) +
              "\"\nglob = \"*\"\nverdict = \"deny\"\n";
    }
    return text;
  };
  Write(version(0));
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (int i = 1; !stop.load(std::memory_order_relaxed); ++i) Write(version(i % 10));
  });
  int loaded = 0;
  for (int i = 0; i < 200; ++i) {
    const auto policy = LoadPolicy(path_);
    if (!policy.ok()) continue;
    ++loaded;
    if ((*policy)->rules().empty()) continue;  // it was empty for a moment, whole
    const std::string kind = (*policy)->rules().front().kind;
    EXPECT_TRUE((*policy)->AgentsMayDecide(kind));
    for (const Rule& rule : (*policy)->rules()) EXPECT_EQ(rule.kind, kind);
  }
  stop.store(true, std::memory_order_relaxed);
  writer.join();
  Write(version(3));
  EXPECT_TRUE(LoadPolicy(path_).ok());
}

class ExamplePolicyTest : public ::testing::Test {
 protected:
  ExamplePolicyTest() {
    const auto policy = LoadPolicy(ROOST_EXAMPLE_POLICY);  // which runs the tests of its rules
    EXPECT_TRUE(policy.ok()) << policy.status().message();
    if (policy.ok()) policy_ = *policy;
  }
  std::string Verdict(std::string_view kind, std::string_view input) {
    // What is asked is what the rules say, not how busy the machine is.
    const EvaluationBudget budget{.time_ns_max = 60 * kNsPerSecond};
    const Ruling ruling = policy_->Evaluate(kind, *CanonicalJson(input), budget);
    if (ruling.outcome != RulingOutcome::kRule) return "";
    return wire::EnumNameVerdict(ruling.rule->verdict);
  }

  std::shared_ptr<const Policy> policy_ = Policy::None();
};

TEST_F(ExamplePolicyTest, JudgesToolCalls) {
  ASSERT_GT(policy_->rules().size(), 10u);
  EXPECT_EQ(Verdict("tool.Bash", R"({"command":"rm -rf ~"})"), "Deny");
  EXPECT_EQ(Verdict("tool.Bash", R"({"command":"sudo rm -rf /"})"), "Deny");
  EXPECT_EQ(Verdict("tool.Bash", R"({"command":"git push -f"})"), "Ask");
  EXPECT_EQ(Verdict("tool.Bash", R"({"command":"ls -l"})"), "Allow");
  EXPECT_EQ(Verdict("tool.Bash", R"({"command":"make -j8"})"), "");
  EXPECT_EQ(Verdict("tool.Write", R"({"file_path":"/etc/passwd","content":"x"})"), "Deny");
  EXPECT_EQ(Verdict("tool.Edit", R"({"file_path":"src/a.cc"})"), "");
  EXPECT_EQ(Verdict("tool.Read", R"({"file_path":"/home/a/.ssh/id_rsa"})"), "Deny");
}

TEST_F(ExamplePolicyTest, KnowsSecretsByEachSpellingOfTheirPaths) {
  for (const char* command :
       {"head -c 4000 ~/.ssh/./id_rsa", "head ~/.ssh//id_rsa", "head ~/.ssh/work_key",
        "head ~/.aws/./credentials", "head ~/.git-credentials", "tail ~/.config/gh/hosts.yml",
        "tail .env", "head -n 99 /work/app/.env.production", "git show HEAD:.env",
        "git diff --no-index /dev/null .env"}) {
    EXPECT_EQ(Verdict("tool.Bash", std::string(R"({"command":")") + command + R"("})"), "Deny")
        << command;
  }
  EXPECT_EQ(Verdict("tool.Bash", R"({"command":"git diff --ext-diff"})"), "");
  EXPECT_EQ(Verdict("tool.Edit", R"({"file_path":"/work/repo/../../etc/passwd"})"), "Ask");
  EXPECT_EQ(Verdict("tool.Write", R"({"file_path":"//etc/passwd"})"), "Ask");
  EXPECT_EQ(Verdict("tool.Write", R"({"file_path":"x/.git/./hooks/pre-commit"})"), "Ask");
  EXPECT_EQ(Verdict("tool.Read", R"({"file_path":"/etc//shadow"})"), "Ask");
  EXPECT_EQ(Verdict("tool.NotebookEdit", R"({"notebook_path":"/etc/passwd"})"), "Deny");
  EXPECT_EQ(Verdict("tool.Grep", R"({"pattern":".","path":"x/.ssh/id_rsa"})"), "Deny");
  EXPECT_EQ(Verdict("tool.Grep", R"({"pattern":".","path":"."})"), "");
}

TEST_F(ExamplePolicyTest, HasTestsForEachRuleAndALittleWorkForEachCall) {
  EXPECT_FALSE(policy_->AgentsMayDecide("tool.Bash"));
  EXPECT_TRUE(policy_->AgentsMayDecide("review.design"));
  RecordProperty("steps_per_byte", static_cast<int>(policy_->StepsMax("tool.Bash", 1)));
  EXPECT_LT(policy_->StepsMax("tool.Bash", 1), 20'000u);
}

}  // namespace
}  // namespace roost
