// What an operator can say to roostd: command line over configuration file over defaults.
#ifndef ROOST_BROKER_OPTIONS_H_
#define ROOST_BROKER_OPTIONS_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "broker/sla/objective.h"
#include "log/durability.h"
#include "log/log_writer.h"

namespace roost {

// What the monitor judges; the table [sla] of the configuration file alone.
struct SlaOptions {
  std::optional<std::vector<ObjectiveSpec>> objectives;  // else DefaultObjectives
  bool shifts = true;                                    // learn baselines, and tell of shifts
};

struct BrokerOptions {
  std::string socket;
  std::optional<mode_t> socket_mode;  // else 0660 in /run/roost, 0600 elsewhere
  LogOptions log;
  uint64_t spin_ns = 100'000;  // how long the sequencer looks on before it sleeps
  uint64_t sync_interval_ns = 200'000'000;
  uint32_t sessions_max = 8192;
  uint64_t idle_after_ns = 60'000'000'000;  // without a request; no option, for tests
  uint32_t max_tries = 5;  // how often a group hands an event out before it parks it
  std::string policy;      // file; empty: none
  SlaOptions sla;
  int ready_fd = -1;       // gets "ready\n" and is closed
  bool unconfined = false;  // keeps files, system calls and capabilities that it does not need
  bool verbose = false;    // debug lines on stderr
};

// What to do with a command line: serve, or only say something and end.
struct CommandLine {
  BrokerOptions options;
  std::string text;  // --help, --version: for stdout
  bool only_text = false;
  std::string check_policy;  // only check this file
};

// kInvalidArgument: a message of one line for whoever typed it (or wrote the configuration file), with
// the file's name and line. Chooses the socket and the data directory where nothing names them.
Result<CommandLine> ParseCommandLine(int argc, const char* const* argv);

}  // namespace roost

#endif  // ROOST_BROKER_OPTIONS_H_
