#include "base/check.h"

#include <gtest/gtest.h>

namespace roost {
namespace {

TEST(CheckDeathTest, EndsTheProcessWithTheConditionAndTheValues) {
  const int oldest = 7;
  EXPECT_DEATH(ROOST_CHECK(oldest < 5, "oldest={}", oldest), "check failed: oldest < 5 \\(oldest=7\\)");
}

TEST(CheckTest, DoesNothingWhenTheConditionHolds) { ROOST_CHECK(1 + 1 == 2); }

}  // namespace
}  // namespace roost
