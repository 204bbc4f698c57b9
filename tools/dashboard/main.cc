// roost-dashboard: what `roost dashboard` runs. A program of its own, since what it is linked with would make every start of roost
// longer.
#include <fmt/core.h>
#include <sodium.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "tools/command.h"
#include "tools/dashboard/dashboard.h"
#include "tools/dashboard_options.h"
#include "tools/dashboard/token.h"
#include "tools/http_rules.h"

namespace roost {
namespace {

ExitStatus Run(Program& program, const DashboardCommandOptions& options) {
  auto listen = ParseListenAddress(options.listen);
  if (!listen.ok()) return FailUsage(listen.status().message());
  auto token = GivenToken(options.token_file, std::getenv("ROOST_DASHBOARD_TOKEN"));
  if (!token.ok()) return Fail(token.status());
  const bool is_made_up = token->empty() && !listen->loopback();

  DashboardOptions dashboard_options;
  dashboard_options.socket = program.socket();
  dashboard_options.address = listen->address;
  dashboard_options.port = listen->port;
  dashboard_options.names = options.hosts;
  dashboard_options.token_for_all = !token->empty();
  dashboard_options.token = is_made_up ? MakeToken() : *token;
  Dashboard dashboard(dashboard_options);
  if (const Status listening = dashboard.Listen(); !listening.ok()) return Fail(listening);

  listen->port = dashboard.port();
  program.out.Write(fmt::format("dashboard at http://{}/{}\n", listen->text(),
                                is_made_up ? "#token=" + dashboard_options.token : ""));
  program.out.Flush();
  if (!listen->loopback()) {
    PrintError("plain HTTP shows all of it, the token too, to who listens on that network");
  }
  const Status done = dashboard.Run(/*until_signal=*/true);
  return done.ok() ? ExitStatus::kFine : Fail(done);
}

}  // namespace
}  // namespace roost

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  if (::sodium_init() < 0) return static_cast<int>(roost::ExitStatus::kFailed);
  roost::Program program;
  roost::AddDashboardCommand(program, roost::Run);
  // The subcommand is the program: its name need not be said.
  std::string name = "dashboard";
  std::vector<char*> arguments(argv, argv + argc);
  arguments.insert(arguments.begin() + (argc > 0 ? 1 : 0), name.data());
  const int count = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  if (const auto status = program.Parse(count, arguments.data())) return static_cast<int>(*status);
  return static_cast<int>(program.Run());
}
