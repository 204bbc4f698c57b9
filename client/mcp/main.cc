// roost-mcp: the stdio MCP server of one agent.
#include <malloc.h>
#include <unistd.h>

#include <csignal>
#include <string_view>

#include "client/mcp/event_loop.h"
#include "client/mcp/log_session.h"
#include "client/mcp/options.h"

namespace {

void Say(int fd, std::string_view text) {
  // There is nobody to tell if this fails.
  [[maybe_unused]] const ssize_t written = ::write(fd, text.data(), text.size());
}

void PrepareSignals() {
  std::signal(SIGPIPE, SIG_IGN);  // a client that is gone is seen by write()
  // Ends at once, with nothing to clean up, whatever the parent ignored or blocked.
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) std::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// What a large message needed goes back to the system instead of staying for the next one.
void PrepareMemory() {
  ::mallopt(M_MMAP_THRESHOLD, 64 << 10);
  ::mallopt(M_TRIM_THRESHOLD, 64 << 10);
  ::mallopt(M_TOP_PAD, 16 << 10);
}

// Zeroed by the system, page by page as they are used; on the stack all of it would be touched at once.
constinit roost::ShimLatencies latencies;

}  // namespace

int main(int argc, char** argv) {
  PrepareMemory();
  auto options = roost::ReadShimOptions(argc, argv);
  if (!options.ok()) {
    Say(STDERR_FILENO, "roost-mcp: " + options.status().message() + "\n");
    return 2;
  }
  if (options->help || options->version) {
    Say(STDOUT_FILENO, options->help ? roost::kShimHelp : "roost-mcp " ROOST_VERSION "\n");
    return 0;
  }
  PrepareSignals();
  roost::LogSession log(options->socket, options->agent, options->autostart);
  roost::EventLoop loop(STDIN_FILENO, STDOUT_FILENO, &log, &latencies);
  loop.Run();
  return 0;
}
