#include "tools/sla_status.h"

#include <fmt/core.h>

#include "base/clock.h"
#include "tools/table.h"

namespace roost {
namespace {

std::string MeasuredText(const Objective& objective) {
  if (objective.kind == ObjectiveKind::kAvailability) {
    return fmt::format("{:.3f} %", objective.measured() * 100);
  }
  if (objective[ObjectiveValue::kTotal] == 0) return "-";
  return ShowDuration(static_cast<uint64_t>(objective.measured()));
}

std::string ValueText(const Baseline& baseline, double value) {
  return baseline.is_rate() ? fmt::format("{:.1f}/s", value)
                            : ShowDuration(static_cast<uint64_t>(value));
}

std::string SinceText(uint64_t since_ns) {
  const uint64_t now_ns = WallNs();
  return since_ns == 0 || now_ns <= since_ns ? "" : ", for " + ShowAge(now_ns - since_ns);
}

void AddObjectiveJson(const Objective& objective, std::string* text) {
  const bool is_latency = objective.kind == ObjectiveKind::kLatency;
  JsonObject json(text);
  json.Text("objective", objective.text);
  json.Text("state", ObjectiveStateName(objective.state));
  if (objective.since_ns != 0) json.Text("since", FormatTime(objective.since_ns));
  json.Text("kind", ObjectiveKindName(objective.kind));
  json.Raw(is_latency ? "measured_ns" : "measured",
           fmt::format("{:.{}f}", objective.measured(), is_latency ? 0 : 6));
  if (is_latency) {
    json.Number("target_ns", objective[ObjectiveValue::kTargetNs]);
    json.Number("requests", objective[ObjectiveValue::kTotal]);
    json.Number("slow", objective[ObjectiveValue::kTotal] - objective[ObjectiveValue::kGood]);
  }
  json.Raw("share", fmt::format("{:.5f}", objective.share()));
  json.Number("window_ms", objective[ObjectiveValue::kWindowNs] / kNsPerMs);
  json.Raw("budget_left", fmt::format("{:.3f}", objective.budget_left()));
  json.Raw("burn_rate", fmt::format("{:.3f}", objective.burn_rate()));
  json.Number("breaches", objective[ObjectiveValue::kBreaches]);
  json.End();
}

void AddBaselineJson(const Baseline& baseline, std::string* text) {
  JsonObject json(text);
  json.Text("what", baseline.name);
  json.Text("state", BaselineStateName(baseline.state));
  if (baseline.since_ns != 0) json.Text("since", FormatTime(baseline.since_ns));
  const char* const unit = baseline.is_rate() ? "per_second" : "ns";
  json.Raw(fmt::format("usual_{}", unit), fmt::format("{:.1f}", baseline.usual()));
  json.Raw(fmt::format("now_{}", unit), fmt::format("{:.1f}", baseline.current()));
  json.Number("learned", baseline[BaselineValue::kLearned]);
  json.Number("needed", baseline[BaselineValue::kNeeded]);
  json.Number("shifts", baseline[BaselineValue::kShifts]);
  json.End();
}

}  // namespace

std::vector<std::string> ObjectiveLines(const CountersSnapshot& counters) {
  std::vector<std::string> lines;
  for (const Objective& objective : counters.objectives) {
    std::string line = fmt::format("{:<9} {:<32} {:>10}", objective.breached() ? "BREACHED" : "met",
                                   objective.text, MeasuredText(objective));
    if (objective.state == ObjectiveState::kNotJudged) {
      line.replace(0, 9, "not yet  ");
    } else {
      line += fmt::format("   budget left {:.0f} %, burn rate {:.1f}{}",
                          objective.budget_left() * 100, objective.burn_rate(),
                          objective.breached() ? SinceText(objective.since_ns) : "");
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<std::string> ShiftLines(const CountersSnapshot& counters) {
  std::vector<std::string> lines;
  for (const Baseline& baseline : counters.baselines) {
    if (!baseline.shifted()) continue;
    lines.push_back(fmt::format(
        "{} {}: {}, usually {}{}", baseline.name, BaselineStateName(baseline.state),
        ValueText(baseline, baseline.current()), ValueText(baseline, baseline.usual()),
        SinceText(baseline.since_ns)));
  }
  return lines;
}

void AddSlaJson(const CountersSnapshot& counters, JsonObject* object, std::string* text) {
  const auto add_array = [text](const auto& items, auto* add) {
    *text += '[';
    for (const auto& item : items) {
      if (text->back() != '[') *text += ',';
      add(item, text);
    }
    *text += ']';
  };
  object->Name("sla");
  JsonObject sla(text);
  sla.Bool("met", counters[Counter::kObjectivesBreached] == 0);
  if (counters[Counter::kJudgedNs] != 0) {
    sla.Text("judged", FormatTime(counters[Counter::kJudgedNs]));
  }
  sla.Name("objectives");
  add_array(counters.objectives, AddObjectiveJson);
  sla.End();
  // Those that nothing is known of yet would only be in the way.
  std::vector<Baseline> known;
  for (const Baseline& baseline : counters.baselines) {
    if (baseline[BaselineValue::kLearned] > 0) known.push_back(baseline);
  }
  object->Name("baselines");
  add_array(known, AddBaselineJson);
}

}  // namespace roost
