#include "tools/line_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "base/unique_fd.h"

namespace roost {
namespace {

class LineReaderTest : public testing::Test {
 protected:
  LineReaderTest() { std::signal(SIGPIPE, SIG_IGN); }

  // A descriptor that gives `text`, written by another thread.
  int Give(std::string text) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    reader_.Reset(ends[0]);
    writer_ = std::thread([text = std::move(text), fd = ends[1]] {
      UniqueFd end(fd);
      for (size_t at = 0; at < text.size();) {
        const ssize_t size = ::write(fd, text.data() + at, text.size() - at);
        if (size <= 0) return;
        at += static_cast<size_t>(size);
      }
    });
    return reader_.get();
  }
  void TearDown() override {
    reader_.Reset();
    if (writer_.joinable()) writer_.join();
  }
  static std::vector<std::string> All(LineReader reader) {
    std::vector<std::string> lines;
    std::string_view line;
    while (true) {
      const auto more = reader.Next(&line);
      if (!more.ok() || !*more) return lines;
      lines.emplace_back(line);
    }
  }

  UniqueFd reader_;
  std::thread writer_;
};

TEST_F(LineReaderTest, GivesEachLineAlsoTheLastWithoutEnd) {
  EXPECT_THAT(All(LineReader(Give("a\n\nlast"), "x", 100)), testing::ElementsAre("a", "", "last"));
}

TEST_F(LineReaderTest, GivesNothingOfAnEmptyInput) {
  EXPECT_TRUE(All(LineReader(Give(""), "x", 100)).empty());
}

TEST_F(LineReaderTest, PutsLinesTogetherThatComeInPieces) {
  const std::string big(200'000, 'x');
  const auto lines = All(LineReader(Give(big + "\n" + big + "y\n"), "x", 1 << 20));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], big);
  EXPECT_EQ(lines[1], big + "y");
}

TEST_F(LineReaderTest, RefusesALineOverTheLimitAndNamesIt) {
  LineReader reader(Give("short\n" + std::string(300'000, 'x') + "\n"), "standard input", 100'000);
  std::string_view line;
  ASSERT_TRUE(reader.Next(&line).ok());
  EXPECT_EQ(reader.line_number(), 1u);
  const auto more = reader.Next(&line);
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.status().code(), StatusCode::kTooLarge);
  EXPECT_THAT(more.status().message(), testing::HasSubstr("line 2"));
}

TEST_F(LineReaderTest, ReadAllStopsAtItsLimit) {
  EXPECT_EQ(ReadAll(Give("abc"), "x", 3).value(), "abc");
  TearDown();
  EXPECT_EQ(ReadAll(Give(std::string(200'000, 'x')), "x", 100'000).status().code(),
            StatusCode::kTooLarge);
}

}  // namespace
}  // namespace roost
