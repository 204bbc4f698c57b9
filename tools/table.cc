#include "tools/table.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/check.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "tools/event_printer.h"

namespace roost {

void Table::Add(std::vector<std::string> cells) {
  ROOST_CHECK(cells.size() == columns_.size(), "{} cells, {} columns", cells.size(),
              columns_.size());
  for (std::string& cell : cells) cell = Printable(cell);
  rows_.push_back(std::move(cells));
}

void Table::Print(Output* out) const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    size_t width = DisplayWidth(columns_[i].title);
    for (const auto& row : rows_) width = std::max(width, DisplayWidth(row[i]));
    widths.push_back(width);
  }
  const auto line = [&](const auto& text_of) {
    std::string text;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const std::string_view cell = text_of(i);
      const std::string space(widths[i] - DisplayWidth(cell), ' ');
      if (columns_[i].align == Align::kRight) text += space;
      text += cell;
      if (i + 1 == columns_.size()) break;
      if (columns_[i].align == Align::kLeft) text += space;
      text += "  ";
    }
    return text;
  };
  out->Write(out->Paint(Colour::kBold,
                        line([&](size_t i) { return std::string_view(columns_[i].title); })) +
             "\n");
  for (const auto& row : rows_) {
    out->Write(line([&row](size_t i) { return std::string_view(row[i]); }) + "\n");
  }
}

std::string WithCommas(uint64_t number) {
  std::string text = fmt::format("{}", number);
  for (size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, 1, ',');
  return text;
}

std::string ShowBytes(uint64_t bytes) {
  constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes < 1024) return fmt::format("{} bytes", bytes);
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < std::size(kUnits); ++unit) value /= 1024;
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string ShowDuration(uint64_t ns) {
  const auto value = static_cast<double>(ns);
  if (ns < kNsPerUs) return fmt::format("{} ns", ns);
  if (ns < kNsPerMs) return fmt::format("{:.1f} us", value / kNsPerUs);
  if (ns < kNsPerSecond) return fmt::format("{:.1f} ms", value / kNsPerMs);
  return fmt::format("{:.1f} s", value / kNsPerSecond);
}

std::string ShowAge(uint64_t ns) {
  const uint64_t seconds = ns / kNsPerSecond;
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min", seconds / 60);
  if (seconds < 86400) return fmt::format("{} h {} min", seconds / 3600, seconds / 60 % 60);
  return fmt::format("{} d {} h", seconds / 86400, seconds / 3600 % 24);
}

}  // namespace roost
