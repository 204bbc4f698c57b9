// What an operator wants of the broker, as text in the configuration:
//
//   append p99 < 1ms over 1m       99 % of the appends of the last minute took less than a millisecond
//   health p99.9 < 0.2ms           of reading how the broker does, as `roost health` does it; over the last hour
//   availability 99.9% over 1h     in the last hour appends were taken for all but 3.6 seconds
//
// The names of latencies are those of ipc/counters_format.h (LatencyName), and `health`, which the monitor measures itself.
// Pure functions, any thread.
#ifndef ROOST_BROKER_SLA_OBJECTIVE_H_
#define ROOST_BROKER_SLA_OBJECTIVE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "ipc/counters_format.h"
#include "log/durability.h"

namespace roost {

// Whose durations: a Latency, or the one behind them.
inline constexpr size_t kHealthLatency = kLatencyCount;

struct ObjectiveSpec {
  std::string text;  // written out in full, with single spaces; two objectives with the same text are the same
  ObjectiveKind kind = ObjectiveKind::kLatency;
  size_t latency = 0;
  uint64_t target_ns = 0;  // of a latency: shorter is good
  double share = 0;        // that must be good, above 0 and below 1
  uint64_t window_ns = 0;
};

inline constexpr uint64_t kObjectiveWindowNsMin = 1'000'000'000;
inline constexpr uint64_t kObjectiveWindowNsMax = 31ull * 86'400 * 1'000'000'000;
inline constexpr uint64_t kObjectiveTargetNsMax = 600'000'000'000;
inline constexpr size_t kObjectivesMax = kObjectiveRowCount;

// kInvalidArgument: which character is wrong, and what may stand there.
Result<ObjectiveSpec> ParseObjective(std::string_view text);
// One more of them. kInvalidArgument, also when there are too many or it is there already.
Status AddObjective(std::string_view text, std::vector<ObjectiveSpec>* objectives);

// What holds where the configuration names none.
std::vector<ObjectiveSpec> DefaultObjectives(Durability durability);

}  // namespace roost

#endif  // ROOST_BROKER_SLA_OBJECTIVE_H_
