#include "tools/hook_call.h"

#include <fmt/core.h>

#include <charconv>
#include <optional>
#include <utility>

#include "base/utf8.h"
#include "tools/json_text.h"

namespace roost {
namespace {

constexpr size_t kSessionIdBytesMax = 255;  // of a correlation id

Status WrongCall(std::string_view what) {
  return {StatusCode::kInvalidArgument, fmt::format("the hook's input {}", what)};
}

// Leaves *out empty if there is no such member.
Status TakeText(const std::vector<JsonMember>& members, std::string_view name, std::string* out) {
  for (const JsonMember& member : members) {
    if (member.name != name) continue;
    Result<std::string> text = ParseJsonString(member.value);
    if (!text.ok()) return WrongCall(fmt::format("has a {} that is no string", name));
    *out = *std::move(text);
  }
  return {};
}

HookCall::Moment MomentOf(std::string_view event) {
  if (event == "PreToolUse") return HookCall::Moment::kBefore;
  if (event == "PostToolUse") return HookCall::Moment::kAfter;
  return HookCall::Moment::kOther;
}

// Fills *call as far as the text goes.
Status Parse(std::string_view text, HookCall* call) {
  if (const Status json = CheckJson(text); !json.ok()) {
    return WrongCall("is not JSON: " + json.message());
  }
  const Result<std::vector<JsonMember>> members = SplitObject(text);
  if (!members.ok()) return WrongCall("is no JSON object: " + members.status().message());

  std::string event;
  ROOST_RETURN_IF_ERROR(TakeText(*members, "hook_event_name", &event));
  if (event.empty()) return WrongCall("has no hook_event_name");
  call->moment = MomentOf(event);
  if (call->moment == HookCall::Moment::kOther) return {};

  std::string session_id;
  ROOST_RETURN_IF_ERROR(TakeText(*members, "session_id", &session_id));
  if (session_id.size() > kSessionIdBytesMax || !IsPlainUtf8(session_id)) {
    return WrongCall("has a session_id that is no plain text of at most 255 bytes");
  }
  call->session_id = std::move(session_id);
  std::string tool;
  ROOST_RETURN_IF_ERROR(TakeText(*members, "tool_name", &tool));
  if (tool.empty() || tool.size() > kHookToolBytesMax || !IsPlainUtf8(tool)) {
    return WrongCall(
        fmt::format("has no tool_name of 1 to {} bytes of plain text", kHookToolBytesMax));
  }
  call->tool = std::move(tool);
  for (const JsonMember& member : *members) {
    if (member.name == "tool_input") call->input = TrimJson(member.value);
  }
  if (call->input.empty()) return WrongCall("has no tool_input");
  return {};
}

constexpr size_t kEscapeBytes = 6;  // \uXXXX

// The code unit of the escape at `at`; nullopt: there is none.
std::optional<uint32_t> CodeUnitAt(std::string_view json, size_t at) {
  if (at + kEscapeBytes > json.size() || json[at] != '\\' || json[at + 1] != 'u')
    return std::nullopt;
  const char* const begin = json.data() + at + 2;
  const char* const end = begin + 4;
  uint32_t unit = 0;
  const auto [stop, error] = std::from_chars(begin, end, unit, 16);
  if (error != std::errc() || stop != end) return std::nullopt;
  return unit;
}

bool IsHighSurrogate(uint32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool IsLowSurrogate(uint32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

}  // namespace

HookCall ParseHookCall(std::string_view text) {
  HookCall call;
  if (const Status status = Parse(ReplaceLoneSurrogates(text), &call); !status.ok()) {
    call.trouble = status.message();
  }
  return call;
}

std::string ReplaceLoneSurrogates(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (size_t at = 0; at < json.size();) {
    size_t size = 1;
    bool is_lone = false;
    if (const std::optional<uint32_t> unit = CodeUnitAt(json, at)) {
      size = kEscapeBytes;
      if (IsHighSurrogate(*unit)) {
        const bool has_low = IsLowSurrogate(CodeUnitAt(json, at + size).value_or(0));
        if (has_low) size += kEscapeBytes;
        is_lone = !has_low;
      } else {
        is_lone = IsLowSurrogate(*unit);
      }
    } else if (json[at] == '\\' && at + 1 < json.size()) {
      size = 2;  // what comes after an escaped backslash begins no escape
    }
    out += is_lone ? std::string_view("\\ufffd") : json.substr(at, size);
    at += size;
  }
  return out;
}

HookDecision DecideHook(const Answer& answer, bool fail_closed) {
  // What can't be looked at must not pass for harmless.
  if (!answer.error.empty()) return fail_closed ? HookDecision::kDeny : HookDecision::kAsk;
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
