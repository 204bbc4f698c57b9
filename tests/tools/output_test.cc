#include "tools/output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <csignal>

#include "base/unique_fd.h"
#include "tools/table.h"

namespace roost {
namespace {

class OutputTest : public testing::Test {
 protected:
  OutputTest() {
    std::signal(SIGPIPE, SIG_IGN);
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    reader_.Reset(ends[0]);
    writer_.Reset(ends[1]);
  }
  std::string ReadSome() {
    std::string text(4096, '\0');
    const ssize_t size = ::read(reader_.get(), text.data(), text.size());
    text.resize(size < 0 ? 0 : static_cast<size_t>(size));
    return text;
  }
  UniqueFd reader_, writer_;
};

TEST_F(OutputTest, IsPlainWhenItIsNoTerminal) {
  Output out(writer_.get());
  EXPECT_FALSE(out.terminal());
  EXPECT_EQ(out.Width(), 0u);
  EXPECT_EQ(out.Paint(Colour::kRed, "x"), "x");
}

TEST_F(OutputTest, WritesAtCloseWhatWasKept) {
  Output out(writer_.get());
  out.Write("a");
  out.Write("b");
  EXPECT_TRUE(out.Close().ok());
  EXPECT_EQ(ReadSome(), "ab");
}

TEST_F(OutputTest, IsQuietWhenTheReaderHasGone) {
  Output out(writer_.get());
  EXPECT_FALSE(out.ReaderHasGone());
  reader_.Reset();
  EXPECT_TRUE(out.ReaderHasGone());
  EXPECT_FALSE(out.open());
  out.Write("x");
  EXPECT_TRUE(out.Close().ok());
}

TEST_F(OutputTest, NoticesAReaderThatGoesWhileItWrites) {
  Output out(writer_.get());
  reader_.Reset();
  out.Write(std::string(Output::kBufferBytes, 'x'));
  EXPECT_FALSE(out.open());
  EXPECT_TRUE(out.Close().ok());
}

TEST_F(OutputTest, TellsAnErrorThatIsNotTheReadersGoing) {
  UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  Output out(full.get());
  out.Write("x");
  EXPECT_FALSE(out.Close().ok());
}

TEST_F(OutputTest, TableAlignsItsColumnsAndShowsNoControlCharacter) {
  Output out(writer_.get());
  Table table({{"name"}, {"count", Table::Align::kRight}, {"note"}});
  table.Add({"a", "5", "x"});
  table.Add({"b\x1b[2J", "1,234", ""});
  table.Print(&out);
  ASSERT_TRUE(out.Close().ok());
  EXPECT_EQ(ReadSome(),
            "name      count  note\n"
            "a             5  x\n"
            "b\\x1b[2J  1,234  \n");
}

// Data is JSON as the agent wrote it, so it may have in its strings what a terminal obeys.
TEST_F(OutputTest, WritesJsonAsItIsButForATerminalItsCharactersThatObey) {
  const std::string json = "{\"a\":\t\"\u009b2J\u202e\u200b\x7f\U000e0041\u00fc\"}";
  {
    Output out(writer_.get());
    out.WriteJson(json);
    ASSERT_TRUE(out.Close().ok());
  }
  EXPECT_EQ(ReadSome(), json + "\n");

  const UniqueFd terminal(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(terminal.valid());
  ASSERT_TRUE(::grantpt(terminal.get()) == 0 && ::unlockpt(terminal.get()) == 0);
  const UniqueFd end(::open(::ptsname(terminal.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(end.valid());
  Output out(end.get());
  ASSERT_TRUE(out.terminal());
  out.WriteJson(json);
  ASSERT_TRUE(out.Close().ok());
  std::string text(4096, '\0');
  const ssize_t size = ::read(terminal.get(), text.data(), text.size());
  text.resize(size < 0 ? 0 : static_cast<size_t>(size));
  EXPECT_EQ(text, "{\"a\": \"\\u009b2J\\u202e\\u200b\\u007f\\udb40\\udc41\u00fc\"}\r\n");
}

TEST(ShowTest, ShowsNumbersAsPeopleReadThem) {
  EXPECT_EQ(WithCommas(0), "0");
  EXPECT_EQ(WithCommas(999), "999");
  EXPECT_EQ(WithCommas(1234567), "1,234,567");
  EXPECT_EQ(ShowBytes(1023), "1023 bytes");
  EXPECT_EQ(ShowBytes(64 << 20), "64.0 MiB");
  EXPECT_EQ(ShowDuration(850), "850 ns");
  EXPECT_EQ(ShowDuration(12'300), "12.3 us");
  EXPECT_EQ(ShowDuration(1'500'000'000), "1.5 s");
  EXPECT_EQ(ShowAge(59'000'000'000), "59 s");
  EXPECT_EQ(ShowAge(11'520'000'000'000), "3 h 12 min");
}

}  // namespace
}  // namespace roost
