#include "broker/sla/keeper.h"

namespace roost {
namespace {

double Ratio(uint64_t part, double whole) {
  return whole > 0 ? static_cast<double>(part) / whole : 0;
}

}  // namespace

Compliance LatencyCompliance(const ObjectiveSpec& objective, const LatencyWindow& window,
                             uint64_t now_ns) {
  const double may_be_bad = 1 - objective.share;
  Compliance compliance;
  compliance.whole = window.whole();
  compliance.measured = static_cast<double>(window.durations().Quantile(objective.share));
  const auto total = static_cast<double>(compliance.whole.total);
  compliance.budget_used = Ratio(compliance.whole.bad(), total * may_be_bad);
  const Tally recent = window.Recent(now_ns);
  compliance.burn_rate = Ratio(recent.bad(), static_cast<double>(recent.total) * may_be_bad);
  // Shares like 0.99 are not exact.
  compliance.enough = total * may_be_bad >= 1 - 1e-6;
  return compliance;
}

Compliance AvailabilityCompliance(const ObjectiveSpec& objective, const DownTimes& down,
                                  uint64_t now_ns) {
  const double may_be_bad = 1 - objective.share;
  const auto now = static_cast<int64_t>(now_ns);
  const auto window_ns = static_cast<int64_t>(objective.window_ns);
  const auto short_ns = static_cast<int64_t>(ShortWindowOf(objective.window_ns));
  const uint64_t bad_ns = down.Within(now - window_ns, now);
  Compliance compliance;
  compliance.whole = {objective.window_ns - bad_ns, objective.window_ns};
  compliance.measured = Ratio(compliance.whole.good, static_cast<double>(window_ns));
  compliance.budget_used = Ratio(bad_ns, static_cast<double>(window_ns) * may_be_bad);
  compliance.burn_rate =
      Ratio(down.Within(now - short_ns, now), static_cast<double>(short_ns) * may_be_bad);
  return compliance;
}

void Keeper::Become(ObjectiveState state, uint64_t wall_ns) {
  state_ = state;
  since_ns_ = wall_ns;
}

Keeper::Change Keeper::Judge(const Compliance& compliance, uint64_t wall_ns) {
  if (breached()) {
    if (compliance.budget_used > kRecoveredAt || compliance.burn_rate > 1) return Change::kNone;
    Become(ObjectiveState::kMet, wall_ns);
    return Change::kRecovered;
  }
  if (compliance.budget_used > 1 && compliance.enough) {
    Become(ObjectiveState::kBreached, wall_ns);
    ++breaches_;
    return Change::kBreached;
  }
  if (state_ == ObjectiveState::kNotJudged) Become(ObjectiveState::kMet, wall_ns);
  return Change::kNone;
}

void Keeper::RestoreBreach(uint64_t since_ns) { Become(ObjectiveState::kBreached, since_ns); }

void Keeper::Close(uint64_t wall_ns) { Become(ObjectiveState::kMet, wall_ns); }

}  // namespace roost
