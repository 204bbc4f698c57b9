// roost validate: asks whether something is allowed.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>

#include "base/clock.h"
#include "tools/answer_text.h"
#include "tools/command.h"
#include "tools/json_text.h"
#include "tools/line_reader.h"

namespace roost {
namespace {

using std::chrono::milliseconds;

constexpr char kExamples[] =
    "  roost validate tool.Bash '{\"command\":\"rm -rf /\"}'\n"
    "  roost validate review.patch - --wait 30s < patch.json && git push\n"
    "\n"
    "Answered by the operator's rules, else by what was decided before. With --wait a question "
    "that neither "
    "answers is\n"
    "put to whoever decides ('roost decide', experts that take from $questions, else the next "
    "agent "
    "that asks the\n"
    "same), and the answer is waited for so long; without, it stays undecided and nobody is asked. "
    "This command\n"
    "itself never decides.\n"
    "Exit status 0: allow. 3: deny, ask or undecided.\n";

constexpr milliseconds kSlice{1000};

struct Options {
  std::string kind;
  std::string input{"-"};
  milliseconds wait{0};
  std::string agent;
  bool json = false;
};

Result<Answer> AskOnce(Client& client, const Question& question, Asking asking) {
  Result<std::vector<Answer>> answers = client.Validate(std::span(&question, 1), {}, asking);
  if (!answers.ok()) return answers.status();
  return std::move(answers->front());
}

Result<Answer> AskKnown(const Program& program, const Options& options, const Question& question) {
  Client client = program.MakeClient(options.agent);
  return AskOnce(client, question, Asking::kOnlyKnown);
}

// This asker does not decide, so it opens the question and looks for another's answer. The events of $verdicts say
// when to look.
Result<Answer> AskAndWait(const Program& program, const Options& options,
                          const Question& question) {
  const uint64_t until_ns = MonotonicNs() + static_cast<uint64_t>(options.wait.count()) * kNsPerMs;
  Client client = program.MakeClient(options.agent);
  Result<LogInfo> info = client.Info();
  if (!info.ok()) return info.status();
  ReadQuery verdicts{.filter = {.stream = "$verdicts"}, .after = info->head};
  Result<Answer> answer = AskOnce(client, question, Asking::kDecide);
  if (answer.ok() && answer->you_decide) {
    // The session that was told to decide ends, so that the next agent that asks is told to.
    client = program.MakeClient(options.agent);
    answer->reason = "nobody has decided it";
  }
  while (answer.ok() && answer->verdict == Verdict::kUndecided && answer->error.empty()) {
    const uint64_t now_ns = MonotonicNs();
    if (now_ns >= until_ns) break;
    const milliseconds left((until_ns - now_ns) / kNsPerMs + 1);
    const Result<Page> page = client.Wait(verdicts, std::min(left, kSlice));
    if (!page.ok()) return page.status();
    verdicts.after = std::max(verdicts.after, page->next());
    answer = AskOnce(client, question, Asking::kOnlyKnown);
  }
  return answer;
}

Result<std::string> InputOf(const Options& options) {
  std::string input = options.input;
  if (input == "-") {
    auto read = ReadAll(STDIN_FILENO, "standard input", kQuestionInputBytesMax);
    if (!read.ok()) return read;
    input = *std::move(read);
  }
  if (const Status status = CheckJson(input); !status.ok()) return status;
  return input;
}

ExitStatus Run(Program& program, const Options& options) {
  const Result<std::string> input = InputOf(options);
  if (!input.ok()) return FailUsage(fmt::format("the input: {}", input.status().message()));
  const Question question{options.kind, *input};
  const Result<Answer> answer = options.wait.count() > 0 ? AskAndWait(program, options, question)
                                                         : AskKnown(program, options, question);
  if (!answer.ok()) return FailRequest(answer.status());
  program.out.Write(fmt::format("{}\n", options.json ? AnswerJson(*answer) : AnswerText(*answer)));
  if (!answer->error.empty()) return ExitStatus::kFailed;
  return answer->verdict == Verdict::kAllow ? ExitStatus::kFine : ExitStatus::kNo;
}

}  // namespace

void AddValidateCommand(Program& program) {
  auto options = std::make_shared<Options>();
  AddCommand(program, "validate", "Ask whether something is allowed", kExamples, options, Run)
      .Text("KIND", &options->kind, "KIND", "What kind of thing, e.g. tool.Bash")
      .Require("KIND")
      .Text("INPUT", &options->input, "JSON", "The thing itself; - or none: standard input")
      .Duration("--wait", &options->wait, "Put it to whoever decides, for so long")
      .Text("--agent", &options->agent, "A", "Ask under this label")
      .Flag("--json", &options->json, "One JSON object a line");
}

}  // namespace roost
