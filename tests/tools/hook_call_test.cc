#include "tools/hook_call.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace roost {
namespace {

namespace json = boost::json;

HookCall Parse(std::string_view text) {
  HookCall call = ParseHookCall(text);
  EXPECT_EQ(call.trouble, "") << text;
  return call;
}

TEST(HookCallTest, TakesTheCallOutOfWhatClaudeCodeSays) {
  const HookCall call = Parse(
      R"({"session_id":"0b1e-77","transcript_path":"/t.jsonl","cwd":"/w","permission_mode":"default",)"
      R"("hook_event_name":"PreToolUse","tool_name":"Bash",)"
      R"("tool_input": {"command":"ls -l","timeout":12345678901234567890} ,"tool_use_id":"u"})");
  EXPECT_EQ(call.moment, HookCall::Moment::kBefore);
  EXPECT_EQ(call.session_id, "0b1e-77");
  EXPECT_EQ(call.tool, "Bash");
  EXPECT_EQ(call.input, R"({"command":"ls -l","timeout":12345678901234567890})");
}

TEST(HookCallTest, KnowsWhatComesAfterACallAndWhatIsNone) {
  EXPECT_EQ(Parse(R"({"hook_event_name":"PostToolUse","tool_name":"Bash","tool_input":{}})").moment,
            HookCall::Moment::kAfter);
  EXPECT_EQ(Parse(R"({"hook_event_name":"SessionStart","source":"startup"})").moment,
            HookCall::Moment::kOther);
}

TEST(HookCallTest, RefusesWhatIsNoCall) {
  for (
      const std::string_view text : {
          "",
          "hello",
          "[]",
          "{}",
          R"({"hook_event_name":7})",
          R"({"hook_event_name":"PreToolUse"})",
          R"({"hook_event_name":"PreToolUse","tool_name":"","tool_input":{}})",
          R"({"hook_event_name":"PreToolUse","tool_name":"Ba\nsh","tool_input":{}})",
          R"({"hook_event_name":"PreToolUse","tool_name":"Bash"})",
          R"({"hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{})",
          R"({"hook_event_name":"PreToolUse","hook_event_name":"x","tool_name":"B","tool_input":1})",
          R"({"hook_event_name":"PreToolUse","session_id":"\u0007","tool_name":"B","tool_input":1})",
      }) {
    const HookCall call = ParseHookCall(text);
    EXPECT_NE(call.trouble, "") << text;
    // Nobody can tell that it is no call that is about to be made.
    EXPECT_EQ(call.moment, HookCall::Moment::kBefore) << text;
  }
  const std::string long_name = R"({"hook_event_name":"PreToolUse","tool_input":1,"tool_name":")" +
                                std::string(kHookToolBytesMax + 1, 'x') + "\"}";
  EXPECT_NE(ParseHookCall(long_name).trouble, "");
}

TEST(HookCallTest, KnowsTheMomentOfACallThatIsWrongOtherwise) {
  const HookCall call = ParseHookCall(R"({"hook_event_name":"PostToolUse","tool_name":"Bash"})");
  EXPECT_NE(call.trouble, "");
  EXPECT_EQ(call.moment, HookCall::Moment::kAfter);
  EXPECT_EQ(call.tool, "Bash");
}

TEST(HookCallTest, ReplacesHalvesOfSurrogatePairs) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {R"("a \ud800")", R"("a \ufffd")"},
      {R"("\uDFFF b")", R"("\ufffd b")"},
      {R"("\ud83d\ude00")", R"("\ud83d\ude00")"},
      {R"("\ud83d\ud83d\ude00")", R"("\ufffd\ud83d\ude00")"},
      {R"("\ude00\ud83d")", R"("\ufffd\ufffd")"},
      {R"("\\ud800")", R"("\\ud800")"},
      {R"("\\\ud800")", R"("\\\ufffd")"},
      {R"("\u0041\n")", R"("\u0041\n")"},
      {R"("\ud80)", R"("\ud80)"},
      {R"("\u-001 \)", R"("\u-001 \)"},
  };
  for (const auto& [text, replaced] : cases) {
    EXPECT_EQ(ReplaceLoneSurrogates(text), replaced) << text;
  }
}

TEST(HookCallTest, KeepsTheRestOfACommandWithHalfASurrogatePair) {
  const HookCall call =
      Parse(R"({"hook_event_name":"PreToolUse","cwd":"/\udc00","tool_name":"Bash",)"
            R"("tool_input":{"command":"rm -rf / # \ud800"}})");
  EXPECT_EQ(call.input, R"({"command":"rm -rf / # \ufffd"})");
}

TEST(HookCallTest, LetsRulesAloneAllow) {
  Answer answer{.verdict = Verdict::kAllow, .by = std::string(kPolicyLabel)};
  EXPECT_EQ(DecideHook(answer, false), HookDecision::kAllow);
  answer.by = "policy";
  EXPECT_EQ(DecideHook(answer, false), HookDecision::kNoOpinion);
  answer.verdict = Verdict::kDeny;
  EXPECT_EQ(DecideHook(answer, false), HookDecision::kDeny);
  answer.verdict = Verdict::kAsk;
  EXPECT_EQ(DecideHook(answer, false), HookDecision::kAsk);
  answer.verdict = Verdict::kUndecided;
  EXPECT_EQ(DecideHook(answer, false), HookDecision::kNoOpinion);
}

TEST(HookCallTest, AsksAboutWhatCannotBeLookedAt) {
  const Answer answer{.verdict = Verdict::kAllow, .by = std::string(kPolicyLabel), .error = "huge"};
  EXPECT_EQ(DecideHook(answer, false), HookDecision::kAsk);
  EXPECT_EQ(DecideHook(answer, true), HookDecision::kDeny);
}

TEST(HookCallTest, AnswersInTheHooksOwnFormat) {
  const std::string line = HookAnswer(HookDecision::kDeny, "no \"rm\"\n here");
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const json::value answer = json::parse(line);
  const json::object& specific = answer.at("hookSpecificOutput").as_object();
  EXPECT_EQ(specific.at("hookEventName"), "PreToolUse");
  EXPECT_EQ(specific.at("permissionDecision"), "deny");
  EXPECT_EQ(specific.at("permissionDecisionReason"), "no \"rm\"\n here");
  EXPECT_EQ(specific.size(), 3u);
}

}  // namespace
}  // namespace roost
