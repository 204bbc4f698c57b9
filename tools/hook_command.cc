// `roost hook`: asks the policy about a tool call of a coding agent, and writes the call down. It runs once for
// each call, so it does two round trips and no more. What it can't check is for the user to decide; only where no
// broker listens it never stands in the way.
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>

#include "base/unix_socket.h"
#include "base/utf8.h"
#include "ipc/socket_path.h"
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
    "\n"
    "What it can't check is asked of the user; --fail-closed denies. Only where no broker listens "
    "it has\n"
    "no opinion, unless --fail-closed.\n"
    "Each call is written to the stream audit/tool-calls as tool.call (with PostToolUse also "
    "tool.done), by\n"
    "the agent claude-<first 8 of the session's id>. Any agent may append there too.\n";

constexpr std::string_view kStream = "audit/tool-calls";
constexpr size_t kLabelIdBytes = 8;
constexpr size_t kRecordedInputBytesMax = 512 << 10;  // an event may have twice as much
constexpr const char* kCannotCheck = "Roost can't check this call: ";

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
    if (got == 0) break;
    // The rest of what is too much is read all the same: who writes it is not to meet a closed pipe.
    if (text.size() <= kHookInputBytesMax) text.append(buffer, static_cast<size_t>(got));
  }
  if (text.size() <= kHookInputBytesMax) return text;
  return Status(StatusCode::kTooLarge,
                fmt::format("the hook's input has more than {} bytes", kHookInputBytesMax));
}

std::string LabelFor(const Options& options, const HookCall& call) {
  if (!options.agent.empty() || call.session_id.empty()) return options.agent;
  const std::string id = call.session_id.substr(0, kLabelIdBytes);
  return IsPlainUtf8(id) ? "claude-" + id : "claude";
}

// Whether there is no broker that could have answered: only then a call goes its way unchecked. That one is
// too busy or keeps others out says nothing about the call.
Status LookForBroker(const std::string& given) {
  const Result<std::string> socket = ChooseSocketPath(given);
  if (!socket.ok()) return socket.status();
  const Status status = ConnectSeqpacket(*socket).status();
  switch (status.code()) {
    case StatusCode::kNotFound:
    case StatusCode::kUnavailable:
      return {StatusCode::kUnavailable, NoBrokerMessage(*socket)};
    case StatusCode::kPermissionDenied:
      return {StatusCode::kPermissionDenied,
              fmt::format("this user is not in the group of the socket {} ({})", *socket,
                          status.message())};
    default:
      return status;
  }
}

ExitStatus WithoutBroker(Program& program, const Options& options, const Status& why) {
  PrintError(why.message());
  if (options.fail_closed) {
    program.out.Write(HookAnswer(HookDecision::kDeny, kCannotCheck + Printable(why.message())));
  }
  return ExitStatus::kFine;
}

// `answer`: nullptr after the call.
NewEvent Record(const Options& options, const HookCall& call, const Answer* answer) {
  NewEvent event{.stream = std::string(kStream),
                 .type = answer != nullptr ? "tool.call" : "tool.done",
                 .correlation_id = call.session_id};
  JsonObject data(&event.data);
  if (!call.tool.empty()) data.Text("tool", call.tool);
  if (answer != nullptr) {
    data.Text("decision", HookDecisionName(DecideHook(*answer, options.fail_closed)));
    if (answer->error.empty()) {
      data.Text("verdict", VerdictName(answer->verdict));
      // A digest of tool and input, the same as in $verdicts.
      data.Text("key", KeyText(answer->key));
    } else {
      data.Text("error", answer->error);
    }
    if (!answer->by.empty()) data.Text("by", answer->by);
    if (!answer->reason.empty()) data.Text("reason", answer->reason);
  }
  if (!call.input.empty()) {
    data.Number("input_bytes", call.input.size());
    const bool is_small = call.input.size() <= kRecordedInputBytesMax;
    if (options.record_input && is_small) data.Raw("input", call.input);
    if (options.record_input && !is_small) data.Bool("input_omitted", true);
  }
  data.End();
  return event;
}

// What went wrong is the answer's error.
Answer Ask(Client& client, const HookCall& call) {
  Answer answer;
  if (!call.trouble.empty()) {
    answer.error = call.trouble;
    return answer;
  }
  if (call.input.size() > kQuestionInputBytesMax) {
    answer.error = fmt::format("the call's input has {} bytes; rules look at {} at most",
                               call.input.size(), kQuestionInputBytesMax);
    return answer;
  }
  const Question question{"tool." + call.tool, call.input};
  Result<std::vector<Answer>> answers =
      client.Validate(std::span(&question, 1), std::chrono::milliseconds(0), Asking::kOnlyKnown);
  if (answers.ok()) return std::move(answers->front());
  answer.error = answers.status().message();
  return answer;
}

HookCall ReadCall() {
  const Result<std::string> text = ReadInput();
  if (text.ok()) return ParseHookCall(*text);
  return {.trouble = text.status().message()};
}

ExitStatus RunBefore(Program& program, const Options& options, const HookCall& call) {
  Client client = program.MakeClient(LabelFor(options, call), options.timeout);
  Answer answer = Ask(client, call);
  if (!answer.error.empty()) {
    const Status broker = LookForBroker(program.socket());
    if (broker.code() == StatusCode::kUnavailable) return WithoutBroker(program, options, broker);
    if (broker.code() == StatusCode::kPermissionDenied) answer.error = broker.message();
    PrintError(answer.error);
  }
  const HookDecision decision = DecideHook(answer, options.fail_closed);
  if (decision != HookDecision::kNoOpinion) {
    program.out.Write(HookAnswer(
        decision, answer.error.empty() ? answer.reason : kCannotCheck + Printable(answer.error)));
  }
  // The answer stands also when it can't be written down, for instance on a full disk.
  const Result<AppendResult> recorded = client.Append(Record(options, call, &answer));
  if (!recorded.ok()) PrintError("the call was not recorded: " + recorded.status().message());
  return ExitStatus::kFine;
}

ExitStatus Run(Program& program, const Options& options) {
  const HookCall call = ReadCall();
  switch (call.moment) {
    case HookCall::Moment::kBefore:
      return RunBefore(program, options, call);
    case HookCall::Moment::kAfter:
      break;
    case HookCall::Moment::kOther:
      return ExitStatus::kFine;
  }
  if (!call.trouble.empty()) PrintError(call.trouble);
  Client client = program.MakeClient(LabelFor(options, call), options.timeout);
  const Result<AppendResult> recorded = client.Append(Record(options, call, nullptr));
  if (!recorded.ok()) PrintError(recorded.status().message());
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
            "Deny what can't be checked, also where no broker listens; else the user is asked")
      .Flag("--record-input", &options->record_input,
            "Write down the call's input too, which everybody who reads the log will see")
      .Duration("--timeout", &options->timeout, "How long to wait for the broker at most");
}

}  // namespace roost
