// Whether roost bench tells what is slower, and only that: its statistics on
// what is known, and the program itself against a broker that is slower on
// purpose.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/scratch.h"
#include "tools/bench/bench_result.h"
#include "tools/bench/comparison.h"
#include "tools/bench/statistics.h"

namespace roost {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// ---- statistics ----

TEST(BenchStatisticsTest, RanksAsTheBooksDo) {
  // The example of scipy.stats.mannwhitneyu: U 17, exact p 1/9.
  const std::vector<double> males = {19, 22, 16, 29, 24};
  const std::vector<double> females = {20, 11, 17, 12};
  const MannWhitney result = CompareByRank(males, females);
  EXPECT_EQ(result.u, 17);
  EXPECT_NEAR(result.p_value, 1.0 / 9, 1e-12);
  EXPECT_EQ(CompareByRank(females, males).u, 3);
  EXPECT_NEAR(CompareByRank(females, males).p_value, 1.0 / 9, 1e-12);

  // All of one below all of the other: 2 of the 20!/(10!)^2 orders.
  std::vector<double> low, high;
  for (int i = 0; i < 10; ++i) {
    low.push_back(i);
    high.push_back(100 + i);
  }
  EXPECT_EQ(CompareByRank(low, high).u, 0);
  EXPECT_NEAR(CompareByRank(low, high).p_value, 2.0 / 184'756, 1e-15);
}

TEST(BenchStatisticsTest, RanksEqualValuesTogether) {
  // By hand: ranks 1, 3, 3, 5.5 and 3, 5.5, 7; U is 12.5 - 10; variance 4 * 3 /
  // 12 * (8 - (24 + 6) / 42).
  const std::vector<double> first = {1, 2, 2, 3};
  const std::vector<double> second = {2, 3, 4};
  const MannWhitney result = CompareByRank(first, second);
  EXPECT_EQ(result.u, 2.5);
  const double distance = (6 - 2.5 - 0.5) / std::sqrt(8 - 30.0 / 42);
  EXPECT_NEAR(result.p_value, std::erfc(distance / std::sqrt(2)), 1e-12);
  const std::vector<double> same(12, 5);
  EXPECT_EQ(CompareByRank(same, same).p_value, 1);
}

TEST(BenchStatisticsTest, ApproximatesLargeSamplesAsWellAsItCounts) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> noise(10, 1);
  std::vector<double> first, second;
  for (int i = 0; i < 20; ++i) {
    first.push_back(noise(random));
    second.push_back(noise(random) + 0.4);
  }
  const double exact = CompareByRank(first, second).p_value;
  second.push_back(noise(random) + 0.4);  // 420 pairs: no longer counted
  EXPECT_NEAR(CompareByRank(first, second).p_value, exact, 0.05);
}

TEST(BenchStatisticsTest, TakesMiddlesThatOneBadRoundDoesNotMove) {
  EXPECT_EQ(Median({3}), 3);
  EXPECT_EQ(Median({4, 1, 3, 2}), 2.5);
  EXPECT_EQ(Median({9, 1, 5}), 5);
  const std::vector<double> before = {10, 10, 10, 10, 1000};
  const std::vector<double> after = {12, 12, 12, 12, 12};
  EXPECT_DOUBLE_EQ(ShiftRatio(before, after), 1.2);
}

TEST(BenchStatisticsTest, AdjustsForSeveralTests) {
  // Holm: 0.01 * 4, 0.02 * 3, 0.03 * 2, 0.04, none smaller than the one before
  // it.
  const std::vector<double> p_values = {0.04, 0.01, 0.03, 0.02};
  const std::vector<double> adjusted = AdjustForSeveral(p_values);
  ASSERT_EQ(adjusted.size(), 4u);
  EXPECT_DOUBLE_EQ(adjusted[1], 0.04);
  EXPECT_DOUBLE_EQ(adjusted[3], 0.06);
  EXPECT_DOUBLE_EQ(adjusted[2], 0.06);
  EXPECT_DOUBLE_EQ(adjusted[0], 0.06);
  EXPECT_THAT(AdjustForSeveral(std::vector<double>{0.9, 0.8}), ElementsAre(1, 1));
}

// ---- whole runs, made up ----

// Ratios as benchmarks have them: most near the middle, some much larger.
std::vector<double> Ratios(std::mt19937_64* random, size_t rounds, double middle) {
  std::lognormal_distribution<double> noise(0, 0.08);
  std::bernoulli_distribution disturbed(0.1);
  std::vector<double> ratios;
  for (size_t i = 0; i < rounds; ++i) {
    ratios.push_back(middle * noise(*random) * (disturbed(*random) ? 1.5 : 1));
  }
  return ratios;
}

BenchResult MadeRun(std::mt19937_64* random, double slower = 1) {
  BenchResult result = DescribeThisMachine();
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g", "h"}) {
    const double middle = 2.5 * (std::string(name) == "c" ? slower : 1);
    result.workloads.push_back({name, "wake", 1000, 400, Ratios(random, 30, middle)});
  }
  return result;
}

