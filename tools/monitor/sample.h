// How a broker stands at one moment: a copy of its counters file, what the kernel says of its process, and whether it is well.
// Nothing is asked of the broker, so it is there as quickly when it is busy, hangs or is dead. Any thread; never waits.
#ifndef ROOST_TOOLS_MONITOR_SAMPLE_H_
#define ROOST_TOOLS_MONITOR_SAMPLE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "ipc/broker_health.h"
#include "ipc/counters_reader.h"

namespace roost {

struct Sample {
  uint64_t at_ns = 0;    // CLOCK_MONOTONIC, before the first byte was read
  uint64_t wall_ns = 0;  // CLOCK_REALTIME, then
  Health health;
  ProcessState process = ProcessState::kHidden;
  // nullopt with kNoBroker and kUnreadable. Of a dead broker it is what it had when it died. Values are not all of the same
  // moment: it takes some 0.3 ms to copy them.
  std::optional<CountersSnapshot> counters;
  // Of the broker's process, while it is there and in our pid namespace.
  std::optional<uint64_t> cpu_ns;
  std::optional<uint64_t> resident_bytes;

  // Whether the pids of the counters file are those of processes that we see. Not so in another pid namespace, nor of a
  // broker that is dead: others may have them now.
  bool pids_are_ours() const {
    return process == ProcessState::kRuns || process == ProcessState::kStopped;
  }
};

// `counters_path` is CountersPath() of the socket.
Sample TakeSample(const std::string& counters_path, const HealthLimits& limits = {});

}  // namespace roost

#endif  // ROOST_TOOLS_MONITOR_SAMPLE_H_
