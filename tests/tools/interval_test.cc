#include "tools/monitor/interval.h"

#include <gtest/gtest.h>

#include <string>

#include "base/clock.h"
#include "tools/monitor/history.h"

namespace roost {
namespace {

constexpr uint64_t kStart = 1'000 * kNsPerSecond;
constexpr uint64_t kWallStart = 1'700'000'000 * kNsPerSecond;

// A broker's sample at `seconds` after kStart.
Sample SampleAt(double seconds) {
  const auto offset = static_cast<uint64_t>(seconds * 1e9);
  Sample sample;
  sample.at_ns = kStart + offset;
  sample.wall_ns = kWallStart + offset;
  sample.health.state = HealthState::kWell;
  sample.process = ProcessState::kRuns;
  sample.counters.emplace();
  sample.counters->broker_pid = 4711;
  sample.counters->started_ns = kWallStart - 3600 * kNsPerSecond;
  return sample;
}

void Set(Sample* sample, Counter counter, uint64_t value) {
  sample->counters->values[static_cast<size_t>(counter)] = value;
}

SessionCounters SessionOf(uint64_t number, uint64_t attached_ns) {
  SessionCounters session;
  session.session = number;
  session.attached_ns = attached_ns;
  session.agent = "builder";
  return session;
}

void Set(SessionCounters* session, SessionCounter counter, uint64_t value) {
  session->values[static_cast<size_t>(counter)] = value;
}

void AddDurations(SessionCounters* session, uint64_t ns, uint64_t count) {
  session->latencies[0].Add(Histogram::IndexOf(ns), count);
}

TEST(IntervalTest, HasRatesOfWhatGrowsAndValuesOfGauges) {
  Sample before = SampleAt(0);
  Sample after = SampleAt(2);
  Set(&before, Counter::kEventsAppended, 1'000);
  Set(&after, Counter::kEventsAppended, 4'000);
  Set(&before, Counter::kSessions, 9);
  Set(&after, Counter::kSessions, 5);
  before.counters->requests[static_cast<size_t>(RequestKind::kClaim)] = 10;
  after.counters->requests[static_cast<size_t>(RequestKind::kClaim)] = 14;
  after.counters->refused[8] = 3;
  before.cpu_ns = 50;
  after.cpu_ns = 50 + kNsPerSecond;
  after.resident_bytes = 77;
  const Overview overview = Between(&before, after).overview;
  EXPECT_EQ(overview.beginning, Beginning::kContinues);
  EXPECT_TRUE(overview.has_rates());
  EXPECT_DOUBLE_EQ(overview.seconds, 2);
  EXPECT_DOUBLE_EQ(overview.Rate(Counter::kEventsAppended), 1'500);
  EXPECT_EQ(overview[Counter::kEventsAppended], 4'000u);
  EXPECT_EQ(overview[Counter::kSessions], 5u);
  EXPECT_DOUBLE_EQ(overview.Rate(Counter::kSessions), 0);
  EXPECT_DOUBLE_EQ(overview.Rate(RequestKind::kClaim), 2);
  EXPECT_DOUBLE_EQ(overview.refused[8], 1.5);
  EXPECT_DOUBLE_EQ(overview.cpu, 0.5);
  EXPECT_EQ(overview.resident_bytes, 77u);
}

TEST(IntervalTest, HasTheQuantilesOfItsOwnTimeAlone) {
  Sample before = SampleAt(0);
  before.counters->latencies[0].Add(Histogram::IndexOf(9'000'000), 1'000);
  Sample after = before;
  after.at_ns += kNsPerSecond;
  after.counters->latencies[0].Add(Histogram::IndexOf(2'000), 98);
  after.counters->latencies[0].Add(Histogram::IndexOf(50'000), 2);
  after.counters->sizes[0].Add(Histogram::IndexOf(7), 1);
  const Overview overview = Between(&before, after).overview;
  const Quantiles& appends = overview[Latency::kAppend];
  EXPECT_EQ(appends.count, 100u);
  EXPECT_NEAR(static_cast<double>(appends.p50), 2'000, 32);
  EXPECT_NEAR(static_cast<double>(appends.p99), 50'000, 800);
  EXPECT_NEAR(static_cast<double>(appends.p999), 50'000, 800);
  EXPECT_EQ(overview[Latency::kClaim].count, 0u);
  EXPECT_EQ(overview[Size::kEventsPerCommit].p50, 7u);
}

TEST(IntervalTest, BeginsAnewWithoutASampleBeforeItOrWithAnotherBroker) {
  Sample before = SampleAt(0);
  Set(&before, Counter::kEventsAppended, 500);
  Sample after = SampleAt(1);
  Set(&after, Counter::kEventsAppended, 600);
  const auto beginning = [](const Sample* earlier, const Sample& later) {
    const Interval interval = Between(earlier, later);
    if (interval.overview.beginning != Beginning::kContinues) {
      EXPECT_FALSE(interval.overview.has_rates());
      EXPECT_DOUBLE_EQ(interval.overview.Rate(Counter::kEventsAppended), 0);
    }
    return interval.overview.beginning;
  };
  EXPECT_EQ(beginning(&before, after), Beginning::kContinues);
  EXPECT_EQ(beginning(nullptr, after), Beginning::kFirst);

  Sample restarted = after;
  restarted.counters->started_ns += 1;
  EXPECT_EQ(beginning(&before, restarted), Beginning::kNewBroker);
  Set(&after, Counter::kEventsAppended, 499);
  EXPECT_EQ(beginning(&before, after), Beginning::kNewBroker);

  Sample nobody = SampleAt(1);
  nobody.counters.reset();
  nobody.health.state = HealthState::kNoBroker;
  EXPECT_EQ(beginning(&before, nobody), Beginning::kNoBroker);
  EXPECT_EQ(beginning(&nobody, SampleAt(2)), Beginning::kFirst);
}

TEST(IntervalTest, ComparesASessionWithItself) {
  Sample before = SampleAt(0);
  Sample after = SampleAt(4);
  SessionCounters session = SessionOf(7, kWallStart - 99);
  Set(&session, SessionCounter::kEvents, 100);
  AddDurations(&session, 1'000'000, 50);
  before.counters->sessions = {SessionOf(3, 5), session};
  Set(&session, SessionCounter::kEvents, 300);
  AddDurations(&session, 2'000, 10);
  // The same row number as session 3 had, and another attachment with session 3's number.
  after.counters->sessions = {SessionOf(3, 6), session};
  Set(&after.counters->sessions[0], SessionCounter::kEvents, 1'000'000);
  const Interval interval = Between(&before, after);
  ASSERT_EQ(interval.sessions.size(), 2u);
  const SessionInterval& same = interval.sessions[1];
  EXPECT_DOUBLE_EQ(same.Rate(SessionCounter::kEvents), 50);
  EXPECT_EQ(same[SessionCounter::kEvents], 300u);
  EXPECT_EQ(same[SessionLatency::kRequests].count, 10u);
  EXPECT_LT(same[SessionLatency::kRequests].p99, 2'100u);
  EXPECT_EQ(same.latencies_ever[0].count, 60u);
  // It says that it attached before the interval, but was not to be seen then: what it did has no known time.
  EXPECT_DOUBLE_EQ(interval.sessions[0].Rate(SessionCounter::kEvents), 0);
}

TEST(IntervalTest, CountsASessionFromWhenItAttached) {
  const Sample before = SampleAt(0);
  Sample after = SampleAt(2);
  SessionCounters session = SessionOf(8, after.wall_ns - kNsPerSecond / 2);
  Set(&session, SessionCounter::kEvents, 100);
  after.counters->sessions = {session};
  const Interval interval = Between(&before, after);
  ASSERT_EQ(interval.sessions.size(), 1u);
  EXPECT_DOUBLE_EQ(interval.sessions[0].Rate(SessionCounter::kEvents), 200);
}

TEST(IntervalTest, SharesTheBrokersProcessorTimeOutByWhatRequestsTook) {
  Sample before = SampleAt(0);
  before.counters->sessions = {SessionOf(1, 5), SessionOf(2, 5), SessionOf(3, 5)};
  before.cpu_ns = 0;
  Sample after = before;
  after.at_ns += kNsPerSecond;
  after.cpu_ns = kNsPerSecond * 8 / 10;
  AddDurations(&after.counters->sessions[0], 1'000'000, 300);
  AddDurations(&after.counters->sessions[1], 1'000'000, 100);
  const Interval interval = Between(&before, after);
  ASSERT_EQ(interval.sessions.size(), 3u);
  EXPECT_NEAR(interval.sessions[0].busy, 0.3, 0.005);
  EXPECT_NEAR(interval.sessions[0].cpu, 0.6, 1e-9);
  EXPECT_NEAR(interval.sessions[1].cpu, 0.2, 1e-9);
  EXPECT_DOUBLE_EQ(interval.sessions[2].cpu, 0);
}

TEST(IntervalTest, TellsHowTheLagOfAGroupChanges) {
  const auto group = [](const char* name, uint64_t head, uint64_t checkpoint) {
    GroupCounters counters;
    counters.stream = "tasks";
    counters.group = name;
    counters.values[static_cast<size_t>(GroupCounter::kHead)] = head;
    counters.values[static_cast<size_t>(GroupCounter::kCheckpoint)] = checkpoint;
    return counters;
  };
  Sample before = SampleAt(0);
  before.counters->groups = {group("a", 100, 80), group("b", 100, 100)};
  Sample after = SampleAt(10);
  after.counters->groups = {group("a", 150, 140), group("b", 150, 100), group("c", 150, 0)};
  const Interval interval = Between(&before, after);
  ASSERT_EQ(interval.groups.size(), 3u);
  EXPECT_EQ(interval.groups[0].lag, 10u);
  EXPECT_DOUBLE_EQ(interval.groups[0].lag_per_second, -1);
  EXPECT_DOUBLE_EQ(interval.groups[0].settled_per_second, 6);
  EXPECT_DOUBLE_EQ(interval.groups[1].lag_per_second, 5);
  EXPECT_EQ(interval.groups[2].lag, 150u);
  EXPECT_DOUBLE_EQ(interval.groups[2].lag_per_second, 0);
}

TEST(HistoryTest, KeepsTheNewest) {
  History history(3);
  for (uint64_t i = 1; i <= 5; ++i) {
    Overview overview;
    overview.at_ns = i;
    history.Add(overview);
  }
  ASSERT_EQ(history.size(), 3u);
  EXPECT_EQ(history[0].at_ns, 3u);
  EXPECT_EQ(history[2].at_ns, 5u);
}

TEST(ProcessUseTest, ReadsWhatTheKernelSays) {
  const auto memory = ParseSmapsRollup(
      "55d-7ff ---p 00000000 00:00 0 [rollup]\nRss:    900 kB\nPss:    500 kB\nPss_Dirty:  1 kB\n"
      "Shared_Clean: 100 kB\nPrivate_Clean:    30 kB\nPrivate_Dirty:   12 kB\n");
  ASSERT_TRUE(memory.has_value());
  EXPECT_EQ(memory->resident, 900u << 10);
  EXPECT_EQ(memory->proportional, 500u << 10);
  EXPECT_EQ(memory->own, 42u << 10);
  EXPECT_FALSE(ParseSmapsRollup("").has_value());
  EXPECT_FALSE(ParseSmapsRollup("Pss_Dirty: 1 kB\nPss: x kB").has_value());
  EXPECT_FALSE(ParseSmapsRollup("Pss: 99999999999999999999 kB").has_value());
  EXPECT_FALSE(ParseSmapsRollup("Pss: 18446744073709551615 kB").has_value());
}

}  // namespace
}  // namespace roost
