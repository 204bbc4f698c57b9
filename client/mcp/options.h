// The few flags of roost-mcp. Read by hand: an argument parser would be the largest part of this program
// in memory.
#ifndef ROOST_CLIENT_MCP_OPTIONS_H_
#define ROOST_CLIENT_MCP_OPTIONS_H_

#include <string>

#include "base/status.h"

namespace roost {

struct ShimOptions {
  std::string socket;  // never empty once read
  std::string agent;   // empty: after the client's own name
  bool autostart = false;
  bool help = false;
  bool version = false;
};

extern const char* const kShimHelp;

// Flags over environment over defaults. kInvalidArgument: a sentence about which and why.
Result<ShimOptions> ReadShimOptions(int argc, char** argv);

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_OPTIONS_H_
