// What the exporter makes of a snapshot, and whom it answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <cmath>
#include <map>
#include <set>
#include <string>

#include "base/clock.h"
#include "tests/monitoring/full_snapshot.h"
#include "tests/support/scratch.h"
#include "tools/export/broker_metrics.h"
#include "tools/export/counter_metrics.h"
#include "tools/export/histogram_metric.h"
#include "tools/http_rules.h"

namespace roost {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr uint64_t kNow = 100 * kNsPerSecond;

Health In(HealthState state) {
  Health health;
  health.state = state;
  return health;
}

std::map<std::string, MetricFamily> ByName(std::vector<MetricFamily> families) {
  std::map<std::string, MetricFamily> by_name;
  for (MetricFamily& family : families) {
    EXPECT_TRUE(by_name.emplace(family.name, family).second) << family.name << " twice";
  }
  return by_name;
}

std::map<std::string, MetricFamily> Exported(const CountersSnapshot& counters,
                                             SeriesLimits limits = {},
                                             HealthState state = HealthState::kWell) {
  return ByName(MetricsOf(In(state), &counters, kNow, limits));
}

TEST(ExportMetricsTest, EveryCounterHasANameAndTheTypeThatFitsIt) {
  std::set<std::string> names;
  for (size_t i = 0; i < kCounterCount; ++i) {
    const auto counter = static_cast<Counter>(i);
    const auto metric = MetricOf(counter);
    if (!metric) continue;
    const std::string name = metric->name;
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_THAT(name, testing::StartsWith("roost_"));
    EXPECT_EQ(name.ends_with("_total"), !IsGauge(counter)) << name;
    EXPECT_TRUE(metric->shown == Shown::kNumber || IsGauge(counter)) << name;
    // Nanoseconds are the format's, seconds are Prometheus's.
    if (std::string_view(CounterName(counter)).ends_with("_ns")) {
      EXPECT_NE(metric->shown, Shown::kNumber) << name;
    }
  }
}

TEST(ExportMetricsTest, OfABrokerThatIsGoneThereIsOnlyThatItIs) {
  const CountersSnapshot counters = FullSnapshot();
  for (const auto& families :
       {Exported(counters, {}, HealthState::kDead),
        ByName(MetricsOf(In(HealthState::kNoBroker), nullptr, kNow, {})),
        ByName(MetricsOf(In(HealthState::kUnreadable), nullptr, kNow, {}))}) {
    EXPECT_EQ(families.size(), 2u);
    EXPECT_EQ(families.at("roost_up").metric[0].gauge.value, 0);
    double states = 0;
    for (const auto& state : families.at("roost_health_state").metric) states += state.gauge.value;
    EXPECT_EQ(states, 1);
  }
}

TEST(ExportMetricsTest, OfABrokerThatHangsThereIsWhatItCounted) {
  const CountersSnapshot counters = FullSnapshot();
  for (const HealthState state : {HealthState::kHung, HealthState::kStopped}) {
    const auto families = Exported(counters, {}, state);
    EXPECT_EQ(families.at("roost_up").metric[0].gauge.value, 0);
    EXPECT_EQ(families.at("roost_events_appended_total").metric[0].counter.value, 1);
  }
  for (const HealthState state :
       {HealthState::kDegraded, HealthState::kDiskFull, HealthState::kSyncStalled,
        HealthState::kDiskFilling, HealthState::kWell}) {
    EXPECT_EQ(Exported(counters, {}, state).at("roost_up").metric[0].gauge.value, 1);
  }
}

TEST(ExportMetricsTest, ValuesAreInTheUnitsOfTheirNames) {
  CountersSnapshot counters = FullSnapshot();
  const auto set = [&](Counter counter, uint64_t value) {
    counters.values[static_cast<size_t>(counter)] = value;
  };
  set(Counter::kDiskLookedNs, kNow - 3 * kNsPerSecond);
  set(Counter::kJournalSyncBeganNs, 0);
  set(Counter::kDiskFullSinceNs, 1'700'000'000'000'000'000);
  set(Counter::kJudgedNs, 1'700'000'000'250'000'000);
  counters.beat = {Doing::kWorking, kNow - kNsPerSecond / 2};
  const auto families = Exported(counters);
  const auto gauge = [&](const char* name) { return families.at(name).metric[0].gauge.value; };
  EXPECT_EQ(gauge("roost_disk_age_seconds"), 3);
  EXPECT_EQ(gauge("roost_journal_sync_age_seconds"), 0);
  EXPECT_EQ(gauge("roost_disk_full"), 1);
  EXPECT_DOUBLE_EQ(gauge("roost_judged_timestamp_seconds"), 1'700'000'000.25);
  EXPECT_DOUBLE_EQ(gauge("roost_start_time_seconds"), 1'700'000'000.5);
  EXPECT_EQ(gauge("roost_turn_age_seconds"), 0.5);
  EXPECT_EQ(families.at("roost_broker_info").metric[0].label[1].value, "power");

  set(Counter::kDiskLookedNs, 0);  // nobody has looked: nothing is known
  counters.beat = {Doing::kAsleep, 5};
  const auto later = Exported(counters);
  EXPECT_FALSE(later.contains("roost_disk_free_bytes"));
  EXPECT_FALSE(later.contains("roost_disk_age_seconds"));
  EXPECT_EQ(later.at("roost_turn_age_seconds").metric[0].gauge.value, 0);
}

TEST(ExportMetricsTest, HistogramsAreCumulativeAndCountEverything) {
  LatencySnapshot durations;
  durations.Add(Histogram::IndexOf(500), 1);              // below the first bound
  durations.Add(Histogram::IndexOf(30'000), 2);           // on one
  durations.Add(Histogram::IndexOf(800'000'000'000), 4);  // over the last
  const ClientMetric::Histogram histogram = DurationHistogram(durations);
  EXPECT_EQ(histogram.sample_count, 7u);
  EXPECT_NEAR(histogram.sample_sum, 3200.00006, 3200 * 0.016);
  EXPECT_EQ(histogram.bucket.front().upper_bound, 1e-6);
  EXPECT_EQ(histogram.bucket.front().cumulative_count, 1u);
  EXPECT_TRUE(std::isinf(histogram.bucket.back().upper_bound));
  EXPECT_EQ(histogram.bucket.back().cumulative_count, 7u);
  bool has_a_millisecond = false;
  for (size_t i = 1; i < histogram.bucket.size(); ++i) {
    EXPECT_LT(histogram.bucket[i - 1].upper_bound, histogram.bucket[i].upper_bound);
    EXPECT_LE(histogram.bucket[i - 1].cumulative_count, histogram.bucket[i].cumulative_count);
    has_a_millisecond |= histogram.bucket[i].upper_bound == 0.001;
    if (histogram.bucket[i].upper_bound == 20e-6) {
      EXPECT_EQ(histogram.bucket[i].cumulative_count, 1u);
      EXPECT_EQ(histogram.bucket[i + 1].upper_bound, 30e-6);
      EXPECT_EQ(histogram.bucket[i + 1].cumulative_count, 3u);
    }
  }
  EXPECT_TRUE(has_a_millisecond);
}

TEST(ExportMetricsTest, SeriesOfSessionsAreAsManyAsAskedForTheOldestFirst) {
  CountersSnapshot counters = FullSnapshot();
  counters.values[static_cast<size_t>(Counter::kSessions)] = 5;
  SessionCounters session = counters.sessions[0];
  counters.sessions.clear();
  for (const uint64_t number : {30, 10, 20, 10}) {  // 10 twice: a file that somebody wrote
    session.session = number;
    session.attached_ns = number;
    counters.sessions.push_back(session);
  }
  EXPECT_FALSE(Exported(counters).contains("roost_session_requests_total"));
  const auto families = Exported(counters, {.sessions = 2});
  std::vector<std::string> shown;
  for (const auto& metric : families.at("roost_session_requests_total").metric) {
    shown.push_back(metric.label[0].value);
  }
  EXPECT_THAT(shown, ElementsAre("10", "20"));
  EXPECT_EQ(families.at("roost_sessions_omitted").metric[0].gauge.value, 3);
  EXPECT_EQ(Exported(counters, {.sessions = 9}).at("roost_session_requests_total").metric.size(),
            3u);
}

TEST(ExportMetricsTest, SeriesOfGroupsAreBoundedAndNeverTwice) {
  CountersSnapshot counters = FullSnapshot();
  counters.values[static_cast<size_t>(Counter::kGroups)] = 300;
  counters.groups.push_back(counters.groups[0]);
  counters.groups.push_back(counters.groups[0]);
  counters.groups[2].group = "other";
  counters.groups[2].values = {10, 4, 6, 1, 1, 2, 1};
  const auto families = Exported(counters);
  EXPECT_EQ(families.at("roost_group_lag_events").metric.size(), 2u);
  EXPECT_EQ(families.at("roost_group_lag_events").metric[1].gauge.value,
            static_cast<double>(counters.groups[2].lag()));
  EXPECT_EQ(families.at("roost_groups_omitted").metric[0].gauge.value, 298);
  EXPECT_FALSE(Exported(counters, {.groups = 0}).contains("roost_group_lag_events"));
}

TEST(ExportMetricsTest, WhatAgentsWroteCannotBreakAnExposition) {
  CountersSnapshot counters = FullSnapshot();
  counters.sessions[0].agent = "a\"} 1\nroost_up 7\n\x1b[31m\xff\xe2\x80\xae";
  counters.groups[0].stream = "s\\\"\n";
  const std::string text = prometheus::TextSerializer().Serialize(
      MetricsOf(In(HealthState::kWell), &counters, kNow, {.sessions = 1}));
  EXPECT_THAT(text, Not(HasSubstr("\nroost_up 7")));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("\xff")));
  EXPECT_THAT(text, HasSubstr("agent=\"a\\\"} 1"));
}

TEST(ExportMetricsTest, ObjectivesAndBaselinesSayNothingBeforeTheyWereJudged) {
  CountersSnapshot counters = FullSnapshot();
  const auto families = Exported(counters);
  EXPECT_EQ(families.at("roost_sla_objective_met").metric[0].gauge.value, 1);
  EXPECT_EQ(families.at("roost_sla_objective_met").metric[1].gauge.value, 0);
  EXPECT_EQ(families.at("roost_sla_latency_seconds").metric[0].gauge.value, 0.00025);
  EXPECT_EQ(families.at("roost_sla_availability_ratio").metric[0].gauge.value, 0.999);
  EXPECT_EQ(families.at("roost_sla_error_budget_remaining_ratio").metric[0].gauge.value, 0.75);
  EXPECT_EQ(families.at("roost_sla_burn_rate").metric[0].gauge.value, 0.5);
  EXPECT_EQ(families.at("roost_baseline_shift").metric[0].gauge.value, 1);
  EXPECT_EQ(families.at("roost_baseline_shift").metric[1].gauge.value, -1);
  EXPECT_EQ(families.at("roost_baseline_usual_seconds").metric[0].gauge.value, 40e-6);
  EXPECT_EQ(families.at("roost_baseline_usual_per_second").metric[0].gauge.value, 40);
  EXPECT_EQ(families.at("roost_baseline_learned_ratio").metric[0].gauge.value, 0.25);

  for (Objective& objective : counters.objectives) objective.state = ObjectiveState::kNotJudged;
  for (Baseline& baseline : counters.baselines) baseline.state = BaselineState::kLearning;
  const auto before = Exported(counters);
  for (const char* name : {"roost_sla_objective_met", "roost_sla_latency_seconds",
                           "roost_sla_burn_rate", "roost_baseline_shift",
                           "roost_baseline_usual_seconds", "roost_baseline_current_per_second"}) {
    EXPECT_FALSE(before.contains(name)) << name;
  }
  EXPECT_TRUE(before.contains("roost_sla_latency_target_seconds"));
  EXPECT_TRUE(before.contains("roost_baseline_learned_ratio"));
}

TEST(ExportRulesTest, ListensOnAddressesAlone) {
  EXPECT_EQ(ParseListenAddress("127.0.0.1:9464")->text(), "127.0.0.1:9464");
  EXPECT_EQ(ParseListenAddress("[::1]:0")->text(), "[::1]:0");
  EXPECT_EQ(ParseListenAddress("localhost:80")->text(), "127.0.0.1:80");
  EXPECT_TRUE(ParseListenAddress("127.8.0.1:1")->loopback());
  EXPECT_TRUE(ParseListenAddress("[::1]:1")->loopback());
  for (const char* open : {"0.0.0.0:1", "10.0.0.1:1", "[::]:1", "[::ffff:127.0.0.1]:1"}) {
    EXPECT_FALSE(ParseListenAddress(open)->loopback()) << open;
  }
  for (const char* wrong :
       {"", "9464", ":9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:9464s",
        "127.0.0.1:-1", "host:9464", "::1:9464", "[::1]", "[::1]9464", "[127.0.0.1]:1", "1.2.3:4",
        "127.0.0.1:80,0.0.0.0:81", "127.0.0.1: 80"}) {
    EXPECT_FALSE(ParseListenAddress(wrong).ok()) << wrong;
  }
}

TEST(ExportRulesTest, AnswersAddressesAndNamesThatItWasGiven) {
  const std::vector<std::string> names = {"Metrics.Example"};
  for (const char* fine : {"127.0.0.1", "127.0.0.1:9464", "10.1.2.3:80", "[::1]:9464", "[::1]",
                           "localhost", "LOCALHOST:9464", "metrics.example:9464"}) {
    EXPECT_TRUE(IsHostAllowed(fine, names)) << fine;
  }
  for (const char* wrong : {"", ":80", "evil.example", "127.0.0.1.evil.example", "localhost.evil",
                            "[evil]", "[::1", "[::1]x", "metrics.example.evil:9464"}) {
    EXPECT_FALSE(IsHostAllowed(wrong, names)) << wrong;
  }
}

TEST(ExportRulesTest, KnowsItsToken) {
  EXPECT_TRUE(IsBearer("Bearer abc", "abc"));
  EXPECT_TRUE(IsBearer("bearer abc", "abc"));
  for (const char* wrong :
       {"", "Bearer", "Bearer ", "Bearer ab", "Bearer abcd", "Bearer abd", "Basic abc", "abc"}) {
    EXPECT_FALSE(IsBearer(wrong, "abc")) << wrong;
  }
}

TEST(ExportRulesTest, ReadsATokenThatNobodyElseCan) {
  ScratchDirectory scratch;
  const std::string path = scratch / "token";
  const auto code = [&](const std::string& text, unsigned mode) {
    WriteFile(path, text);
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return ReadToken(path).status().code();
  };
  EXPECT_EQ(code("0123456789abcdef\nmore\n", 0640), StatusCode::kOk);
  EXPECT_EQ(*ReadToken(path), "0123456789abcdef");
  EXPECT_EQ(code("0123456789abcdef\n", 0644), StatusCode::kPermissionDenied);
  EXPECT_EQ(code("0123456789abcde\n", 0600), StatusCode::kInvalidArgument);
  EXPECT_EQ(code("0123456789 abcdef\n", 0600), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(std::string(1025, 'a'), 0600), StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadToken(scratch / "none").status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace roost
