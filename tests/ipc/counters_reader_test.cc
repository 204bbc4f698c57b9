#include "ipc/counters_reader.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "schemas/control_generated.h"

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
    header_.section_count = kSectionCount;
    for (size_t i = 0; i < kSectionCount; ++i) {
      header_.sections[i] = PlaceOf(static_cast<Section>(i));
    }
    header_.durability = 1;
    std::strcpy(header_.data_directory, "/var/lib/roost");
    std::strcpy(header_.version_text, "0.1.0");
  }
  void TearDown() override { std::remove(path_.c_str()); }

  char* At(Section section, size_t index) {
    return bytes_.data() + PlaceOf(section).offset + index * PlaceOf(section).stride;
  }
  void SetValue(Counter counter, uint64_t value) {
    std::memcpy(At(Section::kCounters, static_cast<size_t>(counter)), &value, 8);
  }
  void SetLatency(Latency latency, const Histogram& histogram) {
    std::memcpy(At(Section::kLatencies, static_cast<size_t>(latency)),
                static_cast<const void*>(&histogram), sizeof(Histogram));
  }
  void SetSession(size_t index, const SessionRow& row) {
    std::memcpy(At(Section::kSessions, index), &row, sizeof(row));
    SetValue(Counter::kSessionRows, index + 1);
    SetValue(Counter::kLatencyChunks, 16);
  }
  static SessionRow RowOf(uint64_t session) {
    SessionRow row{};
    row.version = 2;
    row.session = session;
    std::memset(row.chunks, 0xff, sizeof(row.chunks));
    return row;
  }
  SectionPlace& place(Section section) { return header_.sections[static_cast<size_t>(section)]; }
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

