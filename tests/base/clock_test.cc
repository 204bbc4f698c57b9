#include "base/clock.h"

#include <gtest/gtest.h>

namespace roost {
namespace {

TEST(ClockTest, FormatsAndParsesTheSameNanosecond) {
  const uint64_t ns = 1'767'225'600'123'456'789ull;  // 2026-01-01
  EXPECT_EQ(FormatTime(ns), "2026-01-01T00:00:00.123456789Z");
  EXPECT_EQ(*ParseTime(FormatTime(ns)), ns);
}

TEST(ClockTest, ParsesOffsetsAndShortFractions) {
  EXPECT_EQ(*ParseTime("2026-01-01T02:00:00.5+02:00"), 1'767'225'600'500'000'000ull);
  EXPECT_EQ(*ParseTime("2024-02-29T00:00:00Z"), 1'709'164'800'000'000'000ull);
}

TEST(ClockTest, RefusesWhatIsNoTime) {
  for (const char* text : {"", "yesterday", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00",
                           "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Zx", "1969-12-31T23:59:59Z",
                           "2026-01-01T00:00:00.1234567890Z"}) {
    EXPECT_FALSE(ParseTime(text).ok()) << text;
  }
}

TEST(ClockTest, ParsesDurations) {
  EXPECT_EQ(*ParseDurationNs("250ms"), 250 * kNsPerMs);
  EXPECT_EQ(*ParseDurationNs("1h"), 3600 * kNsPerSecond);
  EXPECT_EQ(*ParseDurationNs("0"), 0u);
  for (const char* text : {"", "5", "ms", "-1s", "1 s", "99999999999999999999s", "999999999999d"}) {
    EXPECT_FALSE(ParseDurationNs(text).ok()) << text;
  }
}

TEST(ClockTest, ParsesSizes) {
  EXPECT_EQ(*ParseSize("64KiB"), 65536u);
  EXPECT_EQ(*ParseSize("4096"), 4096u);
  for (const char* text : {"", "KiB", "1KB", "-1", "99999999999TiB"}) {
    EXPECT_FALSE(ParseSize(text).ok()) << text;
  }
}

}  // namespace
}  // namespace roost
