#include "base/utf8.h"

#include <fmt/core.h>

#include <cstdint>
#include <cstring>
#include <iterator>

namespace roost {
namespace {

constexpr uint32_t kMalformed = 0xFFFFFFFF;

// Decodes the code point at `at` and sets `size` to its bytes (1 for a malformed byte).
uint32_t Decode(std::string_view text, size_t at, size_t& size) {
  const auto lead = static_cast<uint8_t>(text[at]);
  size = 1;
  if (lead < 0x80) return lead;
  size_t more;
  uint32_t value, least;
  if (lead >= 0xC2 && lead <= 0xDF) {
    more = 1, value = lead & 0x1F, least = 0x80;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    more = 2, value = lead & 0x0F, least = 0x800;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    more = 3, value = lead & 0x07, least = 0x10000;
  } else {
    return kMalformed;
  }
  if (text.size() - at <= more) return kMalformed;
  for (size_t i = 1; i <= more; ++i) {
    const auto next = static_cast<uint8_t>(text[at + i]);
    if ((next & 0xC0) != 0x80) return kMalformed;
    value = (value << 6) | (next & 0x3F);
  }
  if (value < least || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return kMalformed;
  size = more + 1;
  return value;
}

bool IsControl(uint32_t code_point) {
  return code_point < 0x20 || (code_point >= 0x7F && code_point <= 0x9F);
}

// Characters that reorder or hide text around them or take no room themselves, and the separators that break
// lines. Selectors of variants stay: emoji need them.
bool IsFormatting(uint32_t code_point) {
  return code_point == 0x00AD || code_point == 0x034F || code_point == 0x061C ||
         code_point == 0x115F || code_point == 0x1160 || code_point == 0x17B4 ||
         code_point == 0x17B5 || (code_point >= 0x180B && code_point <= 0x180F) ||
         code_point == 0x3164 || code_point == 0xFEFF || code_point == 0xFFA0 ||
         (code_point >= 0x200B && code_point <= 0x200F) ||
         (code_point >= 0x2028 && code_point <= 0x202E) ||
         (code_point >= 0x2060 && code_point <= 0x206F) ||
         (code_point >= 0xFFF9 && code_point <= 0xFFFB) ||
         (code_point >= 0x1BCA0 && code_point <= 0x1BCA3) ||
         (code_point >= 0x1D173 && code_point <= 0x1D17A) ||
         (code_point >= 0xE0000 && code_point <= 0xE007F);
}

template <typename Accept>
bool AllCodePoints(std::string_view text, Accept accept) {
  for (size_t at = 0; at < text.size();) {
    size_t size;
    const uint32_t code_point = Decode(text, at, size);
    if (code_point == kMalformed || !accept(code_point)) return false;
    at += size;
  }
  return true;
}

constexpr uint64_t kEachByte = 0x0101010101010101;

// Whether all eight bytes are ASCII and none is a control character. Names are, nearly always.
bool IsPlainAscii(uint64_t word) {
  const uint64_t delete_bytes = word ^ (0x7F * kEachByte);
  const uint64_t below_space = (word - 0x20 * kEachByte) & ~word;
  const uint64_t deletes = (delete_bytes - kEachByte) & ~delete_bytes;
  return ((word | below_space | deletes) & (0x80 * kEachByte)) == 0;
}

bool IsPlainAscii(std::string_view text) {
  uint64_t word;
  for (; text.size() >= sizeof(word); text.remove_prefix(sizeof(word))) {
    std::memcpy(&word, text.data(), sizeof(word));
    if (!IsPlainAscii(word)) return false;
  }
  word = ' ' * kEachByte;
  if (!text.empty()) std::memcpy(&word, text.data(), text.size());
  return IsPlainAscii(word);
}

}  // namespace

bool IsUtf8(std::string_view text) {
  return AllCodePoints(text, [](uint32_t) { return true; });
}

bool IsPlainUtf8(std::string_view text) {
  if (IsPlainAscii(text)) return true;
  return AllCodePoints(text, [](uint32_t code_point) { return !IsControl(code_point); });
}

std::string Printable(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  const auto out = std::back_inserter(shown);
  for (size_t at = 0; at < text.size();) {
    size_t size;
    const uint32_t code_point = Decode(text, at, size);
    if (code_point == kMalformed) {
      fmt::format_to(out, "\\x{:02x}", static_cast<uint8_t>(text[at]));
    } else if (code_point == '\n') {
      shown += "\\n";
    } else if (code_point == '\t') {
      shown += "\\t";
    } else if (code_point == '\r') {
      shown += "\\r";
    } else if (IsControl(code_point)) {
      fmt::format_to(out, "\\x{:02x}", code_point);
    } else if (IsFormatting(code_point)) {
      fmt::format_to(out, "\\u{:04x}", code_point);
    } else {
      shown += text.substr(at, size);
    }
    at += size;
  }
  return shown;
}

std::string PrintableJson(std::string_view json) {
  std::string shown;
  shown.reserve(json.size());
  const auto out = std::back_inserter(shown);
  for (size_t at = 0; at < json.size();) {
    size_t size;
    const uint32_t code_point = Decode(json, at, size);
    if (code_point == '\t') {
      shown += ' ';  // between tokens
    } else if (code_point != kMalformed && !IsControl(code_point) && !IsFormatting(code_point)) {
      shown += json.substr(at, size);
    } else if (code_point == kMalformed) {
      shown += "\\ufffd";
    } else if (code_point > 0xFFFF) {
      fmt::format_to(out, "\\u{:04x}\\u{:04x}", 0xD7C0 + (code_point >> 10),
                     0xDC00 + (code_point & 0x3FF));
    } else {
      fmt::format_to(out, "\\u{:04x}", code_point);
    }
    at += size;
  }
  return shown;
}

}  // namespace roost
