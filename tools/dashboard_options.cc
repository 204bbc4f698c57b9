#include "tools/dashboard_options.h"

namespace roost {
namespace {

constexpr char kDashboardExamples[] =
    "  roost dashboard                                  # then open http://127.0.0.1:8600/\n"
    "  ssh -L 8600:127.0.0.1:8600 HOST roost dashboard  # of another host\n"
    "  roost dashboard --listen 0.0.0.0:8600 --token-file /etc/roost/dashboard.token\n"
    "\n"
    "It only reads: nothing can be changed through it. Over the loopback interface the user who\n"
    "started it, and root, need no token; everybody else does: of --token-file, else of\n"
    "$ROOST_DASHBOARD_TOKEN, else, where it listens to a network, one that is made up and printed.\n"
    "Plain HTTP shows it to who listens there: prefer ssh -L, or a proxy with TLS and --host.\n";

}  // namespace

void AddDashboardCommand(Program& program,
                         ExitStatus (*run)(Program& program,
                                           const DashboardCommandOptions& options)) {
  auto options = std::make_shared<DashboardCommandOptions>();
  AddCommand(program, "dashboard", "Show the log and the broker in a browser", kDashboardExamples,
             options, run)
      .Text("--listen", &options->listen, "ADDRESS:PORT",
            "Where to listen, else 127.0.0.1:8600; port 0 is any that is free")
      .Texts("--host", &options->hosts, "NAME",
             "A name, besides its address, under which it may be opened")
      .Text("--token-file", &options->token_file, "FILE",
            "Ask everybody for the token in the first line of this file");
}

std::vector<std::string> ArgumentsOf(const DashboardCommandOptions& options) {
  std::vector<std::string> arguments = {"--listen", options.listen};
  for (const std::string& host : options.hosts) {
    arguments.insert(arguments.end(), {"--host", host});
  }
  if (!options.token_file.empty()) {
    arguments.insert(arguments.end(), {"--token-file", options.token_file});
  }
  return arguments;
}

}  // namespace roost
