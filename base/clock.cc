#include "base/clock.h"

#include <fmt/core.h>

#include <charconv>
#include <ctime>
#include <limits>

namespace roost {
namespace {

// Days since 1970-01-01 of a proleptic Gregorian date (the well-known "days from civil").
int64_t DaysFromCivil(int64_t year, unsigned month, unsigned day) {
  year -= month <= 2;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const auto year_of_era = static_cast<unsigned>(year - era * 400);
  const unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + static_cast<int64_t>(day_of_era) - 719468;
}

// Takes exactly `count` digits off the front.
bool TakeDigits(std::string_view& text, size_t count, unsigned& value) {
  if (text.size() < count) return false;
  value = 0;
  for (size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + static_cast<unsigned>(text[i] - '0');
  }
  text.remove_prefix(count);
  return true;
}

bool TakeChar(std::string_view& text, char wanted) {
  if (text.empty() || text.front() != wanted) return false;
  text.remove_prefix(1);
  return true;
}

Status BadTime(std::string_view text) {
  return {StatusCode::kInvalidArgument,
          fmt::format("'{}' is not a time; write it like 2026-01-31T12:00:00Z", text)};
}

struct Unit {
  std::string_view name;
  uint64_t factor;
};

template <size_t N>
bool ParseWithUnit(std::string_view text, const Unit (&units)[N], uint64_t& value) {
  const char* end = text.data() + text.size();
  uint64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{}) return false;
  const std::string_view name(rest, static_cast<size_t>(end - rest));
  for (const Unit& unit : units) {
    if (name != unit.name) continue;
    if (number != 0 && unit.factor > std::numeric_limits<uint64_t>::max() / number) return false;
    value = number * unit.factor;
    return true;
  }
  return false;
}

}  // namespace

std::string FormatTime(uint64_t wall_ns) {
  const auto seconds = static_cast<time_t>(wall_ns / kNsPerSecond);
  tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     wall_ns % kNsPerSecond);
}

Result<uint64_t> ParseTime(std::string_view text) {
  std::string_view rest = text;
  unsigned year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (!TakeDigits(rest, 4, year) || !TakeChar(rest, '-') || !TakeDigits(rest, 2, month) ||
      !TakeChar(rest, '-') || !TakeDigits(rest, 2, day)) {
    return BadTime(text);
  }
  if (!TakeChar(rest, 'T') && !TakeChar(rest, 't') && !TakeChar(rest, ' ')) return BadTime(text);
  if (!TakeDigits(rest, 2, hour) || !TakeChar(rest, ':') || !TakeDigits(rest, 2, minute) ||
      !TakeChar(rest, ':') || !TakeDigits(rest, 2, second)) {
    return BadTime(text);
  }
  if (year < 1970 || year > 2500 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 ||
      minute > 59 || second > 60) {
    return BadTime(text);
  }
  uint64_t nanoseconds = 0;
  if (TakeChar(rest, '.')) {
    uint64_t scale = kNsPerSecond;
    size_t digits = 0;
    while (!rest.empty() && rest.front() >= '0' && rest.front() <= '9') {
      if (++digits > 9) return BadTime(text);
      scale /= 10;
      nanoseconds += static_cast<uint64_t>(rest.front() - '0') * scale;
      rest.remove_prefix(1);
    }
    if (digits == 0) return BadTime(text);
  }
  int64_t offset_seconds = 0;
  if (!TakeChar(rest, 'Z') && !TakeChar(rest, 'z')) {
    const bool ahead = TakeChar(rest, '+');
    if (!ahead && !TakeChar(rest, '-')) return BadTime(text);
    unsigned offset_hour = 0, offset_minute = 0;
    if (!TakeDigits(rest, 2, offset_hour) || !TakeChar(rest, ':') ||
        !TakeDigits(rest, 2, offset_minute) || offset_hour > 23 || offset_minute > 59) {
      return BadTime(text);
    }
    offset_seconds = static_cast<int64_t>(offset_hour * 3600 + offset_minute * 60);
    if (!ahead) offset_seconds = -offset_seconds;
  }
  if (!rest.empty()) return BadTime(text);
  const int64_t seconds = DaysFromCivil(year, month, day) * 86400 +
                          static_cast<int64_t>(hour * 3600 + minute * 60 + second) - offset_seconds;
  if (seconds < 0) return BadTime(text);
  return static_cast<uint64_t>(seconds) * kNsPerSecond + nanoseconds;
}

Result<uint64_t> ParseDurationNs(std::string_view text) {
  static constexpr Unit kUnits[] = {{"ns", 1},
                                    {"us", kNsPerUs},
                                    {"ms", kNsPerMs},
                                    {"s", kNsPerSecond},
                                    {"m", 60 * kNsPerSecond},
                                    {"h", 3600 * kNsPerSecond},
                                    {"d", 86400 * kNsPerSecond}};
  uint64_t value = 0;
  if (text == "0") return value;
  if (ParseWithUnit(text, kUnits, value)) return value;
  return Status(StatusCode::kInvalidArgument,
                fmt::format("'{}' is not a duration; write it like 250ms, 10s, 5m or 1h", text));
}

Result<uint64_t> ParseSize(std::string_view text) {
  static constexpr Unit kUnits[] = {{"", 1},           {"B", 1},
                                    {"KiB", 1ull << 10}, {"MiB", 1ull << 20},
                                    {"GiB", 1ull << 30}, {"TiB", 1ull << 40}};
  uint64_t value = 0;
  if (ParseWithUnit(text, kUnits, value)) return value;
  return Status(StatusCode::kInvalidArgument,
                fmt::format("'{}' is not a size; write it like 64KiB, 256MiB or 1GiB", text));
}

}  // namespace roost
