#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <vector>

namespace roost {
namespace {

TEST(Crc32cTest, GivesTheWellKnownValue) {
  EXPECT_EQ(Crc32c(0, AsBytes("123456789")), 0xE3069283u);
  EXPECT_EQ(Crc32cPortable(0, AsBytes("123456789")), 0xE3069283u);
}

TEST(Crc32cTest, IsTheSameWithAndWithoutTheInstructionAtEveryLength) {
  std::vector<std::byte> bytes;
  for (int i = 0; i < 1500; ++i) {
    bytes.push_back(static_cast<std::byte>(i * 37 + 11));
    EXPECT_EQ(Crc32c(0, bytes), Crc32cPortable(0, bytes)) << i;
  }
}

TEST(Crc32cTest, GoesOnWhereItStopped) {
  EXPECT_EQ(Crc32c(Crc32c(0, AsBytes("1234")), AsBytes("56789")), Crc32c(0, AsBytes("123456789")));
}

}  // namespace
}  // namespace roost
