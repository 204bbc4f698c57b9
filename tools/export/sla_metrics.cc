#include "tools/export/sla_metrics.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "base/clock.h"
#include "tools/export/row_metrics.h"

namespace roost {
namespace {

using prometheus::MetricType;

constexpr double kNs = static_cast<double>(kNsPerSecond);

MetricLabels LabelsOf(const Objective& objective) {
  return {{"objective", LabelText(objective.text)}};
}

MetricLabels LabelsOf(const Baseline& baseline) { return {{"baseline", LabelText(baseline.name)}}; }

template <typename Rows>
auto Distinct(const Rows& rows) {
  return WithoutRepeats(rows, std::numeric_limits<size_t>::max(),
                        [](const auto& row) { return LabelsOf(row); });
}

// One family: a sample for each of the rows that `value_of` has one for.
template <typename Rows, typename ValueOf>
void AddFamily(const char* name, MetricType type, const char* help, const Rows& rows,
               ValueOf value_of, MetricFamilies* out) {
  out->Begin(name, type, help);
  for (const auto* row : rows) {
    if (const std::optional<double> value = value_of(*row)) out->Value(*value, LabelsOf(*row));
  }
}

std::optional<double> If(bool known, double value) {
  return known ? std::optional(value) : std::nullopt;
}

}  // namespace

void AddObjectives(const CountersSnapshot& counters, MetricFamilies* out) {
  const auto rows = Distinct(counters.objectives);
  const auto add = [&](const char* name, const char* help, auto value_of,
                       MetricType type = MetricType::Gauge) {
    AddFamily(name, type, help, rows, value_of, out);
  };
  const auto judged = [](const Objective& row) { return row.state != ObjectiveState::kNotJudged; };
  const auto latency = [](const Objective& row) { return row.kind == ObjectiveKind::kLatency; };

  add("roost_sla_objective_met", "1 if the objective is met, 0 if it is breached",
      [&](const Objective& row) { return If(judged(row), row.breached() ? 0 : 1); });
  add("roost_sla_latency_seconds", "The latency that the objective is about, over its window",
      [&](const Objective& row) { return If(judged(row) && latency(row), row.measured() / kNs); });
  add("roost_sla_latency_target_seconds", "What that latency must be below",
      [&](const Objective& row) {
        return If(latency(row), static_cast<double>(row[ObjectiveValue::kTargetNs]) / kNs);
      });
  add("roost_sla_availability_ratio", "The share of its window in which appends were taken",
      [&](const Objective& row) { return If(judged(row) && !latency(row), row.measured()); });
  add("roost_sla_required_ratio", "The share that must be good: of requests, or of the time",
      [&](const Objective& row) { return If(true, row.share()); });
  add("roost_sla_window_seconds", "The time over which the objective is judged",
      [&](const Objective& row) {
        return If(true, static_cast<double>(row[ObjectiveValue::kWindowNs]) / kNs);
      });
  add("roost_sla_error_budget_remaining_ratio",
      "What is left of the errors that a window allows; below 0 it is overdrawn",
      [&](const Objective& row) { return If(judged(row), row.budget_left()); });
  add("roost_sla_burn_rate", "How fast that budget is used now; at 1 a window uses it up just so",
      [&](const Objective& row) { return If(judged(row), row.burn_rate()); });
  add(
      "roost_sla_breaches_total", "Breaches of the objective",
      [&](const Objective& row) {
        return If(true, static_cast<double>(row[ObjectiveValue::kBreaches]));
      },
      MetricType::Counter);
}

void AddBaselines(const CountersSnapshot& counters, MetricFamilies* out) {
  const auto rows = Distinct(counters.baselines);
  const auto add = [&](const char* name, const char* help, auto value_of,
                       MetricType type = MetricType::Gauge) {
    AddFamily(name, type, help, rows, value_of, out);
  };
  const auto learned = [](const Baseline& row) { return row.state != BaselineState::kLearning; };
  const auto count = [](const Baseline& row, BaselineValue value) {
    return static_cast<double>(row[value]);
  };

  add("roost_baseline_shift", "1 if it has shifted to more than usual, -1 to less, 0 neither",
      [&](const Baseline& row) {
        return If(learned(row), row.state == BaselineState::kUp     ? 1
                                : row.state == BaselineState::kDown ? -1
                                                                    : 0);
      });
  add("roost_baseline_usual_seconds", "The latency as it was learned",
      [&](const Baseline& row) { return If(learned(row) && !row.is_rate(), row.usual() / kNs); });
  add("roost_baseline_current_seconds", "The latency in the last minutes",
      [&](const Baseline& row) { return If(learned(row) && !row.is_rate(), row.current() / kNs); });
  add("roost_baseline_usual_per_second", "The rate as it was learned",
      [&](const Baseline& row) { return If(learned(row) && row.is_rate(), row.usual()); });
  add("roost_baseline_current_per_second", "The rate in the last minutes",
      [&](const Baseline& row) { return If(learned(row) && row.is_rate(), row.current()); });
  add("roost_baseline_learned_ratio", "How much of what it needs to judge it has learned",
      [&](const Baseline& row) {
        const double needed = count(row, BaselineValue::kNeeded);
        return If(needed > 0, std::min(count(row, BaselineValue::kLearned) / needed, 1.0));
      });
  add(
      "roost_baseline_shifts_total", "Shifts of it",
      [&](const Baseline& row) { return If(true, count(row, BaselineValue::kShifts)); },
      MetricType::Counter);
}

}  // namespace roost
