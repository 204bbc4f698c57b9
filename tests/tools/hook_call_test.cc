#include "tools/hook_call.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace roost {
namespace {

namespace json = boost::json;

HookCall Parse(std::string_view text) {
  const Result<HookCall> call = ParseHookCall(text);
  EXPECT_TRUE(call.ok()) << text << ": " << call.status().message();
  return call.ok() ? *call : HookCall();
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
    EXPECT_EQ(ParseHookCall(text).status().code(), StatusCode::kInvalidArgument) << text;
  }
  const std::string long_name = R"({"hook_event_name":"PreToolUse","tool_input":1,"tool_name":")" +
                                std::string(kHookToolBytesMax + 1, 'x') + "\"}";
  EXPECT_FALSE(ParseHookCall(long_name).ok());
}

TEST(HookCallTest, LetsRulesAloneAllow) {
  Answer answer{.verdict = Verdict::kAllow, .by = std::string(kPolicyLabel)};
  EXPECT_EQ(DecideHook(answer), HookDecision::kAllow);
  answer.by = "policy";
  EXPECT_EQ(DecideHook(answer), HookDecision::kNoOpinion);
  answer.verdict = Verdict::kDeny;
  EXPECT_EQ(DecideHook(answer), HookDecision::kDeny);
  answer.verdict = Verdict::kAsk;
  EXPECT_EQ(DecideHook(answer), HookDecision::kAsk);
  answer.verdict = Verdict::kUndecided;
  EXPECT_EQ(DecideHook(answer), HookDecision::kNoOpinion);
}

TEST(HookCallTest, AsksAboutWhatCannotBeLookedAt) {
  const Answer answer{.verdict = Verdict::kAllow, .by = std::string(kPolicyLabel), .error = "huge"};
  EXPECT_EQ(DecideHook(answer), HookDecision::kAsk);
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
