// roost: the operator's command line.
#include <csignal>

#include "tools/command.h"
#include "tools/dashboard_options.h"

namespace {

constexpr void (*kCommands[])(roost::Program&) = {
    roost::AddAppendCommand, roost::AddReadCommand,    roost::AddDumpCommand,
    roost::AddTailCommand,   roost::AddStatCommand,    roost::AddStreamsCommand,
    roost::AddAgentsCommand, roost::AddClaimCommand,   roost::AddReleaseCommand,
    roost::AddClaimsCommand, roost::AddTakeCommand,    roost::AddSettleCommand,
    roost::AddParkedCommand, roost::AddGroupsCommand,  roost::AddValidateCommand,
    roost::AddDecideCommand, roost::AddTraceCommand,   roost::AddHookCommand,
    roost::AddVerifyCommand, roost::AddCompactCommand, roost::AddHealthCommand,
    roost::AddExportCommand, roost::AddBenchCommand,   roost::AddTopCommand,
    roost::AddDashboardCommand,
};

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that has gone is an EPIPE, which Output knows
  roost::Program program;
  for (const auto add : kCommands) add(program);
  if (const auto status = program.Parse(argc, argv)) return static_cast<int>(*status);

  roost::ExitStatus status = program.Run();
  if (const roost::Status flushed = program.out.Close(); !flushed.ok()) {
    if (status == roost::ExitStatus::kFine) status = roost::Fail(flushed);
  }
  return static_cast<int>(status);
}
