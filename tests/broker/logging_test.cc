// What roostd says on stderr, here a pipe that the test reads, and how often.
#include "broker/logging.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "base/unique_fd.h"
#include "broker/line_limiter.h"

namespace roost {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

constexpr uint64_t kStartNs = 5'000'000'000'000;

TEST(LineLimiterTest, LetsEachPlaceWriteItsTenLines) {
  LineLimiter limiter;
  for (uint64_t i = 0; i < LineLimiter::kLines; ++i) {
    EXPECT_TRUE(limiter.Take("a", kStartNs));
    EXPECT_TRUE(limiter.Take("b", kStartNs + i));
  }
  EXPECT_FALSE(limiter.Take("a", kStartNs));
  EXPECT_FALSE(limiter.Take("b", kStartNs + LineLimiter::kWindowNs - 1));
  EXPECT_TRUE(limiter.Take("c", kStartNs));
}

TEST(LineLimiterTest, BeginsAnewAfterAWindowInWhichNothingWasLeftOut) {
  LineLimiter limiter;
  for (uint64_t i = 0; i < LineLimiter::kLines; ++i) EXPECT_TRUE(limiter.Take("a", kStartNs));
  for (uint64_t i = 0; i < LineLimiter::kLines; ++i) {
    EXPECT_TRUE(limiter.Take("a", kStartNs + LineLimiter::kWindowNs));
  }
  EXPECT_FALSE(limiter.Take("a", kStartNs + LineLimiter::kWindowNs));
}

TEST(LineLimiterTest, TellsOnceHowManyWereLeftOut) {
  LineLimiter limiter;
  for (uint64_t i = 0; i < LineLimiter::kLines + 7; ++i) limiter.Take("a", kStartNs);
  EXPECT_FALSE(limiter.TakeLeftOut(kStartNs + LineLimiter::kWindowNs - 1).has_value());
  const auto left_out = limiter.TakeLeftOut(kStartNs + LineLimiter::kWindowNs);
  ASSERT_TRUE(left_out.has_value());
  EXPECT_EQ(left_out->place, "a");
  EXPECT_EQ(left_out->lines, 7u);
  EXPECT_FALSE(limiter.TakeLeftOut(kStartNs + LineLimiter::kWindowNs).has_value());
  EXPECT_TRUE(limiter.Take("a", kStartNs + LineLimiter::kWindowNs));
}

TEST(LineLimiterTest, LeavesNothingOutOfPlacesThatItHasNoRoomFor) {
  const std::string places(LineLimiter::kPlaces + 1, 'x');
  LineLimiter limiter;
  for (size_t i = 0; i < LineLimiter::kPlaces; ++i) {
    limiter.Take(std::string_view(places).substr(i, 1), kStartNs);
  }
  for (uint64_t i = 0; i < 2 * LineLimiter::kLines; ++i) {
    EXPECT_TRUE(limiter.Take(std::string_view(places).substr(LineLimiter::kPlaces), kStartNs));
  }
}

class LoggingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    read_ = UniqueFd(ends[0]);
    write_ = UniqueFd(ends[1]);
    stderr_ = UniqueFd(::dup(STDERR_FILENO));
    ASSERT_EQ(::fcntl(write_.get(), F_SETFL, 0), 0);  // as roostd finds it
    ASSERT_EQ(::dup2(write_.get(), STDERR_FILENO), STDERR_FILENO);
  }

  void TearDown() override {
    ASSERT_EQ(::dup2(stderr_.get(), STDERR_FILENO), STDERR_FILENO);
    ::unsetenv("JOURNAL_STREAM");
    FindLogDestination();
    SetLogLevel(LogLevel::kInfo);
  }

  std::string ReadAll() {
    std::string all;
    char buffer[4096];
    for (ssize_t size; (size = ::read(read_.get(), buffer, sizeof buffer)) > 0;) {
      all.append(buffer, static_cast<size_t>(size));
    }
    return all;
  }

  void SetJournalStream(int offset) {
    struct stat status {};
    ASSERT_EQ(::fstat(write_.get(), &status), 0);
    const auto inode = status.st_ino + static_cast<ino_t>(offset);
    ::setenv("JOURNAL_STREAM", fmt::format("{}:{}", status.st_dev, inode).c_str(), 1);
    FindLogDestination();
  }

  UniqueFd read_;
  UniqueFd write_;
  UniqueFd stderr_;
};

TEST_F(LoggingTest, WritesTimeNameAndLevel) {
  Log(LogLevel::kWarning, "label {}", "a\x1b[31m\n");
  EXPECT_THAT(ReadAll(),
              MatchesRegex(R"(20..-..-..T..:..:..\..*Z roostd warning: label a\\x1b\[31m\\n)"
                           "\n"));
  Log(LogLevel::kDebug, "not asked for");
  EXPECT_EQ(ReadAll(), "");
}

TEST_F(LoggingTest, WritesPrioritiesIntoTheJournalOfSystemd) {
  SetJournalStream(0);
  SetLogLevel(LogLevel::kDebug);
  Log(LogLevel::kDebug, "d");
  Log(LogLevel::kInfo, "i");
  Log(LogLevel::kWarning, "w");
  Log(LogLevel::kError, "e");
  EXPECT_EQ(ReadAll(), "<7>d\n<6>i\n<4>w\n<3>e\n");
}

TEST_F(LoggingTest, TakesNoOtherFileForTheJournal) {
  SetJournalStream(1);
  Log(LogLevel::kInfo, "i");
  EXPECT_THAT(ReadAll(), HasSubstr("Z roostd info: i\n"));
}

TEST_F(LoggingTest, CutsLongMessagesToWhatAPipeTakesInOnePiece) {
  Log(LogLevel::kInfo, "{}", std::string(kLogMessageMax, '\x01'));
  const std::string whole = ReadAll();
  EXPECT_THAT(whole, EndsWith("\\x01\n"));
  EXPECT_LE(whole.size(), 4096u);
  WriteLogLine(LogLevel::kInfo, std::string(kLogMessageMax, '\x01') + "b");
  EXPECT_THAT(ReadAll(), EndsWith("\\x01 ...\n"));
}

TEST_F(LoggingTest, LeavesOutWhatComesTooOftenAndNothingElse) {
  SetJournalStream(0);
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    Log(LogLevel::kInfo, "often {}", i);
    if (i < 10) expected += fmt::format("<6>often {}\n", i);
  }
  Log(LogLevel::kInfo, "once");
  EXPECT_EQ(ReadAll(), expected + "<6>once\n");
}

// Hangs where it waits.
TEST_F(LoggingTest, LosesLinesRatherThanWaitForWhoReadsThem) {
  SetJournalStream(0);
  const std::string message(kLogMessageMax, 'x');
  for (int i = 0; i < 1000; ++i) WriteLogLine(LogLevel::kInfo, message);
  const size_t written = ReadAll().size() / (message.size() + 4);
  ASSERT_LT(written, 1000u);
  WriteLogLine(LogLevel::kInfo, "after");
  EXPECT_EQ(ReadAll(),
            fmt::format("<4>{} lines were lost: stderr took none\n<6>after\n", 1000 - written));
}

}  // namespace
}  // namespace roost
