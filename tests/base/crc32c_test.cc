#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <vector>

namespace roost {
namespace {

TEST(Crc32cTest, GivesTheWellKnownValue) {
  EXPECT_EQ(Crc32c(0, AsBytes("123456789")), 0xE3069283u);
  EXPECT_EQ(Crc32cPortable(0, AsBytes("123456789")), 0xE3069283u);
}

// Up to two lanes' bounds and more, begun at every address there is.
TEST(Crc32cTest, IsTheSameWithAndWithoutTheInstructionAtEveryLength) {
  std::vector<std::byte> bytes;
  for (int i = 0; i < 7000; ++i) bytes.push_back(static_cast<std::byte>(i * 37 + 11));
  uint32_t portable = 0;
  for (size_t size = 1; size <= bytes.size(); ++size) {
    portable = Crc32cPortable(portable, Bytes(bytes).subspan(size - 1, 1));
    ASSERT_EQ(Crc32c(0, Bytes(bytes).first(size)), portable) << size;
  }
  for (size_t begin = 1; begin < 9; ++begin) {
    const Bytes part = Bytes(bytes).subspan(begin, 6500 + 13 * begin);
    ASSERT_EQ(Crc32c(77, part), Crc32cPortable(77, part)) << begin;
  }
}

TEST(Crc32cTest, GoesOnWhereItStopped) {
  EXPECT_EQ(Crc32c(Crc32c(0, AsBytes("1234")), AsBytes("56789")), Crc32c(0, AsBytes("123456789")));
}

}  // namespace
}  // namespace roost
