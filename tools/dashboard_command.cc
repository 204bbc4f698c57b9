// roost dashboard: hands over to roost-dashboard, the program beside this one.
#include "tools/dashboard_options.h"
#include "tools/sibling_program.h"

namespace roost {
namespace {

ExitStatus Run(Program& program, const DashboardCommandOptions& options) {
  return BecomeSibling(program, "roost-dashboard", ArgumentsOf(options));
}

}  // namespace

void AddDashboardCommand(Program& program) { AddDashboardCommand(program, Run); }

}  // namespace roost
