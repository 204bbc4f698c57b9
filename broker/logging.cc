#include "broker/logging.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>

#include "base/clock.h"
#include "base/utf8.h"
#include "broker/line_limiter.h"

namespace roost {
namespace {

std::atomic<LogLevel> least_level{LogLevel::kInfo};
std::atomic<bool> to_journal{false};
std::atomic<uint64_t> lost_lines{0};
LineLimiter limiter;

struct LevelNames {
  const char* name;
  const char* priority;  // sd-daemon(3)
};

LevelNames NamesOf(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return {"debug", "<7>"};
    case LogLevel::kInfo:
      return {"info", "<6>"};
    case LogLevel::kWarning:
      return {"warning", "<4>"};
    case LogLevel::kError:
      return {"error", "<3>"};
    case LogLevel::kNone:  // of no message
      break;
  }
  return {"?", "<6>"};
}

std::string LineOf(LogLevel level, std::string_view message) {
  const LevelNames names = NamesOf(level);
  const bool is_long = message.size() > kLogMessageMax;
  const std::string text = Printable(message.substr(0, kLogMessageMax)) + (is_long ? " ..." : "");
  if (LogsToJournal()) return fmt::format("{}{}\n", names.priority, text);
  return fmt::format("{} roostd {}: {}\n", FormatTime(WallNs()), names.name, text);
}

// False: stderr would have made the broker wait. Of a pipe that is ready there is room for 4096 bytes.
bool WriteNow(const std::string& line) {
  pollfd out{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (::poll(&out, 1, 0) != 1 || (out.revents & POLLOUT) == 0) return false;
  return ::write(STDERR_FILENO, line.data(), line.size()) == static_cast<ssize_t>(line.size());
}

void WriteOrCount(const std::string& line) {
  if (!WriteNow(line)) lost_lines.fetch_add(1, std::memory_order_relaxed);
}

void TellLost() {
  const uint64_t lost = lost_lines.exchange(0, std::memory_order_relaxed);
  if (lost == 0) return;
  if (WriteNow(
          LineOf(LogLevel::kWarning, fmt::format("{} lines were lost: stderr took none", lost)))) {
    return;
  }
  lost_lines.fetch_add(lost, std::memory_order_relaxed);
}

}  // namespace

void SetLogLevel(LogLevel level) { least_level.store(level, std::memory_order_relaxed); }

bool IsLogged(LogLevel level) { return level >= least_level.load(std::memory_order_relaxed); }

void FindLogDestination() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  // The variable alone says nothing: whoever started roostd may have led stderr elsewhere.
  const bool is_journal = stream != nullptr && ::fstat(STDERR_FILENO, &status) == 0 &&
                          fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
  to_journal.store(is_journal, std::memory_order_relaxed);
}

bool LogsToJournal() { return to_journal.load(std::memory_order_relaxed); }

bool TakeLogLine(std::string_view place) {
  const uint64_t now_ns = MonotonicNs();
  while (const auto left_out = limiter.TakeLeftOut(now_ns)) {
    WriteOrCount(LineOf(LogLevel::kWarning, fmt::format("{} more lines like \"{}\" were left out",
                                                        left_out->lines, left_out->place)));
  }
  return limiter.Take(place, now_ns);
}

void WriteLogLine(LogLevel level, std::string_view message) {
  TellLost();
  WriteOrCount(LineOf(level, message));
}

}  // namespace roost
