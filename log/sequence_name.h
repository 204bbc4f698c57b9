// Names of files that begin with a sequence: twenty digits, so that they sort by it, and a suffix. Any thread.
#ifndef ROOST_LOG_SEQUENCE_NAME_H_
#define ROOST_LOG_SEQUENCE_NAME_H_

#include <fmt/core.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace roost {

inline std::string SequenceName(uint64_t sequence, std::string_view suffix) {
  return fmt::format("{:020}{}", sequence, suffix);
}

inline std::optional<uint64_t> ParseSequenceName(std::string_view name, std::string_view suffix) {
  constexpr size_t kDigits = 20;
  if (name.size() != kDigits + suffix.size() || !name.ends_with(suffix)) return std::nullopt;
  uint64_t sequence = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + kDigits, sequence);
  if (error != std::errc() || end != name.data() + kDigits) return std::nullopt;
  return sequence;
}

}  // namespace roost

#endif  // ROOST_LOG_SEQUENCE_NAME_H_