TEST(BenchComparisonTest, SeldomCallsTheSameProgramSlower) {
  std::mt19937_64 random(11);
  constexpr int kRuns = 1000;
  int alarms = 0, significant = 0;
  for (int i = 0; i < kRuns; ++i) {
    const BenchResult before = MadeRun(&random);
    const BenchResult after = MadeRun(&random);
    const Comparison comparison = Compare(before, after, {});
    if (comparison.slower()) ++alarms;
    const auto any = [](const WorkloadChange& one) { return one.p_value < 0.01; };
    if (std::ranges::any_of(comparison.workloads, any)) ++significant;
  }
  // The level is 1 % for all eight together, and what is said to be slower is
  // also 10 % slower.
  EXPECT_LE(significant, kRuns / 100 + 15);
  EXPECT_GT(significant, 0) << "a test that never finds anything is none";
  EXPECT_LE(alarms, kRuns / 200);
}

TEST(BenchComparisonTest, FindsAFifth) {
  std::mt19937_64 random(13);
  constexpr int kRuns = 300;
  int found = 0, others = 0;
  for (int i = 0; i < kRuns; ++i) {
    const Comparison comparison = Compare(MadeRun(&random), MadeRun(&random, 1.2), {});
    for (const WorkloadChange& one : comparison.workloads) {
      (one.name == "c" ? found : others) += one.change == Change::kSlower;
    }
  }
  EXPECT_GE(found, kRuns * 95 / 100);
  EXPECT_LE(others, kRuns / 100 + 1);
  EXPECT_EQ(Compare(MadeRun(&random, 1.5), MadeRun(&random), {}).workloads[2].change,
            Change::kFaster);
}

TEST(BenchComparisonTest, DoesNotMindWhatIsSmall) {
  BenchResult before = DescribeThisMachine();
  WorkloadResult one{"a", "wake", 1, 1, {}};
  for (int i = 0; i < 20; ++i) one.ratios.push_back(1 + i * 0.001);
  before.workloads = {one};
  BenchResult after = before;
  for (double& ratio : after.workloads[0].ratios) ratio *= 1.08;
  const Comparison comparison = Compare(before, after, {});
  EXPECT_LT(comparison.workloads[0].p_value, 1e-6);
  EXPECT_EQ(comparison.workloads[0].change, Change::kSame);
  EXPECT_TRUE(Compare(before, after, {.threshold = 0.05}).slower());
}

TEST(BenchComparisonTest, ComparesOnlyWhatBothMeasuredInTheSameWay) {
  std::mt19937_64 random(17);
  BenchResult before = MadeRun(&random);
  const BenchResult after = MadeRun(&random);
  before.workloads[0].name = "gone";
  before.workloads[1].yardstick = "copy";
  before.processor = "another";
  const Comparison comparison = Compare(before, after, {});
  EXPECT_EQ(comparison.workloads.size(), 6u);
  EXPECT_THAT(comparison.only_in_one, testing::UnorderedElementsAre("a", "b", "gone", "b"));
  EXPECT_THAT(comparison.different_machine, HasSubstr("another"));
  EXPECT_THAT(Compare(after, after, {}).different_machine, IsEmpty());
}

TEST(BenchResultTest, ReadsWhatItWrote) {
  std::mt19937_64 random(19);
  const BenchResult written = MadeRun(&random);
  const auto read = ParseBench(BenchJson(written));
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->processor, written.processor);
  EXPECT_EQ(read->processors, written.processors);
  ASSERT_EQ(read->workloads.size(), written.workloads.size());
  EXPECT_EQ(read->workloads[2].ratios.size(), 30u);
  EXPECT_NEAR(read->workloads[2].ratios[7], written.workloads[2].ratios[7], 1e-4);
  EXPECT_FALSE(Compare(written, *read, {}).slower());
}

