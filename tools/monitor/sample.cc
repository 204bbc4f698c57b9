#include "tools/monitor/sample.h"

#include <utility>

#include "base/clock.h"
#include "tools/monitor/process_use.h"

namespace roost {

Sample TakeSample(const std::string& counters_path, const HealthLimits& limits) {
  Sample sample;
  sample.at_ns = MonotonicNs();
  sample.wall_ns = WallNs();
  auto counters = ReadCounters(counters_path);
  if (!counters.ok()) {
    sample.health = JudgeAbsence(counters.status(), counters_path);
    return sample;
  }
  sample.process = LookAtBroker(*counters);
  sample.health = JudgeHealth(*counters, sample.process, MonotonicNs(), limits);
  if (sample.pids_are_ours()) {
    sample.cpu_ns = ProcessCpuNs(counters->broker_pid);
    sample.resident_bytes = ProcessResidentBytes(counters->broker_pid);
  }
  sample.counters = *std::move(counters);
  return sample;
}

}  // namespace roost
