#include "tools/top/screen_text.h"

#include <wchar.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/utf8.h"

namespace roost {
namespace {

struct CodePoint {
  char32_t value = 0;
  size_t bytes = 1;
};

// Of well-formed UTF-8.
CodePoint DecodeAt(std::string_view text, size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  if (first < 0x80) return {first, 1};
  const size_t bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  char32_t value = first & (0xFFu >> (bytes + 1));
  for (size_t i = 1; i < bytes && at + i < text.size(); ++i) {
    value = value << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3Fu);
  }
  return {value, std::min(bytes, text.size() - at)};
}

// 0 for what has none, or is unknown here.
size_t WidthOf(char32_t value) {
  if (value < 0x80) return value >= 0x20 && value < 0x7F ? 1 : 0;
  const int width = ::wcwidth(static_cast<wchar_t>(value));
  // Without a locale nothing beyond ASCII has a width; ScreenText's own characters have one column.
  return width > 0 ? static_cast<size_t>(width) : 0;
}

constexpr int kLevels = 8;
constexpr std::array<const char*, kLevels> kBlocks = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr std::array<const char*, kLevels> kAsciiBlocks = {"_", ".", "-", "~", "+", "*", "%", "#"};

double Height(double value, double most, bool logarithmic) {
  if (value <= 0 || most <= 0) return 0;
  if (!logarithmic) return value / most;
  const double least = std::max(most / 1'000, 1.0);
  if (most <= least) return 1;
  return std::max(0.0, std::log(value / least) / std::log(most / least));
}

}  // namespace

std::string ScreenText(std::string_view text, Charset charset) {
  const std::string printable = Printable(text);
  std::string shown;
  for (size_t at = 0; at < printable.size();) {
    const CodePoint point = DecodeAt(printable, at);
    const bool fits = point.value < 0x80 || charset == Charset::kUtf8;
    if (fits && WidthOf(point.value) > 0) {
      shown.append(printable, at, point.bytes);
    } else {
      shown += '?';
    }
    at += point.bytes;
  }
  return shown;
}

size_t ColumnsOf(std::string_view text) {
  size_t columns = 0;
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = DecodeAt(text, at);
    columns += WidthOf(point.value);
    at += point.bytes;
  }
  return columns;
}

std::string_view CutToColumns(std::string_view text, size_t columns) {
  size_t used = 0;
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = DecodeAt(text, at);
    used += WidthOf(point.value);
    if (used > columns) return text.substr(0, at);
    at += point.bytes;
  }
  return text;
}

std::string FitLeft(std::string_view text, size_t columns, Charset charset) {
  std::string fitted(text);
  if (ColumnsOf(text) > columns) {
    fitted = columns == 0 ? "" : CutToColumns(text, columns - 1);
    if (columns > 0) fitted += charset == Charset::kUtf8 ? "…" : "~";
  }
  return fitted + std::string(columns - ColumnsOf(fitted), ' ');
}

std::string FitRight(std::string_view text, size_t columns, Charset charset) {
  if (ColumnsOf(text) > columns) return FitLeft(text, columns, charset);
  return std::string(columns - ColumnsOf(text), ' ') + std::string(text);
}

std::string Sparkline(const std::vector<double>& values, size_t columns, Charset charset,
                      bool logarithmic) {
  const size_t count = std::min(columns, values.size());
  const auto newest = values.end() - static_cast<std::ptrdiff_t>(count);
  const double most = count == 0 ? 0 : *std::max_element(newest, values.end());
  const auto& blocks = charset == Charset::kUtf8 ? kBlocks : kAsciiBlocks;
  std::string line(columns - count, ' ');
  for (auto value = newest; value != values.end(); ++value) {
    if (*value < 0) {
      line += ' ';
      continue;
    }
    const double height = Height(*value, most, logarithmic);
    const auto level = static_cast<size_t>(std::lround(height * double{kLevels - 1}));
    line += blocks[std::min<size_t>(level, kLevels - 1)];
  }
  return line;
}

}  // namespace roost
