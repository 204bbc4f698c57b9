// The two clocks. Monotonic for waiting and leases, wall for what people read. Any thread.
#ifndef ROOST_BASE_CLOCK_H_
#define ROOST_BASE_CLOCK_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace roost {

inline constexpr uint64_t kNsPerUs = 1'000;
inline constexpr uint64_t kNsPerMs = 1'000'000;
inline constexpr uint64_t kNsPerSecond = 1'000'000'000;

uint64_t MonotonicNs();  // CLOCK_MONOTONIC
uint64_t WallNs();       // CLOCK_REALTIME, since 1970

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
