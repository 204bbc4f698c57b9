#include "tools/monitor/stream_tally.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace roost {
namespace {

class StreamTallyTest : public testing::Test {
 protected:
  void Count(const std::string& stream, uint64_t times, uint64_t bytes = 100) {
    for (uint64_t i = 0; i < times; ++i) {
      EventView event;
      event.stream = stream;
      event.sequence = ++sequence_;
      event.revision = i + 1;
      event.type = "t";
      event.agent = "a";
      tally_.Count(event, bytes);
    }
  }
  const StreamRate& Of(const std::string& stream) {
    streams_ = tally_.Streams();
    for (const StreamRate& one : streams_) {
      if (one.stream == stream) return one;
    }
    ADD_FAILURE() << "no " << stream;
    return streams_.emplace_back();
  }

  StreamTally tally_;
  std::vector<StreamRate> streams_;
  uint64_t sequence_ = 0;
};

TEST_F(StreamTallyTest, HasTheRatesOfAnEvenFlowFromTheFirstRoundOn) {
  for (int round = 0; round < 20; ++round) {
    Count("busy", 50);
    Count("calm", 5, 10);
    tally_.EndRound(0.5, 1);
    EXPECT_NEAR(Of("busy").events_per_second, 100, 1e-6) << round;
    EXPECT_NEAR(Of("busy").bytes_per_second, 10'000, 1e-6);
    EXPECT_NEAR(Of("calm").events_per_second, 10, 1e-6);
  }
  EXPECT_EQ(tally_.Streams()[0].stream, "busy");
  EXPECT_EQ(Of("busy").revision, 50u);
}

TEST_F(StreamTallyTest, ForgetsASpurtOverSomeSeconds) {
  for (int round = 0; round < 20; ++round) {
    Count("s", 100);
    tally_.EndRound(1, 1);
  }
  tally_.EndRound(StreamTally::kMemorySeconds, 1);
  EXPECT_NEAR(Of("s").events_per_second, 100 * 0.37, 4);
  for (int round = 0; round < 60; ++round) tally_.EndRound(1, 1);
  EXPECT_LT(Of("s").events_per_second, 0.01);
}

TEST_F(StreamTallyTest, TakesASampleForAll) {
  Count("s", 20);
  tally_.EndRound(1, 50);
  EXPECT_NEAR(Of("s").events_per_second, 1'000, 1e-6);
}

TEST_F(StreamTallyTest, KnowsStreamsOfOldEventsWithoutARate) {
  Count("old", 10);
  tally_.EndRound(0, 0);
  EXPECT_DOUBLE_EQ(Of("old").events_per_second, 0);
  EXPECT_EQ(Of("old").revision, 10u);
  Count("new", 1);
  tally_.EndRound(1, 1);
  EXPECT_DOUBLE_EQ(Of("old").events_per_second, 0);
  EXPECT_NEAR(Of("new").events_per_second, 1, 1e-6);
}

TEST_F(StreamTallyTest, KeepsTheBusiestOfTooMany) {
  Count("busy", 3);
  for (size_t i = 0; i < StreamTally::kStreamsMax * 2; ++i) Count(std::to_string(i), 1);
  tally_.EndRound(1, 1);
  const auto streams = tally_.Streams();
  ASSERT_EQ(streams.size(), StreamTally::kStreamsMax);
  EXPECT_EQ(streams[0].stream, "busy");
  EXPECT_EQ(streams[1].stream, std::to_string(StreamTally::kStreamsMax * 2 - 1));
}

}  // namespace
}  // namespace roost
