// roost release: says how a claim is released, since it can't be done from here.
#include <fmt/core.h>

#include "tools/command.h"
#include "tools/json_text.h"

namespace roost {
namespace {

constexpr char kExamples[] =
    "  roost release 812\n"
    "  roost claims                 # who holds what, since when\n"
    "\n"
    "A token is good only in the session that got it, and each roost is a session of its own: so "
    "the answer is "
    "that\n"
    "nothing was released (exit status 3). A claim ends with the process that holds it, or when "
    "its time is over\n"
    "and nobody renews it. To hold one from a script: roost claim KEY -- COMMAND.\n";

struct Options {
  std::optional<uint64_t> token;
  std::string note;
  bool json = false;
};

ExitStatus Run(Program& program, const Options& options) {
  Client client = program.MakeClient();
  const auto released = client.Release(*options.token, options.note);
  if (!released.ok()) return Fail(released.status());
  const std::string advice =
      "a token is good only in the session that got it: end the process that holds the claim, or "
      "wait until its time is over; roost claims shows both";
  if (options.json) {
    std::string line;
    JsonObject object(&line);
    object.Bool("released", *released);
    if (!*released) object.Text("advice", advice);
    object.End();
    program.out.WriteJson(line);
  } else {
    program.out.Write(*released ? "released\n" : fmt::format("not released: {}\n", advice));
  }
  return *released ? ExitStatus::kFine : ExitStatus::kNo;
}

}  // namespace

void AddReleaseCommand(Program& program) {
  auto options = std::make_shared<Options>();
  AddCommand(program, "release", "Ask to release a claim, and learn how that is done", kExamples,
             options, Run)
      .Number("TOKEN", &options->token, "TOKEN", "Of the claim")
      .Require("TOKEN")
      .Text("--note", &options->note, "TEXT", "Why")
      .Flag("--json", &options->json, "One JSON object a line");
}

}  // namespace roost
