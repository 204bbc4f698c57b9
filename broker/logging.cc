#include "broker/logging.h"

#include <unistd.h>

#include <atomic>
#include <string>

#include "base/clock.h"
#include "base/utf8.h"

namespace roost {
namespace {

std::atomic<LogLevel> least_level{LogLevel::kInfo};

const char* NameOf(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
    case LogLevel::kNone:  // of no message
      break;
  }
  return "?";
}

}  // namespace

void SetLogLevel(LogLevel level) { least_level.store(level, std::memory_order_relaxed); }

bool IsLogged(LogLevel level) { return level >= least_level.load(std::memory_order_relaxed); }

void WriteLogLine(LogLevel level, std::string_view message) {
  const std::string line =
      fmt::format("{} roostd {}: {}\n", FormatTime(WallNs()), NameOf(level), Printable(message));
  // There is nobody to tell when stderr does not take it.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace roost
