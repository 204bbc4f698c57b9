#include "broker/sla/objective_board.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/clock.h"
#include "broker/own_event.h"

namespace roost {
namespace {

uint64_t PartsOf(double value, double ones) {
  constexpr double kMost = 1e18;
  return static_cast<uint64_t>(std::llround(std::clamp(value * ones, 0.0, kMost)));
}

std::string MeasuredText(const ObjectiveSpec& spec, const Compliance& compliance) {
  if (spec.kind == ObjectiveKind::kAvailability) {
    return fmt::format("{:.3f} %", compliance.measured * 100);
  }
  return fmt::format("{:.3f} ms of {} requests", compliance.measured / kNsPerMs,
                     compliance.whole.total);
}

// Members, with a comma before each.
std::string MeasuredMembers(const ObjectiveSpec& spec, const Compliance& compliance) {
  std::string text =
      spec.kind == ObjectiveKind::kAvailability
          ? fmt::format(R"(,"measured":{:.6f},"down_ms":{})", compliance.measured,
                        compliance.whole.bad() / kNsPerMs)
          : fmt::format(R"(,"measured_ns":{:.0f},"target_ns":{},"requests":{},"slow":{})",
                        compliance.measured, spec.target_ns, compliance.whole.total,
                        compliance.whole.bad());
  return text + fmt::format(R"(,"budget_left":{:.3f},"burn_rate":{:.3f})",
                            1 - compliance.budget_used, compliance.burn_rate);
}

uint64_t Between(uint64_t since_ns, uint64_t wall_ns) {
  return wall_ns > since_ns ? wall_ns - since_ns : 0;
}

std::string RecoveredData(std::string_view objective, uint64_t since_ns, uint64_t wall_ns,
                          std::string_view reason, std::string_view measured) {
  return fmt::format(R"({{"objective":{},"since":"{}","lasted_ms":{},"reason":"{}"{}}})",
                     JsonString(objective), FormatTime(since_ns),
                     Between(since_ns, wall_ns) / kNsPerMs, reason, measured);
}

std::string RecoveredLine(std::string_view objective, uint64_t since_ns, uint64_t wall_ns,
                          std::string_view reason) {
  return fmt::format("the objective \"{}\" is breached no longer, after {} s: {}", objective,
                     Between(since_ns, wall_ns) / kNsPerSecond, reason);
}

}  // namespace

ObjectiveBoard::ObjectiveBoard(std::vector<ObjectiveSpec> objectives, MonitorSink* sink)
    : sink_(sink) {
  ROOST_CHECK(objectives.size() <= kObjectivesMax, "objectives={}", objectives.size());
  for (ObjectiveSpec& spec : objectives) {
    Kept& kept = kept_.emplace_back();
    if (spec.kind == ObjectiveKind::kLatency) kept.window.emplace(spec.window_ns, spec.target_ns);
    longest_window_ns_ = std::max(longest_window_ns_, spec.window_ns);
    kept.spec = std::move(spec);
  }
}

void ObjectiveBoard::Restore(std::span<const SavedBreach> breaches, const Moment& at) {
  for (const SavedBreach& breach : breaches) {
    const auto is_its = [&](const Kept& kept) { return kept.spec.text == breach.objective; };
    const auto kept = std::ranges::find_if(kept_, is_its);
    if (kept == kept_.end()) {
      constexpr std::string_view kReason = "removed";
      const uint64_t ended = sink_->Tell(
          {kRecoveredType,
           RecoveredData(breach.objective, breach.since_ns, at.wall_ns, kReason, ""),
           RecoveredLine(breach.objective, breach.since_ns, at.wall_ns, kReason)});
      orphans_.push_back({breach, ended});
      continue;
    }
    kept->keeper.RestoreBreach(breach.since_ns);
    kept->breached_ns = breach.since_ns;
    if (kept->spec.kind == ObjectiveKind::kAvailability) {
      kept->must_tell = !breach.was_told;
      continue;
    }
    kept->keeper.Close(at.wall_ns);
    TellRecovered(*kept, at.wall_ns, "restarted");
  }
}

Compliance ObjectiveBoard::ComplianceOf(const Kept& kept, uint64_t now_ns,
                                        const DownTimes& down) const {
  return kept.window ? LatencyCompliance(kept.spec, *kept.window, now_ns)
                     : AvailabilityCompliance(kept.spec, down, now_ns);
}

bool ObjectiveBoard::Judge(const Moment& at, std::span<const BucketCounts> durations,
                           const DownTimes& down) {
  ROOST_CHECK(durations.size() == kLatencyCount + 1, "durations={}", durations.size());
  bool must_tell = false;
  for (Kept& kept : kept_) {
    if (kept.window) kept.window->Add(at.now_ns, durations[kept.spec.latency]);
    kept.compliance = ComplianceOf(kept, at.now_ns, down);
    switch (kept.keeper.Judge(kept.compliance, at.wall_ns)) {
      case Keeper::Change::kNone:
        break;
      case Keeper::Change::kBreached:
        kept.breached_ns = at.wall_ns;
        kept.must_tell = true;
        kept.told = kept.ended = 0;
        break;
      case Keeper::Change::kRecovered:
        if (kept.must_tell) Tell(kept);
        TellRecovered(kept, at.wall_ns, "met");
        break;
    }
    must_tell |= kept.must_tell;
  }
  return must_tell;
}

void ObjectiveBoard::TellBreaches() {
  for (Kept& kept : kept_) {
    if (kept.must_tell) Tell(kept);
  }
}

void ObjectiveBoard::Tell(Kept& kept) {
  kept.must_tell = false;
  const std::string& text = kept.spec.text;
  kept.told = sink_->Tell(
      {kBreachedType,
       fmt::format(R"({{"objective":{},"since":"{}"{}}})", JsonString(text),
                   FormatTime(kept.breached_ns), MeasuredMembers(kept.spec, kept.compliance)),
       fmt::format("the objective \"{}\" is breached: {}", text,
                   MeasuredText(kept.spec, kept.compliance))});
}

void ObjectiveBoard::TellRecovered(Kept& kept, uint64_t wall_ns, std::string_view reason) {
  const std::string& text = kept.spec.text;
  kept.ended = sink_->Tell({kRecoveredType,
                            RecoveredData(text, kept.breached_ns, wall_ns, reason,
                                          MeasuredMembers(kept.spec, kept.compliance)),
                            RecoveredLine(text, kept.breached_ns, wall_ns, reason)});
}

uint64_t ObjectiveBoard::NextDueNs(uint64_t now_ns, const DownTimes& down) const {
  uint64_t due_ns = UINT64_MAX;
  for (const Kept& kept : kept_) {
    if (kept.window) {
      due_ns = std::min(due_ns, kept.window->NextSlideNs());
    } else if (kept.compliance.whole.bad() > 0 || kept.keeper.breached() || !down.empty()) {
      due_ns = std::min(due_ns, now_ns + StepOf(kept.spec.window_ns));
    }
  }
  return due_ns;
}

bool ObjectiveBoard::Wants(size_t latency) const {
  return std::ranges::any_of(
      kept_, [latency](const Kept& kept) { return kept.window && kept.spec.latency == latency; });
}

std::vector<SavedBreach> ObjectiveBoard::Save() const {
  const uint64_t committed = sink_->Committed();
  std::vector<SavedBreach> breaches;
  for (const Kept& kept : kept_) {
    // One whose end is not in the log yet is ended again if the broker dies now.
    if (!kept.keeper.breached() && kept.ended <= committed) continue;
    breaches.push_back(
        {kept.spec.text, kept.breached_ns, !kept.must_tell && kept.told <= committed});
  }
  for (const Orphan& orphan : orphans_) {
    if (orphan.ended > committed) breaches.push_back(orphan.breach);
  }
  return breaches;
}

void ObjectiveBoard::Name(CountersWriter* counters) const {
  for (size_t row = 0; row < kept_.size(); ++row) {
    const ObjectiveSpec& spec = kept_[row].spec;
    MonitorCountersWriter& rows = counters->monitor();
    rows.NameObjective(row, spec.text);
    rows.Set(row, ObjectiveValue::kKind, static_cast<uint64_t>(spec.kind));
    rows.Set(row, ObjectiveValue::kTargetNs, spec.target_ns);
    rows.Set(row, ObjectiveValue::kShare, PartsOf(spec.share, 1e9));
    rows.Set(row, ObjectiveValue::kWindowNs, spec.window_ns);
  }
  counters->Set(Counter::kObjectives, kept_.size());
}

void ObjectiveBoard::Show(CountersWriter* counters) const {
  size_t breached = 0;
  for (size_t row = 0; row < kept_.size(); ++row) {
    const Kept& kept = kept_[row];
    const Compliance& compliance = kept.compliance;
    const bool is_share = kept.spec.kind == ObjectiveKind::kAvailability;
    MonitorCountersWriter& rows = counters->monitor();
    rows.Set(row, ObjectiveValue::kMeasured, PartsOf(compliance.measured, is_share ? 1e9 : 1));
    rows.Set(row, ObjectiveValue::kGood, compliance.whole.good);
    rows.Set(row, ObjectiveValue::kTotal, compliance.whole.total);
    rows.Set(row, ObjectiveValue::kBudgetUsed, PartsOf(compliance.budget_used, 1e6));
    rows.Set(row, ObjectiveValue::kBurnRate, PartsOf(compliance.burn_rate, 1e6));
    rows.Set(row, ObjectiveValue::kBreaches, kept.keeper.breaches());
    rows.Set(row, ObjectiveValue::kState,
             StateSince(static_cast<uint64_t>(kept.keeper.state()), kept.keeper.since_ns()));
    if (kept.keeper.breached()) ++breached;
  }
  counters->Set(Counter::kObjectivesBreached, breached);
}

}  // namespace roost
