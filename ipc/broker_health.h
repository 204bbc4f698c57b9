// Whether a broker is well, from its counters file and from what the kernel says of its process: nothing is asked of the
// broker, so the answer is as quick while it is busy, and there while it hangs or is dead.
//
// A broker that is asked nothing sleeps, and does not wake up only to say that it lives. So an old beat says nothing while it
// sleeps, in a process that runs: the kernel wakes it as soon as something is asked. It hangs when it says that it works or
// writes, and has not said so for longer than `patience_ns`. docs/decisions/0024. Any thread.
#ifndef ROOST_IPC_BROKER_HEALTH_H_
#define ROOST_IPC_BROKER_HEALTH_H_

#include <cstdint>
#include <string>

#include "ipc/counters_reader.h"

namespace roost {

struct HealthLimits {
  uint64_t patience_ns = 2'000'000'000;        // for one turn of the broker
  uint64_t sync_patience_ns = 10'000'000'000;  // for one fdatasync
  uint64_t disk_segments_min = 4;              // so many segments of the journal must fit the disk
  uint64_t disk_ahead_ns =
      3'600'000'000'000;  // and at its present rate it must not be full within this
};

// The first that is true, in this order.
enum class HealthState {
  kNoBroker,     // there is no counters file: none runs, or it ended cleanly
  kUnreadable,   // what is there is none that we can read
  kDead,         // its process is gone
  kStopped,      // its process was stopped (SIGSTOP, a debugger)
  kHung,         // its sequencer has been busy with one thing for too long
  kDegraded,     // a write to the journal failed: nothing is acknowledged any more
  kDiskFull,     // events are refused
  kSyncStalled,  // an fdatasync takes too long
  kDiskFilling,  // the disk will be full soon
  kWell,
};
const char* HealthStateName(HealthState state);  // "no_broker", ..., "well"

struct Health {
  HealthState state = HealthState::kWell;
  std::string
      reason;  // one sentence without an end, for people; texts of the file are in it as they are
  std::string advice;       // what to do; empty: nothing
  uint32_t broker_pid = 0;  // 0: not known
  bool well() const { return state == HealthState::kWell; }
};

// What the kernel says of a broker's process.
enum class ProcessState {
  kRuns,
  kStopped,
  kGone,
  kHidden,  // it is of another pid namespace, or /proc does not show it: only the beat can tell
};
// kRuns only if it is the very process that made the file.
ProcessState LookAtBroker(const CountersSnapshot& counters);

// Pure. `now_ns` is CLOCK_MONOTONIC.
Health JudgeHealth(const CountersSnapshot& counters, ProcessState process, uint64_t now_ns,
                   const HealthLimits& limits);
// Why there are no counters to judge by: `status` is what ReadCounters said of the file at `counters_path`. Pure.
Health JudgeAbsence(const Status& status, const std::string& counters_path);

// All of it: reads the file at `counters_path`, looks at the process, and judges. Some 30 us and 10 system calls.
Health CheckHealth(const std::string& counters_path, const HealthLimits& limits = {});

}  // namespace roost

#endif  // ROOST_IPC_BROKER_HEALTH_H_
