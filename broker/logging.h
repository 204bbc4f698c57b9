// The broker's log: one line a message on stderr, where systemd or a file picks it up. Never the contents of an
// event. Any thread; a line is one write, so lines do not mix.
//
// Where stderr is the journal of systemd (JOURNAL_STREAM says so) a line begins with its priority as sd-daemon(3) has
// it, otherwise with time, name and level. A place in the code that logs too often is cut short (line_limiter.h), and a
// stderr that takes nothing, say a pipe which nobody reads, loses lines rather than hold the broker up; how many they
// were is said with the next line.
#ifndef ROOST_BROKER_LOGGING_H_
#define ROOST_BROKER_LOGGING_H_

#include <fmt/core.h>

#include <cstddef>
#include <string_view>

namespace roost {

enum class LogLevel { kDebug, kInfo, kWarning, kError, kNone };

// Bytes; the rest of a longer message is left out. A line with each of them escaped goes into a pipe in one piece.
inline constexpr size_t kLogMessageMax = 1000;

// Messages below it are dropped; kNone: all. kInfo to begin with.
void SetLogLevel(LogLevel level);
bool IsLogged(LogLevel level);

// Looks whether stderr is systemd's journal. Once, before there are threads.
void FindLogDestination();
bool LogsToJournal();

// May a line of `place` be written now? If not, it is counted.
bool TakeLogLine(std::string_view place);

// Control characters in `message` (a client's label, say) become visible.
void WriteLogLine(LogLevel level, std::string_view message);

template <typename... Values>
void Log(LogLevel level, fmt::format_string<Values...> format, Values&&... values) {
  if (!IsLogged(level)) return;
  const fmt::string_view place = format;
  if (!TakeLogLine({place.data(), place.size()})) return;
  WriteLogLine(level, fmt::format(format, std::forward<Values>(values)...));
}

}  // namespace roost

#endif  // ROOST_BROKER_LOGGING_H_
