#include "ipc/counters_reader.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace roost {
namespace {

class CountersReaderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = ::testing::TempDir() + "roost-counters-test-" + std::to_string(::getpid());
    bytes_.resize(kCountersBytes);
    header_.magic = kCountersMagic;
    header_.version = kCountersVersion;
    header_.broker_pid = 4711;
    header_.log_id[0] = 0xab;
    header_.counter_count = kCounterCount;
    header_.latency_count = kLatencyCount;
    header_.durability = 1;
    std::strcpy(header_.data_directory, "/var/lib/roost");
    std::strcpy(header_.version_text, "0.1.0");
  }
  void TearDown() override { std::remove(path_.c_str()); }

  void SetValue(Counter counter, uint64_t value) {
    std::memcpy(bytes_.data() + kCounterValuesOffset + 8 * static_cast<size_t>(counter), &value, 8);
  }
  void SetLatency(Latency latency, const Histogram& histogram) {
    std::memcpy(
        bytes_.data() + kHistogramsOffset + static_cast<size_t>(latency) * sizeof(Histogram),
        static_cast<const void*>(&histogram), sizeof(Histogram));
  }
  Result<CountersSnapshot> Read() {
    std::memcpy(bytes_.data(), &header_, sizeof(header_));
    std::ofstream(path_, std::ios::binary)
        .write(bytes_.data(), static_cast<std::streamsize>(bytes_.size()));
    return ReadCounters(path_);
  }

  std::string path_;
  CountersHeader header_{};
  std::vector<char> bytes_;
};

TEST_F(CountersReaderTest, GivesWhatTheBrokerWrote) {
  SetValue(Counter::kHead, 12345);
  SetValue(Counter::kStreams, 7);
  const auto snapshot = Read();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status().message();
  EXPECT_EQ(snapshot->broker_pid, 4711u);
  EXPECT_EQ(snapshot->log_id[0], 0xab);
  EXPECT_EQ(snapshot->data_directory, "/var/lib/roost");
  EXPECT_EQ(snapshot->version, "0.1.0");
  EXPECT_EQ((*snapshot)[Counter::kHead], 12345u);
  EXPECT_EQ((*snapshot)[Counter::kStreams], 7u);
  EXPECT_EQ((*snapshot)[Counter::kWakeups], 0u);
}

TEST_F(CountersReaderTest, HasTheQuantilesOfTheHistograms) {
  auto histogram = std::make_unique<Histogram>();
  for (uint64_t i = 1; i <= 1000; ++i) histogram->Record(i * 100);
  SetLatency(Latency::kJournalWrite, *histogram);
  const auto snapshot = Read();
  ASSERT_TRUE(snapshot.ok());
  const LatencySnapshot& writes = (*snapshot)[Latency::kJournalWrite];
  EXPECT_EQ(writes.count(), 1000u);
  EXPECT_EQ(writes.Quantile(0.5), histogram->Quantile(0.5));
  EXPECT_EQ(writes.Quantile(0.99), histogram->Quantile(0.99));
  EXPECT_EQ((*snapshot)[Latency::kAppend].count(), 0u);
  EXPECT_EQ((*snapshot)[Latency::kAppend].Quantile(0.5), 0u);
}

TEST_F(CountersReaderTest, TellsWhatHappenedSinceAnEarlierSnapshot) {
  auto histogram = std::make_unique<Histogram>();
  histogram->Record(1'000'000);
  SetLatency(Latency::kAppend, *histogram);
  const auto earlier = Read();
  for (int i = 0; i < 10; ++i) histogram->Record(500);
  SetLatency(Latency::kAppend, *histogram);
  const auto later = Read();
  ASSERT_TRUE(earlier.ok() && later.ok());
  const LatencySnapshot between = (*later)[Latency::kAppend].Since((*earlier)[Latency::kAppend]);
  EXPECT_EQ(between.count(), 10u);
  EXPECT_LT(between.Quantile(1.0), 600u);
}

TEST_F(CountersReaderTest, ReadsTheFileOfABrokerWithFewerCounters) {
  SetValue(Counter::kEventsAppended, 5);
  SetValue(Counter::kHead, 99);
  header_.counter_count = static_cast<uint32_t>(Counter::kHead);
  header_.latency_count = 0;
  const auto snapshot = Read();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status().message();
  EXPECT_EQ((*snapshot)[Counter::kEventsAppended], 5u);
  EXPECT_EQ((*snapshot)[Counter::kHead], 0u);
}

TEST_F(CountersReaderTest, RefusesWhatIsNoCountersFile) {
  header_.magic = 1;
  EXPECT_EQ(Read().status().code(), StatusCode::kCorruption);
  header_.magic = kCountersMagic;
  header_.version = kCountersVersion + 1;
  EXPECT_EQ(Read().status().code(), StatusCode::kIncompatible);
}

TEST_F(CountersReaderTest, RefusesCountsThatDoNotFitTheFile) {
  header_.counter_count = 4000;
  EXPECT_EQ(Read().status().code(), StatusCode::kCorruption);
  header_.counter_count = 0xffffffff;
  EXPECT_EQ(Read().status().code(), StatusCode::kCorruption);
  header_.counter_count = kCounterCount;
  header_.latency_count = 0xffffffff;
  EXPECT_EQ(Read().status().code(), StatusCode::kCorruption);
  header_.latency_count = kLatencyCount;
  bytes_.resize(100);
  EXPECT_EQ(Read().status().code(), StatusCode::kCorruption);
}

TEST_F(CountersReaderTest, SaysNotFoundWhereNoBrokerHasBeen) {
  EXPECT_EQ(ReadCounters(path_ + "-none").status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace roost
