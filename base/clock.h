// The two clocks. Monotonic for waiting and leases, wall for what people read. Any thread.
#ifndef ROOST_BASE_CLOCK_H_
#define ROOST_BASE_CLOCK_H_

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

#include "base/status.h"

namespace roost {

inline constexpr uint64_t kNsPerUs = 1'000;
inline constexpr uint64_t kNsPerMs = 1'000'000;
inline constexpr uint64_t kNsPerSecond = 1'000'000'000;

inline uint64_t ReadClockNs(clockid_t clock) {
  timespec time;
  ::clock_gettime(clock, &time);
  return static_cast<uint64_t>(time.tv_sec) * kNsPerSecond + static_cast<uint64_t>(time.tv_nsec);
}
inline uint64_t MonotonicNs() { return ReadClockNs(CLOCK_MONOTONIC); }
inline uint64_t WallNs() { return ReadClockNs(CLOCK_REALTIME); }  // since 1970

// "2026-01-31T12:00:00.123456789Z".
std::string FormatTime(uint64_t wall_ns);
// RFC 3339, any offset, up to nine digits of a second.
Result<uint64_t> ParseTime(std::string_view text);

// "250ms", "10s", "5m", "1h", "2d", and plain "0".
Result<uint64_t> ParseDurationNs(std::string_view text);
// "64KiB", "256MiB", "1GiB", "4096".
Result<uint64_t> ParseSize(std::string_view text);

}  // namespace roost

#endif  // ROOST_BASE_CLOCK_H_
