#include "tools/monitor/process_use.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string>

#include "base/clock.h"
#include "base/unique_fd.h"

namespace roost {
namespace {

// A file of /proc/PID, as far as 4 KiB of it.
std::string ReadOf(uint32_t pid, const char* name) {
  const UniqueFd fd(::open(fmt::format("/proc/{}/{}", pid, name).c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 4096> text;
  const ssize_t size = fd.valid() ? ::read(fd.get(), text.data(), text.size()) : -1;
  return size <= 0 ? std::string() : std::string(text.data(), static_cast<size_t>(size));
}

std::optional<uint64_t> NumberAt(std::string_view text, size_t at) {
  while (at < text.size() && text[at] == ' ') ++at;
  if (at >= text.size()) return std::nullopt;
  uint64_t number = 0;
  const auto parsed = std::from_chars(text.data() + at, text.data() + text.size(), number);
  if (parsed.ec != std::errc()) return std::nullopt;
  return number;
}

// "Pss:                 120 kB", at the beginning of a line.
std::optional<uint64_t> BytesOf(std::string_view text, std::string_view name) {
  for (size_t at = 0; at < text.size();) {
    const std::string_view line = text.substr(at, text.find('\n', at) - at);
    if (line.starts_with(name) && line.substr(name.size()).starts_with(':')) {
      const auto kib = NumberAt(line, name.size() + 1);
      if (!kib || *kib > UINT64_MAX / 1024) return std::nullopt;
      return *kib * 1024;
    }
    at += line.size() + 1;
  }
  return std::nullopt;
}

}  // namespace

std::optional<uint64_t> ProcessCpuNs(uint32_t pid) {
  clockid_t clock{};
  timespec time{};
  if (pid == 0 || ::clock_getcpuclockid(static_cast<pid_t>(pid), &clock) != 0) return std::nullopt;
  if (::clock_gettime(clock, &time) != 0) return std::nullopt;
  return static_cast<uint64_t>(time.tv_sec) * kNsPerSecond + static_cast<uint64_t>(time.tv_nsec);
}

std::optional<uint64_t> ProcessResidentBytes(uint32_t pid) {
  const std::string text = ReadOf(pid, "statm");
  const size_t space = text.find(' ');
  if (space == std::string::npos) return std::nullopt;
  const auto pages = NumberAt(text, space);
  if (!pages) return std::nullopt;
  return *pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::optional<ProcessMemory> ProcessMemoryOf(uint32_t pid) {
  if (auto memory = ParseSmapsRollup(ReadOf(pid, "smaps_rollup"))) return memory;
  const auto resident = ProcessResidentBytes(pid);
  if (!resident) return std::nullopt;
  return ProcessMemory{*resident, std::nullopt, std::nullopt};
}

std::optional<ProcessMemory> ParseSmapsRollup(std::string_view text) {
  const auto proportional = BytesOf(text, "Pss");
  if (!proportional) return std::nullopt;
  return ProcessMemory{BytesOf(text, "Rss").value_or(0), proportional,
                       BytesOf(text, "Private_Clean").value_or(0) +
                           BytesOf(text, "Private_Dirty").value_or(0) +
                           BytesOf(text, "Private_Hugetlb").value_or(0)};
}

}  // namespace roost
