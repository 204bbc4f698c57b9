// A client and a broker whose clocks leap: what takes long in life, or a race to see.
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/clock.h"
#include "broker/broker.h"
#include "broker/logging.h"
#include "client/connection.h"
#include "client/reconnect_schedule.h"
#include "tests/simulation/kernel_calls.h"
#include "tests/simulation/simulated_network.h"

namespace roost {
namespace {

class SimulatedClockTest : public ::testing::Test, private Kernel {
 protected:
  SimulatedClockTest()
      : directory_(::testing::TempDir() + "/simulated_clock." + std::to_string(::getpid())),
        kernel_(this, 1) {
    SetLogLevel(LogLevel::kNone);
    std::filesystem::create_directories(directory_);
    options_.socket = directory_ + "/roost.sock";
    options_.log.durability = Durability::kMemory;
    options_.log.ring_bytes = 64 << 10;
    options_.log.streams_max = 64;
  }
  ~SimulatedClockTest() override {
    SetLogLevel(LogLevel::kInfo);
    std::filesystem::remove_all(directory_);
  }

  void Start() {
    auto broker = Broker::Open(options_);
    ASSERT_TRUE(broker.ok()) << broker.status().message();
    broker_ = *std::move(broker);
    ASSERT_TRUE(broker_->BeginSteps().ok());
  }
  // A message crosses, the broker takes a turn, the client hears of it; a few times.
  void Exchange(Connection* connection) {
    for (int round = 0; round < 8; ++round) {
      for (size_t link = 0; link < network_.size(); ++link) {
        network_.Deliver(link, SimulatedNetwork::Direction::kToBroker);
        if (broker_ != nullptr) broker_->Step(Broker::Part::kSequencer);
        if (network_.SourceOf(link, SimulatedNetwork::Direction::kToClient) < 0) continue;
        network_.Deliver(link, SimulatedNetwork::Direction::kToClient);
      }
      network_.Sweep();
      connection->OnReady();
    }
  }

  uint64_t now_ns_ = kNsPerSecond;
  BrokerOptions options_;
  std::unique_ptr<Broker> broker_;

 private:
  uint64_t MonotonicNs() override { return now_ns_; }
  uint64_t WallNs() override { return now_ns_; }
  int Connect(int socket, const std::string& path) override {
    return network_.Connect(socket, path);
  }
  bool IsAlive() override { return true; }

  const std::string directory_;
  SimulatedNetwork network_;
  KernelInForce kernel_;
};

TEST_F(SimulatedClockTest, AClientThatSleptPastItsNextAttemptWantsNothingAnyMore) {
  Start();
  Connection connection({.socket = options_.socket, .agent = "sleeper"});
  bool is_attached = false;
  connection.Attach(now_ns_ + kNsPerSecond,
                    [&](const Status& status) { is_attached = status.ok(); });
  Exchange(&connection);
  ASSERT_TRUE(is_attached);
  broker_.reset();
  Exchange(&connection);
  ASSERT_FALSE(connection.attached());
  ASSERT_LT(connection.NextTimerNs(), now_ns_ + kNsPerSecond);

  // It was stopped, or its machine was. A poll loop must not find a timer due for ever.
  now_ns_ += ReconnectSchedule::kComeBackNs + kNsPerSecond;
  connection.OnTimer();
  EXPECT_EQ(connection.NextTimerNs(), UINT64_MAX);

  Start();
  connection.Attach(now_ns_ + kNsPerSecond,
                    [&](const Status& status) { EXPECT_TRUE(status.ok()); });
  Exchange(&connection);
  EXPECT_TRUE(connection.attached());
}

TEST_F(SimulatedClockTest, ABrokerSleepsAgainAfterALargeRequest) {
  options_.log.ring_bytes = 1 << 20;
  Start();
  Connection connection({.socket = options_.socket, .agent = "author"});
  Batch batch;
  batch.events.push_back({.stream = "large", .type = "text"});
  batch.events[0].data = '"' + std::string(100'000, 'x') + '"';  // more than a message takes
  bool is_appended = false;
  connection.Append(
      batch, now_ns_ + kNsPerSecond,
      [&](const Result<AppendResult>& result) { is_appended = result.ok() && result->appended; });
  Exchange(&connection);
  ASSERT_TRUE(is_appended);

  // Past when it gives back what the request needed: a timer that stays due would keep its thread awake for ever.
  for (int second = 0; second < 30; ++second) {
    now_ns_ += kNsPerSecond;
    broker_->Step(Broker::Part::kSequencer);
  }
  EXPECT_GT(broker_->NextStepNs(Broker::Part::kSequencer), now_ns_);
}

}  // namespace
}  // namespace roost
