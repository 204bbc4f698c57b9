#include "client/mcp/options.h"

#include <fmt/core.h>

#include <cstdlib>
#include <string_view>

#include "base/utf8.h"
#include "ipc/socket_path.h"
#include "log/ring_format.h"

namespace roost {

const char* const kShimHelp =
    "usage: roost-mcp [--socket PATH] [--agent NAME] [--autostart]\n"
    "\n"
    "The MCP server of one agent, over stdin and stdout: the agent appends to, reads and waits "
    "for\n"
    "the event log that all agents of this host share. MCP clients start it, one for each agent.\n"
    "\n"
    "  --socket PATH   where the broker listens (else $ROOST_SOCKET, else /run/roost/roost.sock "
    "if\n"
    "                  /run/roost exists or we are root, else /tmp/roost-UID/roost.sock)\n"
    "  --agent NAME    label of what this agent appends (else $ROOST_AGENT, else the client's own\n"
    "                  name, '-', pid)\n"
    "  --autostart     start roostd if none is there (never where the operator made /run/roost)\n"
    "  --help, --version\n"
    "\n"
    "examples:\n"
    "  {\"mcpServers\": {\"roost\": {\"command\": \"/usr/bin/roost-mcp\"}}}\n"
    "  {\"mcpServers\": {\"roost\": {\"command\": \"/usr/bin/roost-mcp\",\n"
    "                            \"args\": [\"--agent\", \"planner\", \"--autostart\"]}}}\n";

namespace {

// Takes the value of `flag` if argv[*at] is it: `--flag VALUE` or `--flag=VALUE`.
bool TakeValue(std::string_view flag, int argc, char** argv, int* at, std::string* value,
               Status* trouble) {
  std::string_view argument = argv[*at];
  if (!argument.starts_with(flag)) return false;
  argument.remove_prefix(flag.size());
  if (argument.starts_with('=')) {
    *value = argument.substr(1);
  } else if (!argument.empty()) {
    return false;
  } else if (*at + 1 < argc) {
    *value = argv[++*at];
  }
  if (value->empty()) {
    *trouble = {StatusCode::kInvalidArgument, fmt::format("{} needs a value", flag)};
  }
  return true;
}

Status ReadFlags(int argc, char** argv, ShimOptions* options) {
  for (int at = 1; at < argc; ++at) {
    const std::string_view argument = argv[at];
    Status trouble;
    if (argument == "--help" || argument == "-h") {
      options->help = true;
    } else if (argument == "--version") {
      options->version = true;
    } else if (argument == "--autostart") {
      options->autostart = true;
    } else if (!TakeValue("--socket", argc, argv, &at, &options->socket, &trouble) &&
               !TakeValue("--agent", argc, argv, &at, &options->agent, &trouble)) {
      return {StatusCode::kInvalidArgument,
              fmt::format("unknown argument '{}'; see --help", Printable(argument))};
    }
    ROOST_RETURN_IF_ERROR(trouble);
  }
  return {};
}

}  // namespace

Result<ShimOptions> ReadShimOptions(int argc, char** argv) {
  ShimOptions options;
  ROOST_RETURN_IF_ERROR(ReadFlags(argc, argv, &options));
  if (options.help || options.version) return options;
  if (options.agent.empty()) {
    if (const char* agent = std::getenv("ROOST_AGENT"); agent != nullptr) options.agent = agent;
  }
  if (options.agent.size() > kAgentBytesMax || !IsPlainUtf8(options.agent)) {
    return {StatusCode::kInvalidArgument,
            fmt::format("the agent's name '{}' must be at most {} bytes of text without control "
                        "characters",
                        Printable(options.agent), kAgentBytesMax)};
  }
  auto socket = ChooseSocketPath(options.socket);
  if (!socket.ok()) return socket.status();
  options.socket = *std::move(socket);
  return options;
}

}  // namespace roost
