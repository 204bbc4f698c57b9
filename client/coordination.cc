#include "roost/coordination.h"

#include <charconv>

namespace roost {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

// One number, written as Roost writes it: no sign, no space, no zero in front of another digit.
template <typename Number>
std::optional<Number> ParseNumber(std::string_view text) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  Number number = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return number;
}

}  // namespace

std::string ItemToken::ToString() const {
  return std::to_string(lease) + '.' + std::to_string(index);
}

std::optional<ItemToken> ItemToken::Parse(std::string_view text) {
  const size_t point = text.find('.');
  if (point == std::string_view::npos) return std::nullopt;
  const auto lease = ParseNumber<uint64_t>(text.substr(0, point));
  const auto index = ParseNumber<uint32_t>(text.substr(point + 1));
  if (!lease.has_value() || !index.has_value()) return std::nullopt;
  return ItemToken{*lease, *index};
}

const char* VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kUndecided:
      return "undecided";
    case Verdict::kAllow:
      return "allow";
    case Verdict::kDeny:
      return "deny";
    case Verdict::kAsk:
      return "ask";
  }
  return "?";
}

std::optional<Verdict> ParseVerdict(std::string_view name) {
  for (const Verdict verdict :
       {Verdict::kUndecided, Verdict::kAllow, Verdict::kDeny, Verdict::kAsk}) {
    if (name == VerdictName(verdict)) return verdict;
  }
  return std::nullopt;
}

std::string KeyText(const VerdictKey& key) {
  std::string text;
  text.reserve(key.size() * 2);
  for (const uint8_t byte : key) {
    text += kHexDigits[byte >> 4];
    text += kHexDigits[byte & 15];
  }
  return text;
}

std::optional<VerdictKey> ParseVerdictKey(std::string_view text) {
  VerdictKey key{};
  if (text.size() != key.size() * 2) return std::nullopt;
  for (size_t i = 0; i < text.size(); ++i) {
    const size_t digit = kHexDigits.find(
        text[i] >= 'A' && text[i] <= 'F' ? static_cast<char>(text[i] - 'A' + 'a') : text[i]);
    if (digit == std::string_view::npos) return std::nullopt;
    key[i / 2] = static_cast<uint8_t>(key[i / 2] << 4 | digit);
  }
  return key;
}

}  // namespace roost
