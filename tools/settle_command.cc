// roost settle: says how taken events are settled, since it can't be done from here.
#include <fmt/core.h>

#include "tools/command.h"
#include "tools/json_text.h"
#include "tools/outcome.h"

namespace roost {
namespace {

constexpr char kExamples[] =
    "  roost settle done 812.0 812.1\n"
    "\n"
    "A token is good only in the session that took the event, and each roost is a session of its "
    "own: so the "
    "answer is\n"
    "that nothing was settled (exit status 3). To work events off from a script: roost take STREAM "
    "GROUP -- "
    "COMMAND,\n"
    "or without a command, which reads the outcomes from its standard input.\n";

struct Options {
  std::string outcome;
  std::vector<std::string> tokens;
  std::string note;
  bool json = false;
};

ExitStatus Run(Program& program, const Options& options) {
  const std::optional<Outcome> outcome = ParseOutcome(options.outcome);
  if (!outcome.has_value()) return FailUsage("settle: the outcome is done, retry or park");
  std::vector<ItemToken> tokens;
  for (const std::string& text : options.tokens) {
    const std::optional<ItemToken> token = ItemToken::Parse(text);
    if (!token.has_value()) return FailUsage(fmt::format("settle: '{}' is no token", text));
    tokens.push_back(*token);
  }
  Client client = program.MakeClient();
  const auto settled = client.Settle(tokens, *outcome, options.note);
  if (!settled.ok()) return Fail(settled.status());
  bool all = true;
  for (size_t i = 0; i < tokens.size(); ++i) {
    all = all && (*settled)[i];
    if (options.json) {
      std::string line;
      JsonObject object(&line);
      object.Text("token", tokens[i].ToString());
      object.Bool("settled", (*settled)[i]);
      object.End();
      program.out.WriteJson(line);
    } else {
      program.out.Write(
          fmt::format("{} {}\n", tokens[i].ToString(), (*settled)[i] ? "settled" : "not settled"));
    }
  }
  if (all) return ExitStatus::kFine;
  PrintError("a token is good only in the session that took the event: use roost take");
  return ExitStatus::kNo;
}

}  // namespace

void AddSettleCommand(Program& program) {
  auto options = std::make_shared<Options>();
  AddCommand(program, "settle", "Ask to settle taken events, and learn how that is done", kExamples,
             options, Run)
      .Text("OUTCOME", &options->outcome, "OUTCOME", "done, retry or park")
      .Texts("TOKEN", &options->tokens, "TOKEN", "Of the events")
      .Require("OUTCOME")
      .Require("TOKEN")
      .Text("--note", &options->note, "TEXT", "Why")
      .Flag("--json", &options->json, "One JSON object a line");
}

}  // namespace roost
