// Whether one objective is met: what its window holds becomes an error budget, how much of it is used, how fast it is being
// used, and from that when a breach begins and when it ends. Pure; one thread; the clock is the caller's.
//
// The budget is what may be bad in a window: a p99 lets 1 % of the requests be slow, 99.9 % availability lets 1/1000 of the
// window be lost. The burn rate is how fast it is used in the newest part of the window (latency_window.h): at 1 a window
// would use it up just so.
//
//   met      -> breached   more than the budget is used, and there were enough requests for it to mean something: at least
//                          so many that one slow request alone is within the budget (100 for a p99)
//   breached -> met        at most 90 % of the budget is used, and the burn rate is at most 1
#ifndef ROOST_BROKER_SLA_KEEPER_H_
#define ROOST_BROKER_SLA_KEEPER_H_

#include <cstdint>
#include <string_view>

#include "broker/sla/down_times.h"
#include "broker/sla/latency_window.h"
#include "broker/sla/objective.h"

namespace roost {

// What is known of an objective at some moment.
struct Compliance {
  double measured = 0;  // the quantile in ns, or the share of the time
  Tally whole;          // of the window: requests; ns of time
  double budget_used = 0;
  double burn_rate = 0;
  bool enough = true;  // for a breach to begin
};

Compliance LatencyCompliance(const ObjectiveSpec& objective, const LatencyWindow& window,
                             uint64_t now_ns);
Compliance AvailabilityCompliance(const ObjectiveSpec& objective, const DownTimes& down,
                                  uint64_t now_ns);

class Keeper {
 public:
  static constexpr double kRecoveredAt = 0.9;

  enum class Change { kNone, kBreached, kRecovered };

  // `wall_ns` is CLOCK_REALTIME.
  Change Judge(const Compliance& compliance, uint64_t wall_ns);
  // It was breached when the broker ended, since then.
  void RestoreBreach(uint64_t since_ns);
  // Ends a breach for another reason than that the objective is met again.
  void Close(uint64_t wall_ns);

  ObjectiveState state() const { return state_; }
  uint64_t since_ns() const { return since_ns_; }  // CLOCK_REALTIME
  bool breached() const { return state_ == ObjectiveState::kBreached; }
  uint64_t breaches() const { return breaches_; }

 private:
  void Become(ObjectiveState state, uint64_t wall_ns);

  ObjectiveState state_ = ObjectiveState::kNotJudged;
  uint64_t since_ns_ = 0;
  uint64_t breaches_ = 0;
};

}  // namespace roost

#endif  // ROOST_BROKER_SLA_KEEPER_H_
