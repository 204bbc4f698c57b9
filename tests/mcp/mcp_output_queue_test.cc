#include "client/mcp/output_queue.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>

#include "base/unique_fd.h"

namespace roost {
namespace {

enum class OutputKind { kPipe, kSocket };

// Both ends of what a client may give us as stdout; both stay blocking, as clients leave them.
class OutputQueueTest : public ::testing::TestWithParam<OutputKind> {
 protected:
  void SetUp() override {
    int fds[2];
    if (GetParam() == OutputKind::kPipe) {
      ASSERT_EQ(::pipe(fds), 0);
    } else {
      ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    }
    reader_.Reset(fds[0]);
    writer_.Reset(fds[1]);
    std::signal(SIGPIPE, SIG_IGN);
  }

  std::string ReadSome() {
    std::string bytes(1 << 20, '\0');
    const ssize_t size = ::read(reader_.get(), bytes.data(), bytes.size());
    bytes.resize(size < 0 ? 0 : static_cast<size_t>(size));
    return bytes;
  }

  UniqueFd reader_;
  UniqueFd writer_;
  OutputQueue queue_;
};

TEST_P(OutputQueueTest, WritesWhatWasAppended) {
  queue_.line()->append("one\n");
  queue_.line()->append("two\n");
  EXPECT_EQ(queue_.WriteTo(writer_.get()), OutputQueue::Outcome::kDone);
  EXPECT_EQ(queue_.pending_bytes(), 0u);
  EXPECT_EQ(ReadSome(), "one\ntwo\n");
}

TEST_P(OutputQueueTest, NeverBlocksAndLosesNothingWhenNobodyReads) {
  std::string expected;
  for (int i = 0; i < 200'000; ++i) expected += std::to_string(i) + "\n";
  queue_.line()->append(expected);
  std::string seen;
  OutputQueue::Outcome outcome;
  while ((outcome = queue_.WriteTo(writer_.get())) == OutputQueue::Outcome::kBlocked) {
    EXPECT_TRUE(queue_.full() || seen.size() > 100'000);
    seen += ReadSome();
  }
  EXPECT_EQ(outcome, OutputQueue::Outcome::kDone);
  while (seen.size() < expected.size()) seen += ReadSome();
  EXPECT_TRUE(seen == expected);
}

TEST_P(OutputQueueTest, SaysWhenNobodyCanReadAnyMore) {
  reader_.Reset();
  queue_.line()->append("x\n");
  EXPECT_EQ(queue_.WriteTo(writer_.get()), OutputQueue::Outcome::kClosed);
}

TEST_P(OutputQueueTest, LeavesTheFlagsOfTheOpenFileAlone) {
  const int before = ::fcntl(writer_.get(), F_GETFL);
  queue_.line()->append(std::string(1 << 20, 'x'));
  EXPECT_EQ(queue_.WriteTo(writer_.get()), OutputQueue::Outcome::kBlocked);
  EXPECT_EQ(::fcntl(writer_.get(), F_GETFL), before);
}

INSTANTIATE_TEST_SUITE_P(PipesAndSockets, OutputQueueTest,
                         ::testing::Values(OutputKind::kPipe, OutputKind::kSocket),
                         [](const auto& kind) {
                           return kind.param == OutputKind::kPipe ? "Pipe" : "Socket";
                         });

}  // namespace
}  // namespace roost
