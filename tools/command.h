// What the subcommands of `roost` share. Each has a file of its own, `<name>_command.cc`, with a function
// that adds it to the program; main.cc is the table of them. One thread.
#ifndef ROOST_TOOLS_COMMAND_H_
#define ROOST_TOOLS_COMMAND_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/status.h"
#include "roost/client.h"
#include "tools/output.h"

namespace roost {

// Scripts rely on these.
enum class ExitStatus : int {
  kFine = 0,
  kFailed = 1,
  kUsage = 2,
  kNo = 3,  // an ordinary no: a conflict, a time-out
};

// The command line, and what its subcommand is to do once all of it was read.
struct Program {
  Program();

  CLI::App app;
  Output out;
  std::string socket;               // --socket, may be empty
  std::function<ExitStatus()> run;  // of the subcommand that was given

  // A client that says which program it is. `agent` may be empty.
  Client MakeClient(const std::string& agent = "") const;
};

// Adds a subcommand with `examples` below its help. `run` gets its options when all were read.
template <typename Options>
CLI::App* AddCommand(Program& program, const char* name, const char* what, const char* examples,
                     std::shared_ptr<Options> options,
                     ExitStatus (*run)(Program& program, const Options& options)) {
  CLI::App* command = program.app.add_subcommand(name, what);
  command->footer(std::string("Examples:\n") + examples);
  command->fallthrough();  // so that --socket may stand behind the subcommand
  command->callback([&program, options, run] {
    program.run = [&program, options, run] { return run(program, *options); };
  });
  return command;
}

// One line on stderr: "roost: <message>". Never a raw control character.
void PrintError(std::string_view message);
// Says why and gives the exit status for it.
ExitStatus Fail(const Status& status);
// For what the user wrote and can mend.
ExitStatus FailUsage(std::string_view message);

void AddAgentsCommand(Program& program);
void AddAppendCommand(Program& program);
void AddDumpCommand(Program& program);
void AddReadCommand(Program& program);
void AddStatCommand(Program& program);
void AddStreamsCommand(Program& program);
void AddTailCommand(Program& program);
void AddVerifyCommand(Program& program);

}  // namespace roost

#endif  // ROOST_TOOLS_COMMAND_H_
