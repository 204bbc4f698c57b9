// A snapshot in which everything that can be counted is counted, so that each metric of the exporter has a sample.
#ifndef ROOST_TESTS_MONITORING_FULL_SNAPSHOT_H_
#define ROOST_TESTS_MONITORING_FULL_SNAPSHOT_H_

#include "base/histogram.h"
#include "ipc/counters_reader.h"

namespace roost {

inline Objective MadeObjective(const char* text, ObjectiveKind kind, ObjectiveState state) {
  Objective objective;
  objective.text = text;
  objective.kind = kind;
  objective.state = state;
  const auto set = [&](ObjectiveValue value, uint64_t to) {
    objective.values[static_cast<size_t>(value)] = to;
  };
  set(ObjectiveValue::kTargetNs, 1'000'000);
  set(ObjectiveValue::kShare, 990'000'000);
  set(ObjectiveValue::kWindowNs, 60'000'000'000);
  set(ObjectiveValue::kMeasured, kind == ObjectiveKind::kLatency ? 250'000 : 999'000'000);
  set(ObjectiveValue::kBudgetUsed, 250'000);
  set(ObjectiveValue::kBurnRate, 500'000);
  set(ObjectiveValue::kBreaches, 3);
  return objective;
}

inline Baseline MadeBaseline(const char* name, bool is_rate, BaselineState state) {
  Baseline baseline;
  baseline.name = name;
  baseline.state = state;
  const auto set = [&](BaselineValue value, uint64_t to) {
    baseline.values[static_cast<size_t>(value)] = to;
  };
  set(BaselineValue::kIsRate, is_rate ? 1 : 0);
  set(BaselineValue::kUsual, 40'000);
  set(BaselineValue::kCurrent, 80'000);
  set(BaselineValue::kLearned, 15);
  set(BaselineValue::kNeeded, 60);
  set(BaselineValue::kShifts, 2);
  return baseline;
}

inline CountersSnapshot FullSnapshot() {
  CountersSnapshot counters;
  counters.broker_pid = 4711;
  counters.version = "0.1.0";
  counters.started_ns = 1'700'000'000'500'000'000;
  counters.durability = 2;
  for (size_t i = 0; i < kCounterCount; ++i) counters.values[i] = i + 1;
  for (LatencySnapshot& latency : counters.latencies) latency.Add(Histogram::IndexOf(30'000), 2);
  for (LatencySnapshot& size : counters.sizes) size.Add(Histogram::IndexOf(5), 1);
  SessionCounters session;
  session.session = 17;
  session.attached_ns = 5;
  session.uid = 1000;
  session.pid = 99;
  session.agent = "an agent";
  counters.sessions = {session};
  GroupCounters group;
  group.stream = "work";
  group.group = "g";
  counters.groups = {group};
  counters.objectives = {
      MadeObjective("append p99 < 1ms over 1m", ObjectiveKind::kLatency, ObjectiveState::kMet),
      MadeObjective("availability 99.9% over 1h", ObjectiveKind::kAvailability,
                    ObjectiveState::kBreached)};
  counters.baselines = {MadeBaseline("append p50", false, BaselineState::kUp),
                        MadeBaseline("events", true, BaselineState::kDown)};
  return counters;
}

}  // namespace roost

#endif  // ROOST_TESTS_MONITORING_FULL_SNAPSHOT_H_
