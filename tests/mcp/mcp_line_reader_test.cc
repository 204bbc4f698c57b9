#include "client/mcp/line_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace roost {
namespace {

class LineReaderTest : public ::testing::Test {
 protected:
  // Puts bytes in, in pieces of at most `piece`, and collects what comes out.
  void Feed(std::string_view bytes, size_t piece = SIZE_MAX) {
    while (!bytes.empty()) {
      const auto room = reader_.Room();
      ASSERT_FALSE(room.empty());
      const size_t size = std::min({bytes.size(), room.size(), piece});
      std::copy_n(bytes.data(), size, room.data());
      reader_.Received(size);
      bytes.remove_prefix(size);
      capacity_max_ = std::max(capacity_max_, reader_.capacity());
      Collect();
    }
  }

  void Collect() {
    while (true) {
      switch (reader_.Next()) {
        case LineReader::Outcome::kNone:
          return;
        case LineReader::Outcome::kLine:
          lines_.emplace_back(reader_.line());
          break;
        case LineReader::Outcome::kTooLong:
          lines_.push_back("too long: " + reader_.id().value_or("none"));
          break;
      }
    }
  }

  using Lines = std::vector<std::string>;
  LineReader reader_;
  Lines lines_;
  size_t capacity_max_ = 0;
};

TEST_F(LineReaderTest, CutsWhatArrivesIntoLines) {
  Feed("one\ntwo\r\nthree");
  EXPECT_EQ(lines_, (Lines{"one", "two"}));
  Feed("\n");
  EXPECT_EQ(lines_.back(), "three");
}

TEST_F(LineReaderTest, PassesOverBlankLines) {
  Feed("\n\r\n  \n\t\r\nx\n");
  EXPECT_EQ(lines_, (Lines{"x"}));
}

TEST_F(LineReaderTest, TakesALineByteByByte) {
  Feed("{\"a\":1}\nb\n", 1);
  EXPECT_EQ(lines_, (Lines{"{\"a\":1}", "b"}));
}

TEST_F(LineReaderTest, KeepsALineOfTheGreatestLengthWhole) {
  const std::string line(kLineBytesMax, 'x');
  Feed(line + "\r\nnext\n", 100'000);
  ASSERT_EQ(lines_.size(), 2u);
  EXPECT_TRUE(lines_[0] == line);
  EXPECT_EQ(lines_[1], "next");
}

TEST_F(LineReaderTest, PassesOverALongerLineAndGoesOn) {
  Feed(std::string(kLineBytesMax + 1, 'x') + "\nnext\n", 100'000);
  EXPECT_EQ(lines_, (Lines{"too long: none", "next"}));
}

TEST_F(LineReaderTest, FindsTheIdOfALineThatItPassesOver) {
  const std::string padding(20'000'000, 'x');
  Feed("{\"id\":\"first\",\"x\":\"" + padding + "\"}\n", 1 << 20);
  Feed("{\"x\":\"" + padding + "\",\"id\":42}\r\n", 1 << 20);
  EXPECT_EQ(lines_, (Lines{"too long: \"first\"", "too long: 42"}));
}

TEST_F(LineReaderTest, HoldsLittleMemoryHoweverLongTheLine) {
  const size_t before = reader_.capacity();
  Feed(std::string(20'000'000, 'x'), 1 << 20);
  Feed("\n");
  EXPECT_LE(capacity_max_, kLineBytesMax + (1 << 20));
  EXPECT_EQ(reader_.capacity(), before);
}

TEST_F(LineReaderTest, GivesMemoryBackAfterALongLine) {
  const size_t before = reader_.capacity();
  Feed(std::string(1'000'000, 'x') + "\n");
  EXPECT_EQ(lines_.size(), 1u);
  EXPECT_EQ(reader_.capacity(), before);
}

}  // namespace
}  // namespace roost
