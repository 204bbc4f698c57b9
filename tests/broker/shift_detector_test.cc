// What the broker learns of itself: shifts are found, noise is not taken for one. False alarms are counted on values that were
// recorded from a real broker (recorded_noise.txt says how), put together anew in blocks, so that what depends on each other
// stays together.
#include "broker/sla/shift_detector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/histogram.h"
#include "broker/sla/baseline_board.h"
#include "broker/sla/monitor_state.h"
#include "tests/log/test_scale.h"

namespace roost {
namespace {

using Change = ShiftDetector::Change;

constexpr uint64_t kMonth = 43'200;  // minutes
constexpr size_t kMedians = 0;       // columns of the recording
constexpr size_t kP99s = 1;

TEST(BaselineSketchTest, KnowsRanksAndMedian) {
  BaselineSketch sketch;
  for (uint64_t i = 1; i <= 100; ++i) sketch.Add(i);
  EXPECT_EQ(sketch.Median(), 50u);
  EXPECT_DOUBLE_EQ(sketch.RankOf(0), 0);
  EXPECT_DOUBLE_EQ(sketch.RankOf(1), 0.005);
  EXPECT_DOUBLE_EQ(sketch.RankOf(1'000), 1);
  EXPECT_NEAR(sketch.RankOf(75), 0.745, 1e-9);
}

TEST(BaselineSketchTest, ThePastFades) {
  BaselineSketch sketch;
  for (uint64_t i = 0; i < BaselineSketch::kFullWeight; ++i) sketch.Add(100);
  for (uint64_t i = 0; i < BaselineSketch::kFullWeight; ++i) sketch.Add(200);
  EXPECT_LE(sketch.count(), BaselineSketch::kFullWeight);
  EXPECT_NEAR(static_cast<double>(sketch.Median()), 200, 4);
}

TEST(BaselineSketchTest, TakesBackOnlyWhatItCouldHaveGiven) {
  const auto takes = [](BucketCounts counts) {
    return BaselineSketch().Restore(std::move(counts));
  };
  EXPECT_TRUE(takes({}));
  EXPECT_TRUE(takes({{1, 5}, {7, 1}}));
  EXPECT_FALSE(takes({{7, 1}, {1, 5}}));
  EXPECT_FALSE(takes({{7, 1}, {7, 5}}));
  EXPECT_FALSE(takes({{7, 0}}));
  EXPECT_FALSE(takes({{static_cast<uint16_t>(Histogram::kBuckets), 1}}));
  EXPECT_FALSE(takes({{7, BaselineSketch::kFullWeight}, {8, 1}}));
  EXPECT_FALSE(takes({{7, ~uint64_t{0}}, {8, 2}}));
}

// How much larger a step may be on the average before a CUSUM of ranks climbs by itself: the root of E[exp(r step)] = 1. With
// it the chance that the sum climbs over the threshold from any given value on is at most exp(-r threshold) (Lundberg).
double RootOf(double slack) {
  const auto mean = [slack](double r) {
    return std::exp(-r * (0.5 + slack)) * (std::exp(r) - 1) / r;
  };
  double low = 0.1;
  double high = 100;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (mean(middle) < 1 ? low : high) = middle;
  }
  return low;
}

TEST(ShiftDetectorTest, HasTheRunLengthThatItsHeaderStates) {
  const double root = RootOf(ShiftDetector::kSlack);
  EXPECT_GT(std::exp(root * ShiftDetector::kThreshold), 1e15);
  // The formula itself, at a threshold that is passed often enough to see it.
  constexpr double kLow = 1;
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> rank;
  uint64_t steps = 0;
  constexpr int kRuns = 100;
  for (int run = 0; run < kRuns; ++run) {
    for (double sum = 0; sum <= kLow; ++steps) {
      sum = std::max(0.0, sum + rank(random) - 0.5 - ShiftDetector::kSlack);
    }
  }
  EXPECT_GT(static_cast<double>(steps) / kRuns, std::exp(root * kLow) / 2);
}

uint64_t QuietValue(std::mt19937_64& random) { return 40'000 + random() % 4'000; }

// Learned, and judging.
ShiftDetector Learned(std::mt19937_64& random) {
  ShiftDetector detector;
  for (uint64_t i = 0; i < ShiftDetector::kNeeded + 100; ++i) {
    EXPECT_EQ(detector.Add(QuietValue(random), i + 1), Change::kNone);
  }
  return detector;
}

// After how many values it says so; `most`: it does not.
template <typename Next>
size_t WaitFor(Change wanted, ShiftDetector& detector, size_t most, const Next& next) {
  for (size_t i = 1; i < most; ++i) {
    if (detector.Add(next(), 1'000'000 + i) == wanted) return i;
  }
  return most;
}

TEST(ShiftDetectorTest, LearnsBeforeItJudges) {
  std::mt19937_64 random(1);
  ShiftDetector detector;
  for (uint64_t i = 0; i + 1 < ShiftDetector::kNeeded; ++i) detector.Add(QuietValue(random), 5);
  EXPECT_EQ(detector.state(), BaselineState::kLearning);
  EXPECT_EQ(detector.since_ns(), 5u);
  detector.Add(QuietValue(random), 6);
  EXPECT_EQ(detector.state(), BaselineState::kSteady);
  EXPECT_EQ(detector.since_ns(), 6u);
}

TEST(ShiftDetectorTest, FindsAShiftUpAndDownAndItsEnd) {
  std::mt19937_64 random(2);
  ShiftDetector detector = Learned(random);
  EXPECT_LE(WaitFor(Change::kShifted, detector, 100, [&] { return QuietValue(random) * 3 / 2; }), 22u);
  EXPECT_EQ(detector.state(), BaselineState::kUp);
  EXPECT_NEAR(detector.ratio(), 1.5, 0.1);
  EXPECT_EQ(detector.sketch().RankOf(50'000), 1) << "nothing of the shift was learned";
  EXPECT_NEAR(static_cast<double>(detector.usual()), 42'000, 1'500);
  EXPECT_LE(WaitFor(Change::kBack, detector, 100, [&] { return QuietValue(random); }), 16u);
  EXPECT_EQ(detector.state(), BaselineState::kSteady);
  EXPECT_LE(WaitFor(Change::kShifted, detector, 100, [&] { return QuietValue(random) / 2; }), 22u);
  EXPECT_EQ(detector.state(), BaselineState::kDown);
  EXPECT_EQ(detector.shifts(), 2u);
}

TEST(ShiftDetectorTest, TakesAShiftThatStaysForUsualInTheEnd) {
  std::mt19937_64 random(3);
  ShiftDetector detector = Learned(random);
  const auto shifted = [&] { return QuietValue(random) * 2; };
  WaitFor(Change::kShifted, detector, 100, shifted);
  EXPECT_NEAR(static_cast<double>(detector.usual()), 42'000, 1'500) << "it has not learned the shift";
  EXPECT_EQ(WaitFor(Change::kAdopted, detector, 2'000, shifted), ShiftDetector::kAdoptedAfter);
  EXPECT_NEAR(static_cast<double>(detector.usual()), 84'000, 3'000);
  EXPECT_EQ(WaitFor(Change::kShifted, detector, 1'000, shifted), 1'000u);
}

TEST(ShiftDetectorTest, SmallShiftsAndOutliersAreNone) {
  std::mt19937_64 random(4);
  ShiftDetector detector = Learned(random);
  EXPECT_EQ(WaitFor(Change::kShifted, detector, 1'000, [&] { return QuietValue(random) * 11 / 10; }),
            1'000u);
  ShiftDetector other = Learned(random);
  int i = 0;
  EXPECT_EQ(WaitFor(Change::kShifted, other, 10'000,
                    [&] { return QuietValue(random) * (++i % 4 == 0 ? 100 : 1); }),
            10'000u);
}

TEST(ShiftDetectorTest, GoesOnAfterARestart) {
  std::mt19937_64 random(5);
  ShiftDetector detector = Learned(random);
  ShiftDetector next;
  next.Restore(detector.sketch(), detector.state(), detector.since_ns());
  EXPECT_EQ(next.state(), BaselineState::kSteady);
  EXPECT_LE(WaitFor(Change::kShifted, next, 100, [&] { return QuietValue(random) * 3 / 2; }), 22u);
  ShiftDetector last;
  last.Restore(next.sketch(), next.state(), next.since_ns());
  EXPECT_EQ(last.state(), BaselineState::kUp);
  EXPECT_EQ(last.since_ns(), next.since_ns());
  EXPECT_LE(WaitFor(Change::kBack, last, 100, [&] { return QuietValue(random); }), 16u);
}

// ---- on recorded noise ----

std::vector<uint64_t> Recorded(size_t column) {
  std::ifstream file(ROOST_RECORDED_NOISE);
  std::vector<uint64_t> values;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    uint64_t pair[2];
    words >> pair[0] >> pair[1];
    EXPECT_TRUE(words) << line;
    values.push_back(pair[column]);
  }
  EXPECT_GT(values.size(), 300u);
  return values;
}

// Blocks of the recording, of 30 values on the average, one behind the other for ever (a stationary bootstrap).
class Noise {
 public:
  Noise(size_t column, uint64_t seed) : values_(Recorded(column)), random_(seed) {}

  uint64_t Next() {
    if (++at_ == values_.size()) at_ = 0;
    if (random_() % kBlock == 0) at_ = random_() % values_.size();
    return values_[at_];
  }
  std::mt19937_64& random() { return random_; }

 private:
  static constexpr uint64_t kBlock = 30;

  const std::vector<uint64_t> values_;
  std::mt19937_64 random_;
  size_t at_ = 0;
};

// docs/monitoring.md: at most one in a month for all latencies of a broker together, which are 26 series. Here it is one of them.
class RecordedNoiseTest : public ::testing::TestWithParam<size_t> {};

TEST_P(RecordedNoiseTest, IsHardlyEverTakenForAShift) {
  const uint64_t months = Scaled({.soak = 1'000, .gate = 15, .sanitized = 1});
  Noise noise(GetParam(), 20261128);
  uint64_t alarms = 0;
  for (uint64_t month = 0; month < months; ++month) {
    ShiftDetector detector;
    for (uint64_t minute = 0; minute < kMonth; ++minute) {
      alarms += detector.Add(noise.Next(), minute + 1) == Change::kShifted ? 1 : 0;
    }
  }
  RecordProperty("months", static_cast<int>(months));
  RecordProperty("false_alarms", static_cast<int>(alarms));
  EXPECT_LE(alarms, months / 26);
}

TEST_P(RecordedNoiseTest, DoesNotHideAShiftOfOneAndAHalf) {
  const uint64_t runs = Scaled({.soak = 2'000, .gate = 200, .sanitized = 10});
  Noise noise(GetParam(), 20261129);
  std::vector<size_t> delays;
  for (uint64_t run = 0; run < runs; ++run) {
    ShiftDetector detector;
    const uint64_t before = 2 * ShiftDetector::kNeeded + noise.random()() % 1'000;
    for (uint64_t i = 0; i < before; ++i) detector.Add(noise.Next(), i + 1);
    if (detector.shifted()) continue;
    delays.push_back(
        WaitFor(Change::kShifted, detector, 1'000, [&] { return noise.Next() * 3 / 2; }));
  }
  std::ranges::sort(delays);
  ASSERT_GT(delays.size(), runs * 9 / 10);
  RecordProperty("median_minutes", static_cast<int>(delays[delays.size() / 2]));
  RecordProperty("p95_minutes", static_cast<int>(delays[delays.size() * 95 / 100]));
  EXPECT_LE(delays[delays.size() * 95 / 100], GetParam() == kMedians ? 30u : 60u);
}

INSTANTIATE_TEST_SUITE_P(Of, RecordedNoiseTest, ::testing::Values(kMedians, kP99s),
                         [](const auto& series) { return series.param == kMedians ? "Medians" : "P99s"; });

// ---- all series of a broker ----

class BaselineBoardTest : public ::testing::Test, protected MonitorSink {
 protected:
  using Rates = std::array<uint64_t, BaselineBoard::kRateCount>;
  static constexpr size_t kAppendP50 = 0;
  static constexpr size_t kAppendP99 = 1;

  uint64_t Tell(SlaEvent event) override {
    events_.push_back(std::move(event));
    return events_.size();
  }
  uint64_t Committed() const override { return events_.size(); }

  // A minute in which so many appends took about so long, counted in three looks.
  void Minute(BaselineBoard& board, uint64_t count, uint64_t ns) {
    std::array<BucketCounts, kLatencyCount> durations;
    for (const uint64_t part : {count / 2, count - count / 2, uint64_t{0}}) {
      durations[0].clear();
      const auto bucket = static_cast<uint16_t>(Histogram::IndexOf(ns + random_() % (ns / 10)));
      if (part > 0) durations[0].push_back({bucket, part});
      board.Add({now_, now_ + kWall}, durations, Rates{part, part, 100 * part, part});
      now_ += BaselineBoard::kMinuteNs / 2;
    }
  }

  static constexpr uint64_t kWall = 1'800'000'000 * kNsPerSecond;
  uint64_t now_ = 1'000 * kNsPerSecond;
  std::mt19937_64 random_{7};
  std::vector<SlaEvent> events_;
};

TEST_F(BaselineBoardTest, HasANameForEachSeries) {
  EXPECT_EQ(BaselineBoard::NameOf(kAppendP50), "append p50");
  EXPECT_EQ(BaselineBoard::NameOf(2 * static_cast<size_t>(Latency::kJournalSync) + 1),
            "journal_sync p99");
  EXPECT_EQ(BaselineBoard::NameOf(2 * kLatencyCount), "requests");
}

TEST_F(BaselineBoardTest, TellsOfAShiftAndOfItsEnd) {
  BaselineBoard board(this);
  for (uint64_t i = 0; i < ShiftDetector::kNeeded; ++i) Minute(board, 300, 50'000);
  EXPECT_EQ(board.series(kAppendP50).state(), BaselineState::kSteady);
  EXPECT_EQ(board.series(kAppendP99).state(), BaselineState::kSteady);
  for (int i = 0; i < 30; ++i) Minute(board, 300, 100'000);
  ASSERT_EQ(events_.size(), 2u);
  EXPECT_EQ(events_[0].type, kShiftBeganType);
  EXPECT_NE(events_[0].data.find(R"({"what":"append p50","direction":"up","usual_ns":)"),
            std::string::npos);
  EXPECT_NE(events_[1].data.find(R"("what":"append p99")"), std::string::npos);
  for (int i = 0; i < 30; ++i) Minute(board, 300, 50'000);
  ASSERT_EQ(events_.size(), 4u);
  EXPECT_EQ(events_[2].type, kShiftEndedType);
  EXPECT_NE(events_[2].data.find(R"("reason":"back")"), std::string::npos);
  // How much is asked has a shift too.
  for (int i = 0; i < 30; ++i) Minute(board, 3'000, 50'000);
  ASSERT_EQ(events_.size(), 8u);
  EXPECT_NE(events_[4].data.find(R"({"what":"requests","direction":"up","usual_per_second":)"),
            std::string::npos);
}

TEST_F(BaselineBoardTest, LearnsNothingFromMinutesWithoutEnough) {
  BaselineBoard board(this);
  EXPECT_EQ(board.NextDueNs(), UINT64_MAX);
  for (int i = 0; i < 10; ++i) Minute(board, BaselineBoard::kMedianOf - 1, 50'000);
  EXPECT_EQ(board.series(kAppendP50).learned(), 0u);
  for (int i = 0; i < 10; ++i) Minute(board, BaselineBoard::kP99Of - 1, 50'000);
  EXPECT_EQ(board.series(kAppendP50).learned(), 10u);
  EXPECT_EQ(board.series(kAppendP99).learned(), 0u);
  for (int i = 0; i < 10; ++i) Minute(board, 0, 50'000);
  EXPECT_EQ(board.series(2 * kLatencyCount).learned(), 20u) << "nor from minutes without work";
}

constexpr uint8_t kSavedLogId[16] = {1, 2, 3};

TEST_F(BaselineBoardTest, KeepsWhatItLearnedInAFile) {
  BaselineBoard board(this);
  for (uint64_t i = 0; i < ShiftDetector::kNeeded; ++i) Minute(board, 300, 50'000);
  MonitorState state;
  state.saved_ns = kWall;
  state.breaches = {{"append p99 < 1ms over 1m", kWall - 5, true}, {"x", 7, false}};
  state.down = {{1, 2}, {static_cast<int64_t>(kWall), static_cast<int64_t>(kWall) + 9}};
  state.baselines = board.Save();
  const std::vector<std::byte> file = EncodeMonitorState(state, kSavedLogId);
  auto read = DecodeMonitorState(file, kSavedLogId);
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->saved_ns, kWall);
  ASSERT_EQ(read->breaches.size(), 2u);
  EXPECT_EQ(read->breaches[0].objective, "append p99 < 1ms over 1m");
  EXPECT_EQ(read->breaches[0].since_ns, kWall - 5);
  EXPECT_TRUE(read->breaches[0].was_told);
  EXPECT_FALSE(read->breaches[1].was_told);
  ASSERT_EQ(read->down.size(), 2u);
  EXPECT_EQ(read->down[1].end_ns, static_cast<int64_t>(kWall) + 9);
  BaselineBoard next(this);
  next.Restore(std::move(read->baselines));
  EXPECT_EQ(next.series(kAppendP50).state(), BaselineState::kSteady);
  EXPECT_EQ(next.series(kAppendP50).usual(), board.series(kAppendP50).usual());
  EXPECT_EQ(next.series(2).state(), BaselineState::kLearning);
}

TEST(MonitorStateTest, IsRefusedWhenItIsDamagedOrOfAnotherLog) {
  MonitorState state;
  state.breaches = {{"append p99 < 1ms over 1m", 5, true}};
  state.baselines = {{"append p50", BaselineState::kSteady, 7, {{1, 2}, {3, 4}}}};
  const std::vector<std::byte> file = EncodeMonitorState(state, kSavedLogId);
  constexpr uint8_t kOther[16] = {9};
  EXPECT_EQ(DecodeMonitorState(file, kOther).status().code(), StatusCode::kIncompatible);
  for (size_t i = 0; i < file.size(); ++i) {
    std::vector<std::byte> wrong = file;
    wrong[i] ^= std::byte{0x40};
    EXPECT_FALSE(DecodeMonitorState(wrong, kSavedLogId).ok()) << i;
    EXPECT_FALSE(DecodeMonitorState(Bytes(file).first(i), kSavedLogId).ok()) << i;
  }
}

// Right checksums, and anything behind them.
TEST(MonitorStateTest, SurvivesWhateverBytesThereAre) {
  std::mt19937_64 random(20261128);
  for (int round = 0; round < 2'000; ++round) {
    std::vector<std::byte> body(random() % 200);
    for (std::byte& byte : body) byte = static_cast<std::byte>(random() % 3 == 0 ? random() : 1);
    const auto read = DecodeMonitorState(SealMonitorState(body, 1, kSavedLogId), kSavedLogId);
    if (!read.ok()) continue;
    BaselineBoard board(nullptr);
    board.Restore(read->baselines);
  }
}

}  // namespace
}  // namespace roost
