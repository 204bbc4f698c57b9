// roost decide: a person answers an open question.
#include <fmt/core.h>

#include "base/utf8.h"
#include "tools/command.h"
#include "tools/json_text.h"
#include "tools/open_question.h"

namespace roost {
namespace {

constexpr char kExamples[] =
    "  roost decide 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 deny \\\n"
    "      --reason 'not on a Friday' --ttl 1h\n"
    "  roost read '$questions' --type question.asked --backward -n 5    # what is asked, with its "
    "key\n"
    "\n"
    "Takes the question from $questions as one of the group 'roost-decide' and decides it. Whose "
    "decisions count "
    "for a\n"
    "kind is the operator's policy to say. Exit status 3: not recorded; why is shown.\n";

struct Options {
  std::string key;
  std::string verdict;
  std::string reason;
  std::chrono::milliseconds ttl{0};
  std::string agent;
  bool json = false;
};

ExitStatus Show(Program& program, const Options& options, const DecideResult& result) {
  if (options.json) {
    std::string line;
    JsonObject object(&line);
    object.Bool("recorded", result.recorded);
    object.Text("verdict", VerdictName(result.verdict));
    if (!result.reason.empty()) object.Text("reason", result.reason);
    object.End();
    program.out.WriteJson(line);
  } else if (result.recorded) {
    program.out.Write(fmt::format("recorded: {}\n", VerdictName(result.verdict)));
  } else {
    program.out.Write(fmt::format("not recorded, {} is in force: {}\n", VerdictName(result.verdict),
                                  Printable(result.reason)));
  }
  return result.recorded ? ExitStatus::kFine : ExitStatus::kNo;
}

ExitStatus Run(Program& program, const Options& options) {
  const std::optional<VerdictKey> key = ParseVerdictKey(options.key);
  if (!key.has_value()) return FailUsage("decide: KEY is 64 hexadecimal digits");
  const std::optional<Verdict> verdict = ParseVerdict(options.verdict);
  if (!verdict.has_value() || *verdict == Verdict::kUndecided) {
    return FailUsage("decide: VERDICT is allow, deny or ask");
  }
  Client client = program.MakeClient(options.agent);
  QuestionDesk desk(&client);
  const Result<ItemToken> token = desk.Take(*key);
  if (!token.ok()) {
    (void)Fail(token.status());
    const StatusCode code = token.status().code();
    const bool is_no = code == StatusCode::kBusy || code == StatusCode::kNotFound;
    return is_no ? ExitStatus::kNo : ExitStatus::kFailed;
  }
  const auto decided = client.Decide({*key, *token, *verdict, options.reason, options.ttl});
  const Status finished = desk.Finish(*token);
  if (!decided.ok()) return Fail(decided.status());
  if (!finished.ok()) PrintError(finished.message());
  return Show(program, options, *decided);
}

}  // namespace

void AddDecideCommand(Program& program) {
  auto options = std::make_shared<Options>();
  AddCommand(program, "decide", "Answer an open question", kExamples, options, Run)
      .Text("KEY", &options->key, "KEY", "Of the question: 64 hexadecimal digits")
      .Text("VERDICT", &options->verdict, "VERDICT", "allow, deny or ask")
      .Require("KEY")
      .Require("VERDICT")
      .Text("--reason", &options->reason, "TEXT", "Why")
      .Duration("--ttl", &options->ttl, "For how long it holds; else for ever")
      .Text("--agent", &options->agent, "A", "Decide under this label")
      .Flag("--json", &options->json, "One JSON object a line");
}

}  // namespace roost
