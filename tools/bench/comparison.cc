#include "tools/bench/comparison.h"

#include <fmt/core.h>

#include <algorithm>

#include "tools/bench/statistics.h"

namespace roost {
namespace {

const WorkloadResult* Find(const BenchResult& result, const WorkloadResult& like) {
  const auto found = std::ranges::find_if(result.workloads, [&](const WorkloadResult& one) {
    return one.name == like.name && one.yardstick == like.yardstick;
  });
  return found == result.workloads.end() ? nullptr : &*found;
}

std::string DifferenceOfMachines(const BenchResult& before, const BenchResult& after) {
  if (before.processor != after.processor || before.processors != after.processors) {
    return fmt::format("{} x {}, then {} x {}", before.processors, before.processor,
                       after.processors, after.processor);
  }
  if (before.kernel != after.kernel) return fmt::format("{}, then {}", before.kernel, after.kernel);
  return "";
}

Change Judge(const WorkloadChange& one, const ComparisonLimits& limits) {
  if (one.p_value >= limits.level) return Change::kSame;
  if (one.times >= 1 + limits.threshold) return Change::kSlower;
  return one.times <= 1 / (1 + limits.threshold) ? Change::kFaster : Change::kSame;
}

}  // namespace

const char* ChangeName(Change change) {
  switch (change) {
    case Change::kSame:
      return "same";
    case Change::kSlower:
      return "slower";
    case Change::kFaster:
      return "faster";
  }
  return "?";
}

bool Comparison::slower() const {
  return std::ranges::any_of(
      workloads, [](const WorkloadChange& one) { return one.change == Change::kSlower; });
}

Comparison Compare(const BenchResult& before, const BenchResult& after,
                   const ComparisonLimits& limits) {
  Comparison comparison;
  comparison.different_machine = DifferenceOfMachines(before, after);
  std::vector<double> p_values;
  for (const WorkloadResult& now : after.workloads) {
    const WorkloadResult* then = Find(before, now);
    if (then == nullptr) {
      comparison.only_in_one.push_back(now.name);
      continue;
    }
    WorkloadChange& one = comparison.workloads.emplace_back();
    one.name = now.name;
    one.yardstick = now.yardstick;
    one.before = Median(then->ratios);
    one.after = Median(now.ratios);
    one.times = ShiftRatio(then->ratios, now.ratios);
    p_values.push_back(CompareByRank(then->ratios, now.ratios).p_value);
  }
  for (const WorkloadResult& then : before.workloads) {
    if (Find(after, then) == nullptr) comparison.only_in_one.push_back(then.name);
  }
  const std::vector<double> adjusted = AdjustForSeveral(p_values);
  for (size_t i = 0; i < adjusted.size(); ++i) {
    comparison.workloads[i].p_value = adjusted[i];
    comparison.workloads[i].change = Judge(comparison.workloads[i], limits);
  }
  return comparison;
}

}  // namespace roost
