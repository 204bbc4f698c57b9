#include "tools/command.h"

#include <fmt/core.h>
#include <unistd.h>

#include "base/utf8.h"

namespace roost {

Program::Program()
    : app("Looks into a Roost event log and appends to it.", "roost"), out(STDOUT_FILENO) {
  app.set_version_flag("--version", "roost " ROOST_VERSION);
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.require_subcommand(1);
  app.add_option(
         "--socket", socket,
         "The broker's socket; else $ROOST_SOCKET, else /run/roost/roost.sock where /run/roost "
         "exists or for root, else /tmp/roost-<uid>/roost.sock")
      ->type_name("PATH");
  app.footer(
      "Exit status: 0 fine, 1 failed, 2 wrong usage, 3 an ordinary no (a conflict, a time-out).\n"
      "'roost COMMAND --help' has examples for each.\n\n"
      "Examples:\n"
      "  roost append tasks/1 task.created '{\"title\":\"count the eggs\"}' --expect 0\n"
      "  roost tail                          # follow the whole log\n"
      "  roost dump --data /var/lib/roost    # no broker needed\n");
}

Client Program::MakeClient(const std::string& agent) const {
  return Client({.socket = socket, .agent = agent, .program = "roost " ROOST_VERSION});
}

void PrintError(std::string_view message) { fmt::print(stderr, "roost: {}\n", Printable(message)); }

ExitStatus Fail(const Status& status) {
  PrintError(status.message());
  return status.code() == StatusCode::kTimedOut ? ExitStatus::kNo : ExitStatus::kFailed;
}

ExitStatus FailUsage(std::string_view message) {
  PrintError(message);
  return ExitStatus::kUsage;
}

}  // namespace roost
