// Checks for what must be true unless Roost itself is wrong. They are in every build and end the
// process with file, line, the condition and the values behind it. Not for what other processes,
// files or users can cause: that is a Status.
#ifndef ROOST_BASE_CHECK_H_
#define ROOST_BASE_CHECK_H_

#include <fmt/core.h>

#include <string>

namespace roost {

// Writes one line to stderr and aborts.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition,
                              const std::string& detail);

}  // namespace roost

// ROOST_CHECK(condition) or ROOST_CHECK(condition, "format {}", values...).
#define ROOST_CHECK(condition, ...)                                                     \
  do {                                                                                  \
    if (!(condition)) [[unlikely]] {                                                    \
      ::roost::CheckFailed(__FILE__, __LINE__, #condition, ::fmt::format("" __VA_ARGS__)); \
    }                                                                                   \
  } while (false)

#endif  // ROOST_BASE_CHECK_H_
