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
    kBefore,  // PreToolUse, or nobody can tell: the call may still be denied
    kAfter,   // PostToolUse: it is done
    kOther,   // an event of another kind; nothing to say
  };
  Moment moment = Moment::kBefore;
  std::string trouble =
      {};  // not empty: why this is no call that can be checked; the rest may be empty
  std::string session_id = {};  // may be empty
  std::string tool = {};        // plain UTF-8, 1 to kHookToolBytesMax
  std::string input = {};       // JSON text, as it came; but see ReplaceLoneSurrogates
};
inline constexpr size_t kHookToolBytesMax = 120;  // with "tool." before it a kind

// What is wrong with the text is the call's `trouble`.
HookCall ParseHookCall(std::string_view text);

// JSON text in which each escaped surrogate without its other half (\ud800) is \ufffd instead. Such an escape is
// no character and no JSON that rules can look at, but an agent runs the rest of the command all the same.
std::string ReplaceLoneSurrogates(std::string_view json);

// The decision on a call that is about to be made. Only a rule of the operator's may let it pass without the
// user's own permission; what agents have found out can deny it, or change nothing. What could not be checked
// (the answer has an error) is asked of the user, or denied if `fail_closed`.
enum class HookDecision { kNoOpinion, kAllow, kDeny, kAsk };
HookDecision DecideHook(const Answer& answer, bool fail_closed);

// One line for standard output. REQUIRES: not kNoOpinion, of which nothing is written.
std::string HookAnswer(HookDecision decision, std::string_view reason);

const char* HookDecisionName(HookDecision decision);  // "none", "allow", "deny", "ask"

}  // namespace roost

#endif  // ROOST_TOOLS_HOOK_CALL_H_