TEST(BenchResultTest, RefusesWhatIsNone) {
  std::mt19937_64 random(23);
  const std::string good = BenchJson(MadeRun(&random));
  const auto with = [&good](const std::string& from, const std::string& to) {
    std::string text = good;
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  const std::string ratio = good.substr(good.find("\"ratios\":[") + 10, 4);
  for (const std::string& wrong :
       {std::string(), std::string("[]"), std::string("{}"), good.substr(0, good.size() / 2),
        with("roost-bench-1", "roost-bench-2"), with("\"ns\":1000", "\"ns\":0"),
        with("\"ns\":1000", "\"ns\":\"x\""), with("\"name\":\"a\"", "\"name\":3"),
        with("\"ratios\":[" + ratio, "\"ratios\":[-1"),
        with("\"ratios\":[", "\"ratios\":[],\"x\":[")}) {
    EXPECT_FALSE(ParseBench(wrong).ok()) << wrong.substr(0, 200);
  }
}

// ---- the program ----

#ifndef ROOST_SANITIZED

class BenchTest : public testing::Test {
 protected:
  Finished Bench(std::vector<std::string> arguments) {
    ProcessOptions options;
    options.arguments = {ProgramPath("roost"), "bench", "--rounds", "8"};
    options.arguments.insert(options.arguments.end(), arguments.begin(), arguments.end());
    options.environment = {"TMPDIR=" + scratch_.path(), "ROOST_SOCKET"};
    return RunProgram(options);
  }

  // A roostd that spends half a millisecond before each write to its journal.
  std::string SlowBroker() {
    const std::string path = scratch_ / "slow-roostd";
    WriteFile(path, "#!/bin/sh\nLD_PRELOAD=" SLOW_WRITE_LIBRARY " exec " + ProgramPath("roostd") +
                        " \"$@\"\n");
    EXPECT_EQ(::chmod(path.c_str(), 0755), 0);
    return path;
  }

  ScratchDirectory scratch_;
};

TEST_F(BenchTest, MeasuresEachWorkloadAndComparesWithItself) {
  const std::string saved = scratch_ / "saved.json";
  const Finished measured = Bench({"--save", saved});
  EXPECT_EQ(measured.ending.exit_status, 0) << measured.errors;
  const auto result = LoadBench(saved);
  ASSERT_TRUE(result.ok()) << result.status().message();
  ASSERT_EQ(result->workloads.size(), 8u);
  for (const WorkloadResult& workload : result->workloads) {
    EXPECT_THAT(measured.output, HasSubstr("\n" + workload.name));
    EXPECT_EQ(workload.ratios.size(), 8u);
    EXPECT_GT(workload.ns, 0);
  }
  // Nothing is left in $TMPDIR, and a run that it is compared with has to be
  // one.
  for (const auto& entry : std::filesystem::directory_iterator(scratch_.path())) {
    EXPECT_EQ(entry.path(), saved);
  }
  WriteFile(saved, "{}");
  EXPECT_EQ(Bench({"--against", saved}).ending.exit_status, 2);
}

TEST_F(BenchTest, FindsABrokerThatIsSlowerAndOnlyWhereItIs) {
  const Finished slower =
      Bench({"--workload", "append", "--workload", "read", "--broker", SlowBroker(),
             "--against-broker", ProgramPath("roostd"), "--json"});
  EXPECT_EQ(slower.ending.exit_status, 1) << slower.output << slower.errors;
  EXPECT_THAT(slower.output, HasSubstr("\"slower\":true"));
  EXPECT_THAT(slower.output, testing::ContainsRegex("\"append\".*\"change\":\"slower\".*\"read\""));
  EXPECT_THAT(slower.output, Not(testing::ContainsRegex("\"read\".*\"change\":\"slower\"")));

  const std::string saved = scratch_ / "saved.json";
  EXPECT_EQ(Bench({"--workload", "append", "--save", saved}).ending.exit_status, 0);
  const Finished later =
      Bench({"--workload", "append", "--broker", SlowBroker(), "--against", saved});
  EXPECT_EQ(later.ending.exit_status, 1) << later.output << later.errors;
  EXPECT_THAT(later.output, HasSubstr("slower"));
}

TEST_F(BenchTest, SaysWhatIsWrong) {
  EXPECT_EQ(Bench({"--workload", "juggle"}).ending.exit_status, 2);
  EXPECT_EQ(Bench({"--rounds", "3"}).ending.exit_status, 2);
  EXPECT_EQ(Bench({"--against", scratch_ / "none"}).ending.exit_status, 2);
  const Finished broken = Bench({"--broker", "/bin/false"});
  EXPECT_EQ(broken.ending.exit_status, 1);
  EXPECT_THAT(broken.errors, HasSubstr("could not be started"));
}

#endif  // ROOST_SANITIZED

}  // namespace
}  // namespace roost
