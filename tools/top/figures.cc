#include "tools/top/figures.h"

#include <fmt/core.h>

#include <array>
#include <cmath>

#include "base/clock.h"
#include "tools/table.h"

namespace roost {
namespace {

// Three digits: "1.25", "12.5", "125". The bounds are where rounding gives one more.
std::string ThreeDigits(double number) {
  if (number < 9.995) return fmt::format("{:.2f}", number);
  if (number < 99.95) return fmt::format("{:.1f}", number);
  return fmt::format("{:.0f}", number);
}

struct Unit {
  double size;
  const char* name;
};

// `number` in the largest unit of which it is at least one, in three digits.
template <size_t n>
std::string InUnits(double number, const std::array<Unit, n>& units) {
  size_t unit = 0;
  while (unit + 1 < n && number >= units[unit + 1].size * 0.9995) ++unit;
  return ThreeDigits(number / units[unit].size) + " " + units[unit].name;
}

}  // namespace

std::string ShortNumber(double number) {
  static constexpr std::array<Unit, 4> kUnits = {
      {{1e6, "M"}, {1e9, "G"}, {1e12, "T"}, {1e15, "P"}}};
  if (number < 0) return "-" + ShortNumber(-number);
  if (number < 0.005) return "0";
  if (number < 0.995) return fmt::format("{:.2f}", number);
  if (number < 9.95) return fmt::format("{:.1f}", number);
  if (number < 99'999.5) return WithCommas(static_cast<uint64_t>(std::llround(number)));
  if (number < 999'500) return fmt::format("{:.0f} k", number / 1e3);
  return InUnits(number, kUnits);
}

std::string ShortCount(uint64_t count) {
  return count < 10 ? fmt::format("{}", count) : ShortNumber(static_cast<double>(count));
}

std::string ShortBytes(double bytes) {
  static constexpr std::array<Unit, 6> kUnits = {{{1, "B"},
                                                  {1 << 10, "KiB"},
                                                  {1 << 20, "MiB"},
                                                  {1 << 30, "GiB"},
                                                  {1ull << 40, "TiB"},
                                                  {1ull << 50, "PiB"}}};
  if (bytes < 999.5) return fmt::format("{:.0f} B", bytes);
  return InUnits(bytes < 1024 ? 1024 : bytes, kUnits);
}

std::string ShortDuration(uint64_t ns) {
  static constexpr std::array<Unit, 4> kUnits = {
      {{1, "ns"}, {kNsPerUs, "us"}, {kNsPerMs, "ms"}, {kNsPerSecond, "s"}}};
  if (ns < 1000) return fmt::format("{} ns", ns);
  return InUnits(static_cast<double>(ns), kUnits);
}

std::string ShortAge(uint64_t ns) {
  const uint64_t seconds = ns / kNsPerSecond;
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3600) return fmt::format("{}m", seconds / 60);
  if (seconds < 86400) return fmt::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
  if (seconds < 100 * 86400) return fmt::format("{}d{:02}h", seconds / 86400, seconds / 3600 % 24);
  return fmt::format("{}d", seconds / 86400);
}

std::string Percent(double part) {
  const double percent = part * 100;
  return percent < 99.95 ? fmt::format("{:.1f}", percent) : fmt::format("{:.0f}", percent);
}

}  // namespace roost
