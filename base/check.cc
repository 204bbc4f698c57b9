#include "base/check.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace roost {

void CheckFailed(const char* file, int line, const char* condition, const std::string& detail) {
  const char* slash = std::strrchr(file, '/');
  const std::string message =
      fmt::format("{}:{}: check failed: {}{}{}{}\n", slash != nullptr ? slash + 1 : file, line,
                  condition, detail.empty() ? "" : " (", detail, detail.empty() ? "" : ")");
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, message.data(), message.size());
  std::abort();
}

}  // namespace roost
