// `roost hook`: asks the policy about a tool call of a coding agent, and writes the call down. It runs once for
// each call, so it does two round trips and no more, and never stands in the way when there is no broker.
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>

#include "base/utf8.h"
#include "tools/command.h"
#include "tools/hook_call.h"
#include "tools/json_text.h"

namespace roost {
namespace {

constexpr const char* kExamples =
    "  roost hook < call.json               # as Claude Code calls it\n"
    "  in .claude/settings.json:\n"
    "    {\"hooks\": {\"PreToolUse\": [{\"matcher\": \"*\",\n"
    "       \"hooks\": [{\"type\": \"command\", \"command\": \"roost hook\"}]}]}}\n"
    "  with \"roost hook --fail-closed\" nothing passes while there is no broker\n";

constexpr std::string_view kStream = "audit/tool-calls";
constexpr size_t kLabelIdBytes = 8;

struct Options {
  std::string agent;
  bool fail_closed = false;
  bool record_input = false;
  std::chrono::milliseconds timeout{1000};
};

Result<std::string> ReadInput() {
  std::string text;
  char buffer[64 << 10];
  while (true) {
    const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Status::FromErrno(errno, "read standard input");
    if (got == 0) return text;
    text.append(buffer, static_cast<size_t>(got));
    if (text.size() > kHookInputBytesMax) {
      return Status(StatusCode::kTooLarge,
                    fmt::format("the hook's input has more than {} bytes", kHookInputBytesMax));
    }
  }
}

std::string LabelFor(const Options& options, const HookCall& call) {
  if (!options.agent.empty() || call.session_id.empty()) return options.agent;
  const std::string id = call.session_id.substr(0, kLabelIdBytes);
  return IsPlainUtf8(id) ? "claude-" + id : "claude";
}

// Nobody could be asked: nothing stands in the way, unless that is what the user wants.
ExitStatus WithoutAnswer(Program& program, const Options& options, const Status& why) {
  PrintError(why.message());
  if (options.fail_closed) {
    program.out.Write(HookAnswer(HookDecision::kDeny,
                                 "Roost can't check this call: " + Printable(why.message())));
  }
  return ExitStatus::kFine;
}

NewEvent Record(const Options& options, const HookCall& call, const Answer* answer) {
  NewEvent event{.stream = std::string(kStream),
                 .type = answer != nullptr ? "tool.call" : "tool.done",
                 .correlation_id = call.session_id};
  JsonObject data(&event.data);
  data.Text("tool", call.tool);
  if (answer != nullptr) {
    data.Text("decision", HookDecisionName(DecideHook(*answer)));
    data.Text("verdict", VerdictName(answer->verdict));
    if (!answer->by.empty()) data.Text("by", answer->by);
    if (!answer->reason.empty()) data.Text("reason", answer->reason);
    // A digest of tool and input, the same as in $verdicts.
    if (answer->error.empty()) data.Text("key", KeyText(answer->key));
  }
  data.Number("input_bytes", call.input.size());
  if (options.record_input) data.Raw("input", call.input);
  data.End();
  return event;
}

Result<Answer> Ask(Client& client, const HookCall& call) {
  Answer answer;
  if (call.input.size() > kQuestionInputBytesMax) {
    answer.error = fmt::format("the call's input has {} bytes; rules look at {} at most",
                               call.input.size(), kQuestionInputBytesMax);
    return answer;
  }
  const Question question{"tool." + call.tool, call.input};
  Result<std::vector<Answer>> answers =
      client.Validate(std::span(&question, 1), std::chrono::milliseconds(0), Asking::kOnlyKnown);
  if (answers.ok()) return std::move(answers->front());
  const StatusCode code = answers.status().code();
  if (code != StatusCode::kInvalidArgument && code != StatusCode::kTooLarge) {
    return answers.status();
  }
  answer.error = answers.status().message();
  return answer;
}

ExitStatus Run(Program& program, const Options& options) {
  const Result<std::string> text = ReadInput();
  if (!text.ok()) return WithoutAnswer(program, options, text.status());
  const Result<HookCall> call = ParseHookCall(*text);
  if (!call.ok()) return WithoutAnswer(program, options, call.status());
  if (call->moment == HookCall::Moment::kOther) return ExitStatus::kFine;

  Client client = program.MakeClient(LabelFor(options, *call), options.timeout);
  if (call->moment == HookCall::Moment::kAfter) {
    const Result<AppendResult> recorded = client.Append(Record(options, *call, nullptr));
    if (!recorded.ok()) PrintError(recorded.status().message());
    return ExitStatus::kFine;
  }

  const Result<Answer> asked = Ask(client, *call);
  if (!asked.ok()) return WithoutAnswer(program, options, asked.status());
  const Answer& answer = *asked;
  if (const HookDecision decision = DecideHook(answer); decision != HookDecision::kNoOpinion) {
    program.out.Write(HookAnswer(decision, answer.error.empty() ? answer.reason : answer.error));
  }
  // The answer stands also when it can't be written down, for instance on a full disk.
  const Result<AppendResult> recorded = client.Append(Record(options, *call, &answer));
  if (!recorded.ok()) PrintError("the call was not recorded: " + recorded.status().message());
  return ExitStatus::kFine;
}

}  // namespace

void AddHookCommand(Program& program) {
  auto options = std::make_shared<Options>();
  AddCommand(program, "hook", "Check and record a tool call of a coding agent", kExamples, options,
             Run)
      .Text("--agent", &options->agent, "A",
            "Label of the agent; else $ROOST_AGENT, else claude- and its session's id")
      .Flag("--fail-closed", &options->fail_closed,
            "Deny what can't be checked; else the agent's own permissions decide")
      .Flag("--record-input", &options->record_input,
            "Write down the call's input too, which everybody who reads the log will see")
      .Duration("--timeout", &options->timeout, "How long to wait for the broker at most");
}

}  // namespace roost
