// Objectives: their text, their windows, budgets and burn rates, and when a breach begins and ends; by a clock of the test's own.
#include "broker/sla/objective.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/histogram.h"
#include "broker/sla/down_watch.h"
#include "broker/sla/objective_board.h"
#include "ipc/counters_reader.h"

namespace roost {
namespace {

constexpr uint64_t kSecond = kNsPerSecond;
constexpr uint64_t kWall = 1'800'000'000 * kSecond;  // when the test's monotonic clock is 0

ObjectiveSpec Parse(std::string_view text) {
  Result<ObjectiveSpec> parsed = ParseObjective(text);
  EXPECT_TRUE(parsed.ok()) << text << ": " << parsed.status().message();
  return parsed.ok() ? *parsed : ObjectiveSpec();
}

std::string WhyNot(std::string_view text) {
  const Result<ObjectiveSpec> parsed = ParseObjective(text);
  return parsed.ok() ? "" : std::string(parsed.status().message());
}

TEST(ObjectiveTextTest, SaysWhatIsWanted) {
  const ObjectiveSpec append = Parse("append p99 < 1ms over 1m");
  EXPECT_EQ(append.kind, ObjectiveKind::kLatency);
  EXPECT_EQ(append.latency, static_cast<size_t>(Latency::kAppend));
  EXPECT_EQ(append.target_ns, kNsPerMs);
  EXPECT_DOUBLE_EQ(append.share, 0.99);
  EXPECT_EQ(append.window_ns, 60 * kSecond);

  const ObjectiveSpec health = Parse("  health p99.9<0.2ms ");
  EXPECT_EQ(health.latency, kHealthLatency);
  EXPECT_EQ(health.target_ns, 200'000u);
  EXPECT_DOUBLE_EQ(health.share, 0.999);
  EXPECT_EQ(health.text, "health p99.9 < 0.2ms over 1h");

  const ObjectiveSpec availability = Parse("availability 99.95% over 7d");
  EXPECT_EQ(availability.kind, ObjectiveKind::kAvailability);
  EXPECT_DOUBLE_EQ(availability.share, 0.9995);
  EXPECT_EQ(availability.window_ns, 7 * 86'400 * kSecond);
}

TEST(ObjectiveTextTest, SaysWhereItIsWrongAndWhatMayStandThere) {
  EXPECT_NE(WhyNot("apend p99 < 1ms").find("at character 1 is 'apend'"), std::string::npos);
  EXPECT_NE(WhyNot("apend p99 < 1ms").find("journal_write"), std::string::npos);
  EXPECT_NE(WhyNot("append 99 < 1ms").find("at character 8 is '99': p50, p99"), std::string::npos);
  EXPECT_NE(WhyNot("append p99 > 1ms").find("at character 12 is '>': '<' must"), std::string::npos);
  EXPECT_NE(WhyNot("append p99 < 1 ms").find("at character 14 is '1': a time"), std::string::npos);
  EXPECT_NE(WhyNot("append p99 <").find("at character 13 it ends"), std::string::npos);
  EXPECT_NE(WhyNot("append p99 < 1ms for 1m").find("at character 18 is 'for'"), std::string::npos);
  EXPECT_NE(WhyNot("availability 99.9 over 1h").find("at character 14 is '99.9'"),
            std::string::npos);
  for (const char* wrong :
       {"", "append", "append p0 < 1ms", "append p100 < 1ms", "append p99. < 1ms",
        "append p99.9999 < 1ms", "append p99 < 0ms", "append p99 < 0.0001ns", "append p99 < 11m",
        "append p99 < 1ms over", "append p99 < 1ms over 100ms", "append p99 < 1ms over 32d",
        "append p99 < 1ms over 1m now", "availability 100%", "availability 0%", "availability %",
        "availability", "append p99 < 99999999999ms", "append p < 1ms", "append p9x < 1ms"}) {
    EXPECT_NE(WhyNot(wrong), "") << wrong;
  }
}

TEST(ObjectiveTextTest, IsTakenOnceAndNotTooOften) {
  std::vector<ObjectiveSpec> objectives;
  EXPECT_TRUE(AddObjective("append p99 < 1ms over 1h", &objectives).ok());
  EXPECT_FALSE(AddObjective("append  p99<1ms", &objectives).ok());
  for (size_t i = 1; i < kObjectivesMax; ++i) {
    EXPECT_TRUE(AddObjective("append p50 < " + std::to_string(i) + "us", &objectives).ok());
  }
  EXPECT_FALSE(AddObjective("availability 99%", &objectives).ok());
  EXPECT_EQ(objectives.size(), kObjectivesMax);
  for (const Durability durability : {Durability::kMemory, Durability::kProcess, Durability::kPower}) {
    EXPECT_EQ(DefaultObjectives(durability).size(), 3u);
  }
}

BucketCounts Durations(uint64_t ns, uint64_t count) {
  return {{static_cast<uint16_t>(Histogram::IndexOf(ns)), count}};
}

TEST(LatencyWindowTest, SlidesStepByStep) {
  LatencyWindow window(60 * kSecond, kNsPerMs);
  for (uint64_t second = 100; second < 160; ++second) {
    window.Add(second * kSecond, Durations(second < 110 ? 5 * kNsPerMs : 100'000, 10));
  }
  EXPECT_EQ(window.whole().total, 600u);
  EXPECT_EQ(window.whole().bad(), 100u);
  EXPECT_EQ(window.Recent(159 * kSecond).total, 50u);
  EXPECT_EQ(window.NextSlideNs(), 160 * kSecond);
  window.SlideTo(165 * kSecond);
  EXPECT_EQ(window.whole().bad(), 40u);
  EXPECT_NEAR(static_cast<double>(window.durations().Quantile(0.99)), 5e6, 8e4);
  window.SlideTo(170 * kSecond);
  EXPECT_EQ(window.whole().bad(), 0u);
  EXPECT_NEAR(static_cast<double>(window.durations().Quantile(0.99)), 1e5, 1.6e3);
  window.SlideTo(1'000 * kSecond);
  EXPECT_EQ(window.whole().total, 0u);
  EXPECT_EQ(window.durations().count(), 0u);
  EXPECT_EQ(window.NextSlideNs(), UINT64_MAX);
}

TEST(LatencyWindowTest, KeepsLongWindowsInSixtySteps) {
  LatencyWindow window(3'600 * kSecond, kNsPerMs);
  for (uint64_t second = 0; second < 7'200; ++second) {
    BucketCounts more = Durations(100'000, 1);
    if (second % 2 == 0) more.push_back(Durations(5 * kNsPerMs, 2).front());
    window.Add(second * kSecond, more);
  }
  EXPECT_EQ(window.whole().total, 7'200u);
  EXPECT_EQ(window.whole().bad(), 3'600u);
}

TEST(DownTimesTest, CountWhatOverlapsOnce) {
  DownTimes down;
  down.Add({100, 200});
  down.Add({300, 400});
  down.Add({150, 320});
  down.Add({500, 500});
  ASSERT_EQ(down.intervals().size(), 1u);
  EXPECT_EQ(down.Within(0, 1'000), 300u);
  EXPECT_EQ(down.Within(350, 1'000), 50u);
  EXPECT_EQ(down.Within(-50, 150), 50u);
  down.Add({-900, -800});
  EXPECT_EQ(down.Within(-1'000, 0), 100u);
  down.ForgetBefore(0);
  EXPECT_EQ(down.intervals().size(), 1u);
}

TEST(DownTimesTest, AreBoundedAndNeverForgetTime) {
  DownTimes down;
  for (int64_t i = 0; i < 2'000; ++i) down.Add({10 * i, 10 * i + 1 + i % 3});
  EXPECT_EQ(down.intervals().size(), DownTimes::kIntervalsMax);
  EXPECT_GE(down.Within(0, 100'000), 3'999u);
}

class DownWatchTest : public ::testing::Test {
 protected:
  void Look(BrokerSigns signs, const BucketCounts& writes = {}) {
    signs.now_ns = now_;
    signs.wall_ns = kWall + now_;
    watch_.Look(signs, writes, &down_);
  }
  uint64_t Down() const { return down_.Within(0, static_cast<int64_t>(now_)); }

  uint64_t now_ = 100 * kSecond;
  DownWatch watch_;
  DownTimes down_;
};

TEST_F(DownWatchTest, CountsFromTheMomentAtWhichTheJournalFailed) {
  Look({});
  EXPECT_EQ(Down(), 0u);
  now_ += 10 * kSecond;
  Look({.degraded_since_ns = kWall + 105 * kSecond});
  EXPECT_EQ(Down(), 5 * kSecond);
  EXPECT_TRUE(watch_.is_down());
  now_ += 10 * kSecond;
  Look({.disk_full_since_ns = kWall + 118 * kSecond});
  EXPECT_EQ(Down(), 7 * kSecond);
}

TEST_F(DownWatchTest, CountsAHangButNoSleep) {
  Look({.beat = {Doing::kAsleep, 10 * kSecond}});
  Look({.beat = {Doing::kWriting, now_ - kSecond}});
  EXPECT_EQ(Down(), 0u);
  Look({.beat = {Doing::kWriting, now_ - 5 * kSecond}});
  EXPECT_EQ(Down(), 5 * kSecond);
}

TEST_F(DownWatchTest, CountsWhatIsOverWhenItLooks) {
  Look({}, Durations(4 * kSecond, 1));
  EXPECT_NEAR(static_cast<double>(Down()), 4e9, 7e7);
  now_ += 100 * kSecond;
  Look({.due_ns = now_ - 3 * kSecond});
  EXPECT_NEAR(static_cast<double>(Down()), 7e9, 7e7);
  now_ += 100 * kSecond;
  Look({.refused = 2});
  EXPECT_NEAR(static_cast<double>(Down()), 8e9, 7e7);
}

class BoardTest : public ::testing::Test, protected MonitorSink {
 protected:
  uint64_t Tell(SlaEvent event) override {
    events_.push_back(std::move(event));
    return events_.size();
  }
  uint64_t Committed() const override { return committed_; }

  void Start(const std::vector<std::string>& objectives) {
    std::vector<ObjectiveSpec> specs;
    for (const std::string& text : objectives) specs.push_back(Parse(text));
    board_.emplace(std::move(specs), static_cast<MonitorSink*>(this));
  }
  // A second in which so many appends took so long.
  void Second(uint64_t good, uint64_t bad) {
    now_ += kSecond;
    std::array<BucketCounts, kLatencyCount + 1> durations;
    if (good > 0) durations[0].push_back(Durations(100'000, good).front());
    if (bad > 0) durations[0].push_back(Durations(5 * kNsPerMs, bad).front());
    board_->Judge(At(), durations, down_);
    board_->TellBreaches();
  }
  ObjectiveBoard::Moment At() const { return {now_, kWall + now_}; }
  std::vector<std::string> Types() const {
    std::vector<std::string> types;
    for (const SlaEvent& event : events_) types.emplace_back(event.type);
    return types;
  }

  uint64_t now_ = 1'000 * kSecond;
  uint64_t committed_ = 0;
  std::vector<SlaEvent> events_;
  DownTimes down_;
  std::optional<ObjectiveBoard> board_;
};

using Strings = std::vector<std::string>;

TEST_F(BoardTest, TellsOfABreachAndOfItsEnd) {
  Start({"append p99 < 1ms over 1m"});
  for (int i = 0; i < 30; ++i) Second(100, 1);
  EXPECT_TRUE(events_.empty());
  for (int i = 0; i < 10; ++i) Second(90, 10);
  ASSERT_EQ(Types(), Strings{"sla.breached"});
  EXPECT_NE(events_[0].data.find(R"("objective":"append p99 < 1ms over 1m")"), std::string::npos);
  EXPECT_NE(events_[0].data.find(R"("target_ns":1000000,)"), std::string::npos);
  EXPECT_EQ(board_->Save().size(), 1u);
  for (int i = 0; i < 50; ++i) Second(100, 0);
  EXPECT_EQ(events_.size(), 1u) << "the slow ones are in the window still";
  for (int i = 0; i < 12; ++i) Second(100, 0);
  ASSERT_EQ(Types(), (Strings{"sla.breached", "sla.recovered"}));
  EXPECT_NE(events_[1].data.find(R"("reason":"met")"), std::string::npos);
}

TEST_F(BoardTest, DoesNotTellOfEachSideOfTheLimit) {
  Start({"append p99 < 1ms over 1m"});
  // Between 0.95 % and 1.05 % are slow.
  for (int i = 0; i < 600; ++i) Second(9'900, 95 + (i / 20 % 2) * 10);
  EXPECT_LE(events_.size(), 1u);
}

TEST_F(BoardTest, NeedsEnoughRequestsForABreach) {
  Start({"append p99 < 1ms over 1m"});
  for (int i = 0; i < 50; ++i) Second(0, 1);
  EXPECT_TRUE(events_.empty());
  Second(49, 0);
  EXPECT_TRUE(events_.empty()) << "99 of them";
  Second(1, 0);
  EXPECT_EQ(Types(), Strings{"sla.breached"});
}

TEST_F(BoardTest, ABreachEndsWhenNothingIsAskedAnyMore) {
  Start({"append p99 < 1ms over 1m"});
  Second(0, 200);
  ASSERT_EQ(Types(), Strings{"sla.breached"});
  EXPECT_EQ(board_->NextDueNs(now_, down_), now_ + 60 * kSecond);
  now_ += 60 * kSecond;
  Second(0, 0);
  EXPECT_EQ(Types(), (Strings{"sla.breached", "sla.recovered"}));
  EXPECT_EQ(board_->NextDueNs(now_, down_), UINT64_MAX);
}

TEST_F(BoardTest, KnowsBudgetAndBurnRate) {
  Start({"append p99 < 1ms over 1m", "availability 99.9% over 1h"});
  const std::string path = ::testing::TempDir() + "roost-board-" + std::to_string(::getpid());
  constexpr uint8_t kBoardLogId[16] = {1};
  auto counters =
      CountersWriter::Create(path, {kBoardLogId, Durability::kProcess, "/data", 64 << 20});
  ASSERT_TRUE(counters.ok());
  board_->Name(&*counters);
  for (int i = 0; i < 55; ++i) Second(1'000, 0);
  // 1 % of 5 * 1000 requests would use the budget up as fast as it may be: 4 times that.
  for (int i = 0; i < 5; ++i) Second(960, 40);
  down_.Add({static_cast<int64_t>(now_ - 1'800'000'000), static_cast<int64_t>(now_)});
  Second(960, 40);
  board_->Show(&*counters);
  const auto snapshot = ReadCounters(path);
  std::remove(path.c_str());
  ASSERT_TRUE(snapshot.ok());
  ASSERT_EQ(snapshot->objectives.size(), 2u);
  const Objective& append = snapshot->objectives[0];
  EXPECT_EQ(append.state, ObjectiveState::kMet);
  EXPECT_EQ(append[ObjectiveValue::kTotal], 60'000u);
  EXPECT_NEAR(append.budget_left(), 1 - 240.0 / 600, 1e-6);
  EXPECT_NEAR(append.burn_rate(), 4, 1e-6);
  EXPECT_NEAR(append.measured(), 1e5, 1.6e3);
  const Objective& availability = snapshot->objectives[1];
  EXPECT_NEAR(availability.budget_left(), 0.5, 1e-6);
  EXPECT_NEAR(availability.burn_rate(), 6, 1e-6);
  EXPECT_NEAR(availability.measured(), 0.9995, 1e-9);
  EXPECT_EQ((*snapshot)[Counter::kObjectivesBreached], 0u);
}

TEST_F(BoardTest, AvailabilityIsOfTime) {
  Start({"availability 99.9% over 1h"});
  const auto fail_for = [&](uint64_t ns) {
    down_.Add({static_cast<int64_t>(now_ - ns), static_cast<int64_t>(now_)});
  };
  fail_for(3 * kSecond);
  Second(0, 0);
  EXPECT_TRUE(events_.empty());
  now_ += 600 * kSecond;
  fail_for(kSecond);
  Second(0, 0);
  ASSERT_EQ(Types(), Strings{"sla.breached"});
  EXPECT_NE(events_[0].data.find(R"("down_ms":4000)"), std::string::npos) << events_[0].data;
  now_ += 2'990 * kSecond;
  Second(0, 0);
  EXPECT_EQ(events_.size(), 1u);
  EXPECT_LE(board_->NextDueNs(now_, down_), now_ + 60 * kSecond);
  now_ += 60 * kSecond;
  Second(0, 0);
  EXPECT_EQ(Types(), (Strings{"sla.breached", "sla.recovered"}));
}

TEST_F(BoardTest, ARestartGoesOnOrEndsWhatWasOpen) {
  Start({"append p99 < 1ms over 1m", "availability 99% over 1m", "availability 50% over 1m"});
  const std::vector<SavedBreach> saved = {{"append p99 < 1ms over 1m", kWall, true},
                                          {"availability 99% over 1m", kWall, true},
                                          {"availability 50% over 1m", kWall, false},
                                          {"claim p99 < 1ms over 1m", kWall, true}};
  down_.Add({static_cast<int64_t>(now_ - 50 * kSecond), static_cast<int64_t>(now_)});
  board_->Restore(saved, At());
  ASSERT_EQ(Types(), (Strings{"sla.recovered", "sla.recovered"}));
  EXPECT_NE(events_[0].data.find(R"("reason":"restarted")"), std::string::npos);
  EXPECT_NE(events_[1].data.find(R"("reason":"removed")"), std::string::npos);
  // Until their ends are in the log, they would be ended again.
  EXPECT_EQ(board_->Save().size(), 4u);
  committed_ = 2;
  EXPECT_EQ(board_->Save().size(), 2u);
  Second(0, 0);
  ASSERT_EQ(events_.size(), 3u) << "the one that nobody was told of";
  EXPECT_EQ(events_[2].type, "sla.breached");
  EXPECT_NE(events_[2].data.find("availability 50%"), std::string::npos);
  now_ += 60 * kSecond;
  Second(0, 0);
  EXPECT_EQ(events_.size(), 5u);
}

TEST_F(BoardTest, ABreachIsSavedBeforeItIsTold) {
  Start({"append p99 < 1ms over 1m"});
  now_ += kSecond;
  std::array<BucketCounts, kLatencyCount + 1> durations;
  durations[0] = Durations(5 * kNsPerMs, 200);
  EXPECT_TRUE(board_->Judge(At(), durations, down_));
  EXPECT_TRUE(events_.empty());
  ASSERT_EQ(board_->Save().size(), 1u);
  EXPECT_FALSE(board_->Save()[0].was_told);
  board_->TellBreaches();
  EXPECT_FALSE(board_->Save()[0].was_told) << "it is not in the log yet";
  committed_ = 1;
  EXPECT_TRUE(board_->Save()[0].was_told);
  EXPECT_EQ(board_->Save()[0].since_ns, kWall + now_);
}

}  // namespace
}  // namespace roost
