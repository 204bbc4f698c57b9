#include "ipc/process_stat.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>

#include "base/unique_fd.h"

namespace roost {
namespace {

constexpr int kStateField = 3;
constexpr int kStartField = 22;

// The second field, the name, is in parentheses and may hold anything: what follows begins behind the last of them.
std::string_view Field(std::string_view stat, int number) {
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string_view::npos) return {};
  std::string_view rest = stat.substr(name_end + 1);
  for (int field = kStateField; rest.starts_with(' '); ++field) {
    rest.remove_prefix(1);
    const std::string_view value = rest.substr(0, rest.find_first_of(" \n"));
    if (field == number) return value;
    rest.remove_prefix(value.size());
  }
  return {};
}

}  // namespace

std::string ReadProcessStat(std::string_view process) {
  const UniqueFd fd(
      ::open(fmt::format("/proc/{}/stat", process).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  std::array<char, 1024> text;
  const ssize_t size = fd.valid() ? ::read(fd.get(), text.data(), text.size()) : -1;
  return size <= 0 ? std::string() : std::string(text.data(), static_cast<size_t>(size));
}

uint64_t PidNamespace() {
  struct stat info {};
  return ::stat("/proc/self/ns/pid", &info) == 0 ? info.st_ino : 0;
}

uint64_t ProcessStartTicks(std::string_view stat) {
  const std::string_view field = Field(stat, kStartField);
  uint64_t ticks = 0;
  const auto parsed = std::from_chars(field.data(), field.data() + field.size(), ticks);
  return parsed.ec == std::errc() ? ticks : 0;
}

char ProcessStateLetter(std::string_view stat) {
  const std::string_view field = Field(stat, kStateField);
  return field.size() == 1 ? field.front() : '\0';
}

}  // namespace roost
