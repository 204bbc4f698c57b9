#include "tools/hook_call.h"

#include <fmt/core.h>

#include "base/utf8.h"
#include "tools/json_text.h"

namespace roost {
namespace {

constexpr size_t kSessionIdBytesMax = 255;  // of a correlation id

Status Wrong(std::string_view what) {
  return {StatusCode::kInvalidArgument, fmt::format("the hook's input {}", what)};
}

// Leaves *out empty if there is no such member.
Status TakeText(const std::vector<JsonMember>& members, std::string_view name, std::string* out) {
  for (const JsonMember& member : members) {
    if (member.name != name) continue;
    Result<std::string> text = ParseJsonString(member.value);
    if (!text.ok()) return Wrong(fmt::format("has a {} that is no string", name));
    *out = *std::move(text);
  }
  return {};
}

}  // namespace

Result<HookCall> ParseHookCall(std::string_view text) {
  if (const Status json = CheckJson(text); !json.ok()) {
    return Wrong("is not JSON: " + json.message());
  }
  const Result<std::vector<JsonMember>> members = SplitObject(text);
  if (!members.ok()) return Wrong("is no JSON object");

  HookCall call;
  std::string event;
  ROOST_RETURN_IF_ERROR(TakeText(*members, "hook_event_name", &event));
  if (event.empty()) return Wrong("has no hook_event_name");
  if (event == "PreToolUse") call.moment = HookCall::Moment::kBefore;
  if (event == "PostToolUse") call.moment = HookCall::Moment::kAfter;
  if (call.moment == HookCall::Moment::kOther) return call;

  ROOST_RETURN_IF_ERROR(TakeText(*members, "session_id", &call.session_id));
  if (call.session_id.size() > kSessionIdBytesMax || !IsPlainUtf8(call.session_id)) {
    return Wrong("has a session_id that is no plain text of at most 255 bytes");
  }
  ROOST_RETURN_IF_ERROR(TakeText(*members, "tool_name", &call.tool));
  if (call.tool.empty() || call.tool.size() > kHookToolBytesMax || !IsPlainUtf8(call.tool)) {
    return Wrong(fmt::format("has no tool_name of 1 to {} bytes of plain text", kHookToolBytesMax));
  }
  for (const JsonMember& member : *members) {
    if (member.name == "tool_input") call.input = TrimJson(member.value);
  }
  if (call.input.empty()) return Wrong("has no tool_input");
  return call;
}

HookDecision DecideHook(const Answer& answer) {
  // What can't be looked at must not pass for harmless.
  if (!answer.error.empty()) return HookDecision::kAsk;
  switch (answer.verdict) {
    case Verdict::kAllow:
      return answer.by == kPolicyLabel ? HookDecision::kAllow : HookDecision::kNoOpinion;
    case Verdict::kDeny:
      return HookDecision::kDeny;
    case Verdict::kAsk:
      return HookDecision::kAsk;
    case Verdict::kUndecided:
      break;
  }
  return HookDecision::kNoOpinion;
}

const char* HookDecisionName(HookDecision decision) {
  switch (decision) {
    case HookDecision::kAllow:
      return "allow";
    case HookDecision::kDeny:
      return "deny";
    case HookDecision::kAsk:
      return "ask";
    case HookDecision::kNoOpinion:
      break;
  }
  return "none";
}

std::string HookAnswer(HookDecision decision, std::string_view reason) {
  std::string inner;
  JsonObject specific(&inner);
  specific.Text("hookEventName", "PreToolUse");
  specific.Text("permissionDecision", HookDecisionName(decision));
  if (!reason.empty()) specific.Text("permissionDecisionReason", reason);
  specific.End();
  std::string line;
  JsonObject answer(&line);
  answer.Raw("hookSpecificOutput", inner);
  answer.End();
  return line + '\n';
}

}  // namespace roost
