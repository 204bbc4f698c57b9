// A reader in a process of its own that is stopped while the ring goes round several times.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/broker_process.h"
#include "tests/support/log_history.h"
#include "tests/support/shim_process.h"

namespace roost {
namespace {

constexpr uint64_t kRingBytes = 64 << 10;

class StoppedReaderTest : public ::testing::Test {
 protected:
  void StartBroker(std::vector<std::string> more) {
    more.insert(more.end(), {"--ring", "64KiB"});
    broker_ = std::make_unique<BrokerProcess>(BrokerSetup{.arguments = std::move(more)});
    ASSERT_TRUE(broker_->Start());
    client_ = std::make_unique<Client>(MakeClient(broker_->socket()));
  }

  Process StartFollower(uint64_t last) {
    output_ = broker_->scratch() / "follower.output";
    const UniqueFd file(::open(output_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    return Process(
        {.arguments = {ROOST_TEST_BIN_DIR "/log_follower", broker_->socket(), std::to_string(last)},
         .descriptors = {{file.get(), STDOUT_FILENO}}});
  }

  // Returns the newest sequence.
  uint64_t Append(uint64_t count) {
    uint64_t sequence = 0;
    for (uint64_t i = 0; i < count; ++i) {
      NewEvent event;
      event.stream = "s" + std::to_string(appended_ % 7);
      event.type = "t";
      event.data = std::to_string(++appended_);
      event.data += std::string(100, ' ');  // still JSON, and the ring goes round sooner
      const Result<AppendResult> result = client_->Append(event);
      EXPECT_TRUE(result.ok()) << result.status().message();
      if (result.ok()) sequence = result->sequence;
    }
    return sequence;
  }

  // More than `laps` times the ring: a record has at least its header, 96 bytes, and the data.
  static uint64_t EventsForLaps(uint64_t laps) { return laps * kRingBytes / 200; }

  std::vector<std::string> Lines() const {
    std::vector<std::string> lines;
    std::istringstream text(ReadFile(output_));
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }

  uint64_t LastSequenceSeen() const {
    const std::vector<std::string> lines = Lines();
    return lines.empty() ? 0 : std::strtoull(lines.back().c_str(), nullptr, 10);
  }

  std::unique_ptr<BrokerProcess> broker_;
  std::unique_ptr<Client> client_;
  std::string output_;
  uint64_t appended_ = 0;
};

TEST_F(StoppedReaderTest, GetsEveryEventOnceAndInOrderFromTheJournal) {
  StartBroker({"--segment", "256KiB"});
  Append(50);
  constexpr uint64_t kRounds = 4;
  const uint64_t last = 2000 + kRounds * EventsForLaps(5);
  Process follower = StartFollower(last);
  uint64_t head = 0;
  for (uint64_t round = 0; round < kRounds; ++round) {
    head = Append(20);
    ASSERT_TRUE(Eventually([&] { return LastSequenceSeen() >= head - 20; }));
    follower.Signal(SIGSTOP);
    head = Append(EventsForLaps(5));
    follower.Signal(SIGCONT);
  }
  while (head < last) head = Append(1);
  EXPECT_EQ(follower.Wait().exit_status, 0);

  const std::vector<SeenEvent> log = ReadAll(client_.get());
  ExpectDense(log);
  const std::vector<std::string> lines = Lines();
  ASSERT_GE(lines.size(), last);
  for (size_t i = 0; i < lines.size(); ++i) {
    const SeenEvent& event = log[i];
    ASSERT_EQ(lines[i], std::to_string(event.sequence) + " " + event.stream + " " +
                            std::to_string(event.revision) + " " + event.data);
  }
}

TEST_F(StoppedReaderTest, IsToldExactlyWhatIsGoneWhenThereIsNoJournal) {
  StartBroker({"--durability", "memory"});
  Append(50);
  const uint64_t last = 100 + EventsForLaps(3);
  Process follower = StartFollower(last);
  ASSERT_TRUE(Eventually([&] { return LastSequenceSeen() >= 50; }));
  follower.Signal(SIGSTOP);
  uint64_t head = Append(EventsForLaps(3));
  follower.Signal(SIGCONT);
  while (head < last) head = Append(1);
  EXPECT_EQ(follower.Wait().exit_status, 0);

  uint64_t expected = 0, gaps = 0;
  for (const std::string& line : Lines()) {
    std::istringstream words(line);
    std::string first_word;
    words >> first_word;
    if (first_word == "gap") {
      uint64_t first = 0, gap_last = 0;
      words >> first >> gap_last;
      ASSERT_EQ(first, expected + 1) << line;
      ASSERT_GE(gap_last, first) << line;
      expected = gap_last;
      ++gaps;
    } else {
      ASSERT_EQ(first_word, std::to_string(++expected));
    }
  }
  EXPECT_GE(gaps, 1u);
  EXPECT_GE(expected, last);
}

TEST_F(StoppedReaderTest, HoldsUpNeitherBrokerNorOthersWhileItIsStopped) {
  StartBroker({"--segment", "256KiB"});
  std::vector<std::unique_ptr<ShimProcess>> stopped;
  for (int i = 0; i < 4; ++i) {
    stopped.push_back(std::make_unique<ShimProcess>(
        ShimSetup{.socket = broker_->socket(), .agent = "stopped-" + std::to_string(i)}));
    ASSERT_TRUE(stopped.back()->Call("status", {}).ok());
    // Registered with the broker before it stops: its wake-ups are never taken.
    stopped.back()->StartCall("wait", {{"stream", "s3"}, {"timeout_ms", 50000}});
  }
  ASSERT_TRUE(Eventually([&] { return broker_->Count(Counter::kWaits) >= 4; }));
  for (auto& shim : stopped) shim->process().Signal(SIGSTOP);
  Append(EventsForLaps(3));
  const std::vector<SeenEvent> log = ReadAll(client_.get());
  ExpectDense(log);
  for (auto& shim : stopped) {
    shim->process().Signal(SIGCONT);
    const ToolResult result = shim->Call("read", {{"stream", "s1"}, {"limit", 500}});
    ASSERT_TRUE(result.ok()) << result.text;
    EXPECT_EQ(result.Array("events").at(0).at("revision").to_number<uint64_t>(), 1u);
  }
}

}  // namespace
}  // namespace roost
