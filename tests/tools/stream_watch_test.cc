// Which streams of a real broker are busy, by a clock of the test's own.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>

#include "base/clock.h"
#include "roost/client.h"
#include "tests/support/broker_process.h"
#include "tools/monitor/stream_tally.h"

namespace roost {
namespace {

class StreamWatchTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(broker_.Start());
    client_.emplace(Client({.socket = broker_.socket(), .agent = "worker"}));
  }

  void Append(const std::string& stream, uint64_t count) {
    for (uint64_t i = 0; i < count; i += kBatch) {
      Batch batch;
      batch.events.assign(std::min(kBatch, count - i), {.stream = stream, .type = "t", .data = "1"});
      const auto appended = client_->Append(batch);
      ASSERT_TRUE(appended.ok()) << appended.status().message();
    }
  }
  // A second after the last one.
  void Look() {
    now_ns_ += kNsPerSecond;
    const Status looked = watch_.Look(*client_, now_ns_);
    ASSERT_TRUE(looked.ok()) << looked.message();
  }
  std::optional<StreamRate> Of(const std::string& stream) {
    for (const StreamRate& one : watch_.Streams()) {
      if (one.stream == stream) return one;
    }
    return std::nullopt;
  }

  static constexpr uint64_t kBatch = 500;
  BrokerProcess broker_;
  std::optional<Client> client_;
  StreamWatch watch_;
  uint64_t now_ns_ = 0;
};

TEST_F(StreamWatchTest, KnowsWhatThereWasAndTheRatesFromThenOn) {
  Append("old", 10);
  Look();
  ASSERT_TRUE(Of("old").has_value());
  EXPECT_DOUBLE_EQ(Of("old")->events_per_second, 0);
  EXPECT_EQ(Of("old")->revision, 10u);
  Append("new", 20);
  Look();
  ASSERT_TRUE(Of("new").has_value());
  EXPECT_NEAR(Of("new")->events_per_second, 20, 1e-6);
  EXPECT_GT(Of("new")->bytes_per_second, 20 * 96.0);
  EXPECT_EQ(Of("new")->agent, "worker");
  EXPECT_EQ(watch_.Streams().front().stream, "new");
  Look();
  EXPECT_LT(Of("new")->events_per_second, 20);
}

TEST_F(StreamWatchTest, LetsTheNewestStandForAllOfTooMany) {
  Look();
  constexpr uint64_t kEvents = StreamWatch::kEventsMax + 3 * kBatch;
  Append("flood", kEvents);
  Look();
  ASSERT_TRUE(Of("flood").has_value());
  EXPECT_NEAR(Of("flood")->events_per_second, kEvents, 1);
  EXPECT_EQ(Of("flood")->revision, kEvents);
}

TEST_F(StreamWatchTest, BeginsAnewWithAnotherLog) {
  Append("before", 10);
  Look();
  broker_.Kill9();
  std::filesystem::remove_all(broker_.data());
  ASSERT_TRUE(broker_.Start());
  Append("after", 1);
  Look();
  EXPECT_FALSE(Of("before").has_value());
  ASSERT_TRUE(Of("after").has_value());
  EXPECT_EQ(Of("after")->revision, 1u);
}

}  // namespace
}  // namespace roost
