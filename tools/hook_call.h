// What a coding agent tells its hook about one tool call, and how the hook answers: the JSON that Claude Code
// writes to a hook's standard input and reads from its standard output. Pure functions, any thread.
#ifndef ROOST_TOOLS_HOOK_CALL_H_
#define ROOST_TOOLS_HOOK_CALL_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "base/status.h"
#include "roost/coordination.h"

namespace roost {

inline constexpr size_t kHookInputBytesMax = 8 << 20;  // files that are written come along whole

struct HookCall {
  enum class Moment {
    kBefore,  // PreToolUse: the call may still be denied
    kAfter,   // PostToolUse: it is done
    kOther,   // an event of another kind; nothing to say
  };
  Moment moment = Moment::kOther;
  std::string session_id = {};  // may be empty
  std::string tool = {};        // plain UTF-8, 1 to kHookToolBytesMax
  std::string input = {};       // JSON text, as it came
};
inline constexpr size_t kHookToolBytesMax = 120;  // with "tool." before it a kind

// kInvalidArgument: the text is no such JSON; the message says what is wrong with it.
Result<HookCall> ParseHookCall(std::string_view text);

// The decision on a call that is about to be made. Only a rule of the operator's may let it pass without the
// user's own permission; what agents have found out can deny it, or change nothing.
enum class HookDecision { kNoOpinion, kAllow, kDeny, kAsk };
HookDecision DecideHook(const Answer& answer);

// One line for standard output. REQUIRES: not kNoOpinion, of which nothing is written.
std::string HookAnswer(HookDecision decision, std::string_view reason);

const char* HookDecisionName(HookDecision decision);  // "none", "allow", "deny", "ask"

}  // namespace roost

#endif  // ROOST_TOOLS_HOOK_CALL_H_
