// The broker's log lines: one line a message on stderr, where systemd or a file picks it up. Never the
// contents of an event. Any thread; a line is one write, so lines do not mix.
#ifndef ROOST_BROKER_LOGGING_H_
#define ROOST_BROKER_LOGGING_H_

#include <fmt/core.h>

#include <string_view>

namespace roost {

enum class LogLevel { kDebug, kInfo, kWarning, kError, kNone };

// Messages below it are dropped; kNone: all. kInfo to begin with.
void SetLogLevel(LogLevel level);
bool IsLogged(LogLevel level);

// Control characters in `message` (a client's label, say) become visible.
void WriteLogLine(LogLevel level, std::string_view message);

template <typename... Values>
void Log(LogLevel level, fmt::format_string<Values...> format, Values&&... values) {
  if (IsLogged(level)) WriteLogLine(level, fmt::format(format, std::forward<Values>(values)...));
}

}  // namespace roost

#endif  // ROOST_BROKER_LOGGING_H_
