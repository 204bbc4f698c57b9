// The options of `roost dashboard`, which roost and roost-dashboard read alike: roost hands them on, and need not be linked with
// what serves the page. One thread.
#ifndef ROOST_TOOLS_DASHBOARD_OPTIONS_H_
#define ROOST_TOOLS_DASHBOARD_OPTIONS_H_

#include <string>
#include <vector>

#include "tools/command.h"

namespace roost {

struct DashboardCommandOptions {
  std::string listen = "127.0.0.1:8600";
  std::vector<std::string> hosts;
  std::string token_file;
};

// Adds the subcommand `dashboard`.
void AddDashboardCommand(Program& program,
                         ExitStatus (*run)(Program& program,
                                           const DashboardCommandOptions& options));

// The same for roost, which hands over to roost-dashboard (dashboard_command.cc).
void AddDashboardCommand(Program& program);

// The command line that says the same.
std::vector<std::string> ArgumentsOf(const DashboardCommandOptions& options);

}  // namespace roost

#endif  // ROOST_TOOLS_DASHBOARD_OPTIONS_H_
