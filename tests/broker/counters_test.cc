// The counters file as its writer makes it and as its reader finds it.
#include "broker/counters_writer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "broker/disk_trend.h"
#include "ipc/counters_reader.h"

namespace roost {
namespace {

constexpr uint8_t kCountersLogId[16] = {1, 2, 3};

class CountersWriterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = ::testing::TempDir() + "roost-counters-writer-" + std::to_string(::getpid());
    auto made =
        CountersWriter::Create(path_, {kCountersLogId, Durability::kProcess, "/data", 64 << 20});
    ASSERT_TRUE(made.ok()) << made.status().message();
    writer_.emplace(*std::move(made));
  }
  void TearDown() override { std::remove(path_.c_str()); }

  SessionCountersWriter& sessions() { return writer_->sessions(); }
  CountersSnapshot Read() {
    auto read = ReadCounters(path_);
    EXPECT_TRUE(read.ok()) << read.status().message();
    return read.ok() ? *std::move(read) : CountersSnapshot();
  }

  std::string path_;
  std::optional<CountersWriter> writer_;
};

TEST_F(CountersWriterTest, TellsWhoWritesIt) {
  const CountersSnapshot snapshot = Read();
  EXPECT_EQ(snapshot.broker_pid, static_cast<uint32_t>(::getpid()));
  EXPECT_NE(snapshot.process_start_ticks, 0u);
  EXPECT_NE(snapshot.pid_namespace, 0u);
  EXPECT_EQ(snapshot.segment_bytes, 64u << 20);
  EXPECT_EQ(snapshot.beat.doing, Doing::kStarting);
  writer_->SetBeat(Doing::kAsleep, 123'456);
  EXPECT_EQ(Read().beat.doing, Doing::kAsleep);
  EXPECT_EQ(Read().beat.at_ns, 123'456u);
}

TEST_F(CountersWriterTest, CountsByKindAndReason) {
  writer_->CountRequest(RequestKind::kClaim);
  writer_->CountRefused(7);
  writer_->Record(Latency::kClaim, 5'000);
  writer_->Record(Size::kEventsPerCommit, 64);
  const CountersSnapshot snapshot = Read();
  EXPECT_EQ(snapshot[RequestKind::kClaim], 1u);
  EXPECT_EQ(snapshot[RequestKind::kAppend], 0u);
  EXPECT_EQ(snapshot.refused[7], 1u);
  EXPECT_EQ(snapshot[Latency::kClaim].count(), 1u);
  EXPECT_EQ(snapshot[Size::kEventsPerCommit].Quantile(0.5), 64u);
}

TEST_F(CountersWriterTest, TellsOfObjectivesAndBaselines) {
  writer_->monitor().NameObjective(1, std::string(200, 'x'));
  writer_->monitor().NameObjective(0, "append p99 < 1ms over 1m");
  writer_->monitor().Set(0, ObjectiveValue::kState, StateSince(1, 4711));
  writer_->monitor().Set(0, ObjectiveValue::kMeasured, 123'456);
  writer_->monitor().NameBaseline(0, "append p50");
  writer_->monitor().Set(0, BaselineValue::kCurrent, 42);
  writer_->Set(Counter::kObjectives, 2);
  writer_->Set(Counter::kBaselines, 1);
  const CountersSnapshot snapshot = Read();
  ASSERT_EQ(snapshot.objectives.size(), 2u);
  EXPECT_EQ(snapshot.objectives[0].text, "append p99 < 1ms over 1m");
  EXPECT_EQ(snapshot.objectives[0].state, ObjectiveState::kMet);
  EXPECT_EQ(snapshot.objectives[0].since_ns, 4711u);
  EXPECT_EQ(snapshot.objectives[0].measured(), 123'456);
  EXPECT_EQ(snapshot.objectives[1].text, std::string(127, 'x'));
  EXPECT_EQ(snapshot.objectives[1].state, ObjectiveState::kNotJudged);
  ASSERT_EQ(snapshot.baselines.size(), 1u);
  EXPECT_EQ(snapshot.baselines[0].name, "append p50");
  EXPECT_EQ(snapshot.baselines[0].current(), 42);
}

TEST_F(CountersWriterTest, GivesARowToWhoeverTakesThePlaceOfAnother) {
  SessionCountersWriter::Row* const first = sessions().Begin({11, 1, 1000, 42, "first"});
  sessions().Add(first, SessionCounter::kRequests, 9);
  sessions().Record(first, SessionLatency::kRequests, Histogram::IndexOf(30'000));
  sessions().End(first);
  EXPECT_TRUE(Read().sessions.empty());
  const std::string label(128, 'x');
  SessionCountersWriter::Row* const second = sessions().Begin({12, 2, 1001, 43, label});
  EXPECT_EQ(second, first);
  sessions().Record(second, SessionLatency::kRequests, Histogram::IndexOf(30'000));
  const CountersSnapshot snapshot = Read();
  ASSERT_EQ(snapshot.sessions.size(), 1u);
  EXPECT_EQ(snapshot.sessions[0].session, 12u);
  EXPECT_EQ(snapshot.sessions[0].agent, label);
  EXPECT_EQ(snapshot.sessions[0][SessionCounter::kRequests], 0u);
  EXPECT_EQ(snapshot.sessions[0][SessionLatency::kRequests].count(), 1u);
}

TEST_F(CountersWriterTest, CountsWhatFindsNoPlace) {
  std::vector<SessionCountersWriter::Row*> rows;
  for (uint64_t i = 1; i <= kSessionRowCount; ++i)
    rows.push_back(sessions().Begin({i, 0, 0, 0, ""}));
  SessionCountersWriter::Row* const none = sessions().Begin({9999, 0, 0, 0, "late"});
  EXPECT_EQ(none, sessions().nowhere());
  sessions().Add(none, SessionCounter::kRequests);
  sessions().CountAppended(none, 1, 1);
  sessions().Record(none, SessionLatency::kReads, 0);
  sessions().End(none);
  // One that spreads its durations over everything has its share and no more.
  for (size_t bucket = 0; bucket < Histogram::kBuckets; bucket += kChunkBuckets) {
    sessions().Record(rows[0], SessionLatency::kReads, bucket);
  }
  const size_t lost = Histogram::kBuckets / kChunkBuckets - kChunksPerKindMax;
  const CountersSnapshot snapshot = Read();
  EXPECT_EQ(snapshot[Counter::kSessionsUnplaced], 1u);
  EXPECT_EQ(snapshot[Counter::kLatenciesUnplaced], lost);
  ASSERT_EQ(snapshot.sessions.size(), kSessionRowCount);
  EXPECT_EQ(snapshot.sessions[0][SessionLatency::kReads].count(), kChunksPerKindMax);
  EXPECT_EQ(snapshot.sessions[0][SessionCounter::kLatenciesUnplaced], lost);
}

TEST_F(CountersWriterTest, StopsCountingADurationAtItsBound) {
  SessionCountersWriter::Row* const row = sessions().Begin({1, 0, 0, 0, ""});
  sessions().Record(row, SessionLatency::kReads, 100, UINT32_MAX);
  sessions().Record(row, SessionLatency::kReads, 100, 5);
  EXPECT_EQ(Read().sessions.at(0)[SessionLatency::kReads].count(), UINT32_MAX);
}

TEST_F(CountersWriterTest, HasGroupsInTheirOrderAsFarAsThereAreRows) {
  GroupCountersWriter& groups = writer_->groups();
  groups.Begin();
  EXPECT_TRUE(groups.Write("tasks", "a", {10, 4, 8, 3, 1, 2, 1}));
  EXPECT_TRUE(groups.Write("tasks", "b", {10, 10, 11, 0, 0, 0, 0}));
  writer_->Set(Counter::kGroupRows, groups.End());
  CountersSnapshot snapshot = Read();
  ASSERT_EQ(snapshot.groups.size(), 2u);
  EXPECT_EQ(snapshot.groups[0].group, "a");
  EXPECT_EQ(snapshot.groups[0].lag(), 6u);
  EXPECT_EQ(snapshot.groups[0][GroupCounter::kTaken], 3u);
  EXPECT_EQ(snapshot.groups[1].lag(), 0u);

  groups.Begin();
  size_t written = 0;
  while (groups.Write("tasks", "g" + std::to_string(written), {written})) ++written;
  writer_->Set(Counter::kGroupRows, groups.End());
  EXPECT_EQ(written, kGroupRowCount);
  snapshot = Read();
  ASSERT_EQ(snapshot.groups.size(), kGroupRowCount);
  EXPECT_EQ(snapshot.groups[255].group, "g255");
}

// A row is of one session whenever it is looked at: its uid, pid, time and label all tell of the session's number, and its
// durations are none of another's, who has them in buckets of its own.
TEST_F(CountersWriterTest, NeverShowsARowOfTwoSessions) {
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (uint64_t i = 1; !stop.load(std::memory_order_relaxed); ++i) {
      const auto low = static_cast<uint32_t>(i);
      SessionCountersWriter::Row* const row = sessions().Begin({i, i, low, low, std::to_string(i)});
      for (int k = 0; k < 3; ++k) {
        sessions().Record(row, SessionLatency::kRequests, i % Histogram::kBuckets);
      }
      sessions().End(row);
    }
  });
  int seen = 0;
  const uint64_t end_ns = MonotonicNs() + kNsPerSecond / 2;
  while (MonotonicNs() < end_ns || seen == 0) {
    for (const SessionCounters& session : Read().sessions) {
      ++seen;
      ASSERT_EQ(session.attached_ns, session.session);
      ASSERT_EQ(session.uid, static_cast<uint32_t>(session.session));
      ASSERT_EQ(session.pid, session.uid);
      ASSERT_EQ(session.agent, std::to_string(session.session));
      const LatencySnapshot& durations = session[SessionLatency::kRequests];
      ASSERT_LE(durations.count(), 3u);
      const uint64_t own = durations.buckets().size() > session.session % Histogram::kBuckets
                               ? durations.buckets()[session.session % Histogram::kBuckets]
                               : 0;
      ASSERT_EQ(durations.count(), own);
    }
  }
  stop.store(true);
  writer.join();
}

TEST(DiskTrendTest, SaysHowFastADiskFilled) {
  DiskTrend trend;
  constexpr uint64_t kStart = 1'000 * kNsPerSecond;
  EXPECT_EQ(trend.Add(kStart, 1'000'000), 0u);
  EXPECT_EQ(trend.Add(kStart + 100, 2'000'000), 0u) << "too short to say";
  EXPECT_EQ(trend.Add(kStart + 2 * kNsPerSecond, 3'000'000), 1'000'000u);
  for (uint64_t second = 3; second <= 200; ++second) {
    trend.Add(kStart + second * kNsPerSecond, 3'000'000);
  }
  EXPECT_EQ(trend.Add(kStart + 201 * kNsPerSecond, 3'000'000), 0u) << "it has stopped";
  EXPECT_EQ(trend.Add(kStart + 202 * kNsPerSecond, 1'000), 0u) << "there is more room";
}

}  // namespace
}  // namespace roost
