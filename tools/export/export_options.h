// The options of `roost export`, which roost and roost-export read alike: roost hands them on, and need not be linked with what
// serves them. One thread.
#ifndef ROOST_TOOLS_EXPORT_EXPORT_OPTIONS_H_
#define ROOST_TOOLS_EXPORT_EXPORT_OPTIONS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ipc/counters_format.h"
#include "tools/command.h"

namespace roost {

struct ExportOptions {
  std::string listen = "127.0.0.1:9464";
  std::vector<std::string> hosts;
  std::string token_file;
  uint64_t sessions = 0;
  std::optional<uint64_t> groups;
  bool once = false;
};

// Adds the subcommand `export`.
void AddExportCommand(Program& program,
                      ExitStatus (*run)(Program& program, const ExportOptions& options));

// The command line that says the same.
std::vector<std::string> ArgumentsOf(const ExportOptions& options);

}  // namespace roost

#endif  // ROOST_TOOLS_EXPORT_EXPORT_OPTIONS_H_
