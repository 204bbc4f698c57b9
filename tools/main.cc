// roost: the operator's command line.
#include <csignal>

#include "tools/command.h"

namespace {

constexpr void (*kCommands[])(roost::Program&) = {
    roost::AddAppendCommand, roost::AddReadCommand,   roost::AddDumpCommand,
    roost::AddTailCommand,   roost::AddStatCommand,   roost::AddStreamsCommand,
    roost::AddAgentsCommand, roost::AddVerifyCommand,
};

// CLI11 reports by exceptions; they end here. Returns an exit status, or nothing to go on.
std::optional<roost::ExitStatus> Parse(roost::Program& program, int argc, char** argv) {
  try {
    program.app.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
      program.app.exit(error);  // --help or --version: prints it
      return roost::ExitStatus::kFine;
    }
    return roost::FailUsage(std::string(error.what()) + "; see roost --help");
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that has gone is an EPIPE, which Output knows
  roost::Program program;
  for (const auto add : kCommands) add(program);
  if (const auto status = Parse(program, argc, argv)) return static_cast<int>(*status);

  roost::ExitStatus status = program.run();
  if (const roost::Status flushed = program.out.Close(); !flushed.ok()) {
    if (status == roost::ExitStatus::kFine) status = roost::Fail(flushed);
  }
  return static_cast<int>(status);
}
