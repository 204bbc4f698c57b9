// What the subcommands of `roost` share. Each has a file of its own, `<name>_command.cc`, with a function
// that adds it to the program; main.cc is the table of them. CLI11 is known to command.cc alone: its headers
// take five seconds to compile. One thread.
#ifndef ROOST_TOOLS_COMMAND_H_
#define ROOST_TOOLS_COMMAND_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "roost/client.h"
#include "tools/output.h"

namespace CLI {
class App;
}

namespace roost {

// Scripts rely on these.
enum class ExitStatus : int {
  kFine = 0,
  kFailed = 1,
  kUsage = 2,
  kNo = 3,  // an ordinary no: a conflict, a time-out
};

class Program;

// The options of one subcommand. A name with dashes ("-n,--limit") is an option, one without a positional
// argument, in the order in which they are added. `type` stands for the value in the help. What was not given
// leaves *out as it was; numbers and durations show that as their default.
class CommandOptions {
 public:
  CommandOptions(Program* program, CLI::App* command) : program_(program), command_(command) {}

  CommandOptions& Flag(const char* names, bool* out, const char* help);
  CommandOptions& Text(const char* names, std::string* out, const char* type, const char* help);
  // Given several times, one value each; a positional one takes all that follow.
  CommandOptions& Texts(const char* names, std::vector<std::string>* out, const char* type,
                        const char* help);
  CommandOptions& Number(const char* names, uint64_t* out, const char* type, const char* help);
  CommandOptions& Number(const char* names, std::optional<uint64_t>* out, const char* type,
                         const char* help);
  CommandOptions& Numbers(const char* names, std::vector<uint64_t>* out, const char* type,
                          const char* help);
  // 250ms, 10s, 5m, 1h.
  CommandOptions& Duration(const char* names, std::chrono::milliseconds* out, const char* help);
  // All that follows the first `--`, as it is: a command to run.
  CommandOptions& Rest(std::vector<std::string>* out);

  // Of options added before.
  CommandOptions& NotEmpty(const char* name);
  CommandOptions& Require(const char* name);
  CommandOptions& Exclude(const char* name, const char* other);

 private:
  Program* program_;
  CLI::App* command_;
};

// The command line, and what its subcommand is to do once all of it was read.
class Program {
 public:
  Program();
  ~Program();

  CommandOptions AddCommand(const char* name, const char* what, const char* examples,
                            std::function<ExitStatus()> run);
  // nullopt: run() does what was asked for. Else it was said already (help, version) or is wrong.
  std::optional<ExitStatus> Parse(int argc, char** argv);
  ExitStatus Run() { return run_(); }

  // Of a client that says which program it is. `agent` may be empty.
  ClientOptions OptionsFor(const std::string& agent) const;
  Client MakeClient(const std::string& agent = "",
                    std::chrono::milliseconds timeout = ClientOptions().timeout) const;
  // --socket, may be empty.
  const std::string& socket() const { return socket_; }

  Output out;

 private:
  friend class CommandOptions;

  std::unique_ptr<CLI::App> app_;
  std::map<std::string, std::vector<std::string>*> rests_;  // by subcommand
  std::string socket_;
  std::function<ExitStatus()> run_;
};

// Adds a subcommand with `examples` below its help. `run` gets its options when all were read.
template <typename Options>
CommandOptions AddCommand(Program& program, const char* name, const char* what,
                          const char* examples, std::shared_ptr<Options> options,
                          ExitStatus (*run)(Program& program, const Options& options)) {
  return program.AddCommand(name, what, examples,
                            [&program, options, run] { return run(program, *options); });
}

// One line on stderr: "roost: <message>". Never a raw control character.
void PrintError(std::string_view message);
// Says why and gives the exit status for it.
ExitStatus Fail(const Status& status);
// The same for the answer to a request made of what the user wrote: wrong usage where that is wrong.
ExitStatus FailRequest(const Status& status);
// For what the user wrote and can mend.
ExitStatus FailUsage(std::string_view message);

void AddAgentsCommand(Program& program);
void AddAppendCommand(Program& program);
void AddBenchCommand(Program& program);
void AddClaimCommand(Program& program);
void AddClaimsCommand(Program& program);
void AddCompactCommand(Program& program);
void AddDecideCommand(Program& program);
void AddDumpCommand(Program& program);
void AddExportCommand(Program& program);
void AddGroupsCommand(Program& program);
void AddHookCommand(Program& program);
void AddParkedCommand(Program& program);
void AddReadCommand(Program& program);
void AddReleaseCommand(Program& program);
void AddSettleCommand(Program& program);
void AddStatCommand(Program& program);
void AddHealthCommand(Program& program);
void AddStreamsCommand(Program& program);
void AddTailCommand(Program& program);
void AddTakeCommand(Program& program);
void AddTopCommand(Program& program);
void AddTraceCommand(Program& program);
void AddValidateCommand(Program& program);
void AddVerifyCommand(Program& program);

}  // namespace roost

#endif  // ROOST_TOOLS_COMMAND_H_
