// What a coding agent writes to `roost hook`. What it takes for a call has a tool that is a name and an input that is
// JSON; what it answers is one line of JSON which says the very reason.
#include <boost/json.hpp>
#include <string>

#include "base/check.h"
#include "base/utf8.h"
#include "client/mcp/json_text.h"
#include "tools/hook_call.h"

namespace roost {
namespace {

constexpr size_t kDepthMax = 1000;

void CheckCall(const HookCall& call) {
  if (call.moment == HookCall::Moment::kOther || !call.trouble.empty()) return;
  ROOST_CHECK(!call.tool.empty() && call.tool.size() <= kHookToolBytesMax);
  ROOST_CHECK(IsPlainUtf8(call.tool));
  // Lone surrogates are what the agent may have sent and JSON has not.
  const std::string mended = ReplaceLoneSurrogates(call.input);
  ROOST_CHECK(CheckJson(mended, kDepthMax) != JsonFault::kSyntax, "{}", call.input);
  ROOST_CHECK(ReplaceLoneSurrogates(mended) == mended);
}

void CheckAnswer(HookDecision decision, std::string_view reason) {
  if (reason.empty()) return;  // then it says none
  const std::string line = HookAnswer(decision, reason);
  ROOST_CHECK(line.find('\n') == line.size() - 1);
  const boost::json::value answer = boost::json::parse(line);
  const auto& output = answer.at("hookSpecificOutput");
  ROOST_CHECK(output.at("permissionDecision").as_string() == HookDecisionName(decision));
  if (IsPlainUtf8(reason)) {
    const boost::json::string& said = output.at("permissionDecisionReason").as_string();
    ROOST_CHECK(std::string_view(said.data(), said.size()).find(reason) != std::string_view::npos);
  }
}

}  // namespace
}  // namespace roost

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace roost;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const HookCall call = ParseHookCall(text);
  CheckCall(call);
  CheckAnswer(HookDecision::kDeny, text);
  CheckAnswer(HookDecision::kAsk, call.trouble);
  return 0;
}
