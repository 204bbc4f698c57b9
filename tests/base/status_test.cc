#include "base/status.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace roost {
namespace {

TEST(StatusTest, SaysWhatWasTriedAndTheErrno) {
  const Status status = Status::FromErrno(ENOENT, "open /x");
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_EQ(status.message(), "open /x: No such file or directory (errno 2)");
}

TEST(StatusTest, IsOkByDefault) { EXPECT_TRUE(Status().ok()); }

TEST(ResultTest, HoldsAValueOrTheReason) {
  const Result<int> value = 3;
  EXPECT_TRUE(value.ok());
  EXPECT_EQ(*value, 3);
  const Result<int> none(StatusCode::kBusy, "later");
  EXPECT_FALSE(none.ok());
  EXPECT_EQ(none.status().code(), StatusCode::kBusy);
}

TEST(ResultDeathTest, EndsTheProcessWhenAskedForAValueItHasNot) {
  const Result<int> none(StatusCode::kBusy, "later");
  EXPECT_DEATH((void)none.value(), "");
}

}  // namespace
}  // namespace roost