TEST_F(CountersReaderTest, AddsDurationsUpExactly) {
  LatencySnapshot all;
  LatencySnapshot one;
  one.Add(Histogram::IndexOf(1'000), 3);
  LatencySnapshot other;
  other.Add(Histogram::IndexOf(1'000), 1);
  other.Add(Histogram::IndexOf(9'000'000), 4);
  all.Merge(one);
  all.Merge(other);
  EXPECT_EQ(all.count(), 8u);
  EXPECT_EQ(all.CountUpTo(2'000), 4u);
  EXPECT_NEAR(static_cast<double>(all.Quantile(1.0)), 9e6, 9e6 * 0.016);
  EXPECT_NEAR(all.Sum(), 4 * 1e3 + 4 * 9e6, (4 * 1e3 + 4 * 9e6) * 0.016);
}

TEST_F(CountersReaderTest, GivesEachSessionItsDurations) {
  SessionRow row = RowOf(77);
  row.uid = 1000;
  std::strcpy(row.agent, "builder");
  row.counters[static_cast<size_t>(SessionCounter::kEvents)] = 5;
  const size_t bucket = Histogram::IndexOf(40'000);
  row.chunks[0][0] = static_cast<uint32_t>(bucket / kChunkBuckets) << 16 | 9;
  const uint32_t count = 3;
  std::memcpy(At(Section::kChunks, 9) + bucket % kChunkBuckets * 4, &count, 4);
  SetSession(2, row);
  const auto snapshot = Read();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status().message();
  ASSERT_EQ(snapshot->sessions.size(), 1u);
  const SessionCounters& session = snapshot->sessions.front();
  EXPECT_EQ(session.session, 77u);
  EXPECT_EQ(session.agent, "builder");
  EXPECT_EQ(session[SessionCounter::kEvents], 5u);
  EXPECT_EQ(session[SessionLatency::kRequests].count(), 3u);
  EXPECT_NEAR(static_cast<double>(session[SessionLatency::kRequests].Quantile(0.5)), 4e4, 640);
  EXPECT_EQ(session[SessionLatency::kReads].count(), 0u);
}

TEST_F(CountersReaderTest, SkipsARowThatItsBrokerDiedIn) {
  SetSession(0, RowOf(1));
  SessionRow torn = RowOf(2);
  torn.version = 3;
  SetSession(1, torn);
  SetSession(2, RowOf(3));
  GroupRow group{};
  group.version = 5;
  std::memcpy(At(Section::kGroups, 0), &group, sizeof(group));
  SetValue(Counter::kGroupRows, 1);
  const auto snapshot = Read();
  ASSERT_TRUE(snapshot.ok());
  ASSERT_EQ(snapshot->sessions.size(), 2u);
  EXPECT_EQ(snapshot->sessions[1].session, 3u);
  EXPECT_TRUE(snapshot->groups.empty());
}

TEST_F(CountersReaderTest, GivesTheObjectivesAndBaselinesAsTheMonitorJudgedThem) {
  ObjectiveRow objective{};
  objective.version = 2;
  std::strcpy(objective.text, "availability 99.9% over 1h");
  const auto set = [&objective](ObjectiveValue value, uint64_t number) {
    objective.values[static_cast<size_t>(value)] = number;
  };
  set(ObjectiveValue::kState, StateSince(2, 1'800'000'000'000'000'000));
  set(ObjectiveValue::kKind, 1);
  set(ObjectiveValue::kMeasured, 998'000'000);
  set(ObjectiveValue::kBudgetUsed, 2'000'000);
  set(ObjectiveValue::kBurnRate, 12'500'000);
  std::memcpy(At(Section::kObjectives, 0), &objective, sizeof(objective));
  objective.version = 3;  // its broker died while it wrote it
  std::memcpy(At(Section::kObjectives, 1), &objective, sizeof(objective));
  SetValue(Counter::kObjectives, 2);
  BaselineRow baseline{};
  baseline.version = 2;
  std::strcpy(baseline.name, "events");
  baseline.values[static_cast<size_t>(BaselineValue::kState)] = StateSince(3, 77);
  baseline.values[static_cast<size_t>(BaselineValue::kIsRate)] = 1;
  baseline.values[static_cast<size_t>(BaselineValue::kUsual)] = 2'500;
  std::memcpy(At(Section::kBaselines, 0), &baseline, sizeof(baseline));
  SetValue(Counter::kBaselines, 1);

  const auto snapshot = Read();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status().message();
  ASSERT_EQ(snapshot->objectives.size(), 1u);
  const Objective& read = snapshot->objectives[0];
  EXPECT_EQ(read.text, "availability 99.9% over 1h");
  EXPECT_TRUE(read.breached());
  EXPECT_EQ(read.since_ns, 1'800'000'000'000'000'000u);
  EXPECT_DOUBLE_EQ(read.measured(), 0.998);
  EXPECT_DOUBLE_EQ(read.budget_left(), -1);
  EXPECT_DOUBLE_EQ(read.burn_rate(), 12.5);
  ASSERT_EQ(snapshot->baselines.size(), 1u);
  EXPECT_EQ(snapshot->baselines[0].name, "events");
  EXPECT_EQ(snapshot->baselines[0].state, BaselineState::kDown);
  EXPECT_EQ(snapshot->baselines[0].since_ns, 77u);
  EXPECT_DOUBLE_EQ(snapshot->baselines[0].usual(), 2.5);
}

TEST_F(CountersReaderTest, ReadsTheFileOfABrokerThatJudgesNothing) {
  SetValue(Counter::kHead, 7);
  SetValue(Counter::kObjectives, 5);
  header_.section_count = 8;
  place(Section::kObjectives) = {~0u, ~0u, 3, 0};
  const auto snapshot = Read();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status().message();
  EXPECT_EQ((*snapshot)[Counter::kHead], 7u);
  EXPECT_TRUE(snapshot->objectives.empty());
}

TEST_F(CountersReaderTest, ReadsOnlyAsMuchAsItIsAskedFor) {
  SetSession(0, RowOf(1));
  ASSERT_TRUE(Read().ok());
  const auto values = ReadCounters(path_, CountersDetail::kValues);
  ASSERT_TRUE(values.ok());
  EXPECT_TRUE(values->sessions.empty());
  EXPECT_EQ((*values)[Counter::kSessionRows], 1u);
}

TEST_F(CountersReaderTest, ReadsTheFileOfABrokerWithFewerCountersOrLargerRows) {
  SetValue(Counter::kEventsAppended, 5);
  SetValue(Counter::kHead, 99);
  place(Section::kCounters).count = static_cast<uint32_t>(Counter::kHead);
  place(Section::kLatencies).count = 0;
  const auto fewer = Read();
  ASSERT_TRUE(fewer.ok()) << fewer.status().message();
  EXPECT_EQ((*fewer)[Counter::kEventsAppended], 5u);
  EXPECT_EQ((*fewer)[Counter::kHead], 0u);

  place(Section::kCounters).count = kCounterCount;
  place(Section::kSessions).stride += 16;
  place(Section::kSessions).count = 8;
  const SessionRow row = RowOf(4);
  std::memcpy(At(Section::kSessions, 0) + place(Section::kSessions).stride, &row, sizeof(row));
  SetValue(Counter::kSessionRows, 2);
  const auto larger = Read();
  ASSERT_TRUE(larger.ok()) << larger.status().message();
  ASSERT_EQ(larger->sessions.size(), 1u);
  EXPECT_EQ(larger->sessions[0].session, 4u);
}

// As the first broker that wrote this version made it: rows without what was added since, and no count of chunks.
TEST_F(CountersReaderTest, ReadsTheRowsOfAnOlderBroker) {
  constexpr uint32_t kFirstRowBytes = 416;
  place(Section::kSessions).stride = kFirstRowBytes;
  place(Section::kCounters).count = static_cast<uint32_t>(Counter::kClientReportsIgnored);
  SessionRow row = RowOf(4);
  row.chunks[0][0] = 0;  // its first buckets are in chunk 0
  std::memcpy(At(Section::kSessions, 0) + kFirstRowBytes, &row, kFirstRowBytes);
  // What is behind the row is the next one's, and none of its chunks.
  std::memset(At(Section::kSessions, 0) + 2 * kFirstRowBytes, 0, kFirstRowBytes);
  const uint32_t count = 6;
  std::memcpy(At(Section::kChunks, 0), &count, sizeof(count));
  SetValue(Counter::kSessionRows, 2);
  const auto snapshot = Read();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status().message();
  ASSERT_EQ(snapshot->sessions.size(), 1u);
  EXPECT_EQ(snapshot->sessions[0].session, 4u);
  EXPECT_EQ(snapshot->sessions[0][SessionLatency::kRequests].count(), 6u);
  EXPECT_EQ(snapshot->sessions[0][SessionLatency::kAppends].count(), 0u);
  place(Section::kSessions).stride = kFirstRowBytes - 8;
  EXPECT_EQ(Read().status().code(), StatusCode::kCorruption);
}

TEST_F(CountersReaderTest, RefusesWhatIsNoCountersFile) {
  header_.magic = 1;
  EXPECT_EQ(Read().status().code(), StatusCode::kCorruption);
  header_.magic = kCountersMagic;
  header_.version = kCountersVersion + 1;
  EXPECT_EQ(Read().status().code(), StatusCode::kIncompatible);
  header_.version = kCountersVersion;
  bytes_.resize(4000);
  EXPECT_EQ(Read().status().code(), StatusCode::kCorruption);
  EXPECT_EQ(ReadCounters(::testing::TempDir()).status().code(), StatusCode::kCorruption);
}

TEST_F(CountersReaderTest, RefusesSectionsThatDoNotFitTheFile) {
  const auto refuses = [&](SectionPlace wrong) {
    const SectionPlace right = place(Section::kChunks);
    place(Section::kChunks) = wrong;
    EXPECT_EQ(Read().status().code(), StatusCode::kCorruption)
        << wrong.offset << ' ' << wrong.count << ' ' << wrong.stride;
    place(Section::kChunks) = right;
  };
  constexpr uint32_t kMax = 0xfffffff8;
  refuses({kMax, 1, 128, 0});
  refuses({4096, kMax, 128, 0});
  refuses({4096, 1, kMax, 0});
  refuses({kMax, kMax, kMax, 0});
  refuses({4097, 1, 128, 0});
  refuses({4096, 1, 64, 0});
  refuses({4096, 1, 129, 0});
  header_.section_count = 1;
  EXPECT_EQ(Read().status().code(), StatusCode::kCorruption);
}

// Bytes of the header and of the rows are made anything, one or many at a time. What comes of it is a snapshot within its
// bounds, or an error.
TEST_F(CountersReaderTest, SurvivesWhateverBytesThereAre) {
  std::mt19937_64 random(20261123);
  for (int round = 0; round < 150; ++round) {
    if (round % 50 == 0) {
      for (size_t i = kCounterValuesOffset; i + 8 <= bytes_.size(); i += 8) {
        const uint64_t word = round == 0 ? ~uint64_t{0} : random();
        std::memcpy(bytes_.data() + i, &word, 8);
      }
    }
    const CountersHeader right = header_;
    if (round % 3 != 0) {
      auto* const header = reinterpret_cast<unsigned char*>(&header_);
      const size_t sections = offsetof(CountersHeader, sections);
      header[sections + random() % sizeof(header_.sections)] ^=
          static_cast<unsigned char>(random());
    }
    SetValue(Counter::kSessionRows, round % 2 == 0 ? ~uint64_t{0} : 5);
    const auto snapshot = Read();
    if (snapshot.ok()) {
      EXPECT_LE(snapshot->sessions.size(), kSessionRowCount);
      EXPECT_LE(snapshot->groups.size(), kGroupRowCount);
      EXPECT_LE(snapshot->objectives.size(), kObjectiveRowCount);
      EXPECT_LE(snapshot->baselines.size(), kBaselineRowCount);
    }
    header_ = right;
  }
}

TEST_F(CountersReaderTest, HasANameForEverythingAndNoNameTwice) {
  const auto expect_unique = [](size_t count, const auto& name) {
    std::set<std::string> names;
    for (size_t i = 0; i < count; ++i) {
      EXPECT_STRNE(name(i), "?") << i;
      EXPECT_TRUE(names.insert(name(i)).second) << name(i);
    }
    EXPECT_STREQ(name(count), "?");
  };
  expect_unique(kCounterCount, [](size_t i) { return CounterName(static_cast<Counter>(i)); });
  expect_unique(kRequestKindCount,
                [](size_t i) { return RequestKindName(static_cast<RequestKind>(i)); });
  expect_unique(kRefusalReasonCount, RefusalReasonName);
  expect_unique(kLatencyCount, [](size_t i) { return LatencyName(static_cast<Latency>(i)); });
  expect_unique(kSizeCount, [](size_t i) { return SizeName(static_cast<Size>(i)); });
  expect_unique(kSessionCounterCount,
                [](size_t i) { return SessionCounterName(static_cast<SessionCounter>(i)); });
  expect_unique(kSessionLatencyCount,
                [](size_t i) { return SessionLatencyName(static_cast<SessionLatency>(i)); });
  expect_unique(kGroupCounterCount,
                [](size_t i) { return GroupCounterName(static_cast<GroupCounter>(i)); });
  EXPECT_EQ(kRefusalReasonCount, static_cast<size_t>(wire::RefusalCode::MAX) + 1);
}

TEST_F(CountersReaderTest, SaysNotFoundWhereNoBrokerHasBeen) {
  EXPECT_EQ(ReadCounters(path_ + "-none").status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace roost
