// A snapshot of a broker's counters file (ipc/counters_format.h), for whoever wants to see how a broker does, also when it
// hangs or is dead. Any thread; never waits. Nothing in the file is trusted: whatever bytes it has, the outcome is a snapshot
// or an error, in memory bounded by what this version of the format has.
//
// For what happened between two moments take two snapshots, of which SameBroker() is true, and subtract: counters that
// are no gauge (IsGauge), and durations with LatencySnapshot::Since. A row of a session counts from attached_ns on: subtract those with
// the same session and attached_ns.
#ifndef ROOST_IPC_COUNTERS_READER_H_
#define ROOST_IPC_COUNTERS_READER_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "ipc/counters_format.h"
#include "ipc/latency_snapshot.h"

namespace roost {

struct SessionCounters {
  uint64_t session = 0;
  uint64_t attached_ns = 0;  // CLOCK_REALTIME
  uint32_t uid = 0;
  uint32_t pid = 0;
  std::string agent;  // as the agent says it: bytes of others
  std::array<uint64_t, kSessionCounterCount> values{};
  std::array<LatencySnapshot, kSessionLatencyCount> latencies;

  uint64_t operator[](SessionCounter counter) const { return values[static_cast<size_t>(counter)]; }
  const LatencySnapshot& operator[](SessionLatency latency) const {
    return latencies[static_cast<size_t>(latency)];
  }
};

struct GroupCounters {
  std::string stream;
  std::string group;
  std::array<uint64_t, kGroupCounterCount> values{};

  uint64_t operator[](GroupCounter counter) const { return values[static_cast<size_t>(counter)]; }
  // Events of the stream that are not settled; parked ones are.
  uint64_t lag() const;
};

// An objective of the broker's configuration, as the monitor judged it last.
struct Objective {
  std::string text;  // `append p99 < 1ms over 1m`
  ObjectiveState state = ObjectiveState::kNotJudged;
  uint64_t since_ns = 0;  // CLOCK_REALTIME: since when it is so; 0: not judged
  ObjectiveKind kind = ObjectiveKind::kLatency;
  std::array<uint64_t, kObjectiveValueCount> values{};

  uint64_t operator[](ObjectiveValue value) const { return values[static_cast<size_t>(value)]; }
  bool breached() const { return state == ObjectiveState::kBreached; }
  double share() const { return static_cast<double>((*this)[ObjectiveValue::kShare]) / 1e9; }
  // Of a latency in ns; of availability as a share, 1 is all.
  double measured() const;
  // What is left of the error budget: 1 all, 0 nothing, less where it is overdrawn.
  double budget_left() const {
    return 1 - static_cast<double>((*this)[ObjectiveValue::kBudgetUsed]) / 1e6;
  }
  double burn_rate() const { return static_cast<double>((*this)[ObjectiveValue::kBurnRate]) / 1e6; }
};

// What the broker has learned of one latency or rate.
struct Baseline {
  std::string name;  // `append p50`
  BaselineState state = BaselineState::kLearning;
  uint64_t since_ns = 0;  // CLOCK_REALTIME; 0: not judged
  std::array<uint64_t, kBaselineValueCount> values{};

  uint64_t operator[](BaselineValue value) const { return values[static_cast<size_t>(value)]; }
  bool is_rate() const { return (*this)[BaselineValue::kIsRate] != 0; }
  bool shifted() const { return state == BaselineState::kUp || state == BaselineState::kDown; }
  // Of a latency in ns, of a rate a second.
  double usual() const { return InUnits(BaselineValue::kUsual); }
  double current() const { return InUnits(BaselineValue::kCurrent); }

 private:
  double InUnits(BaselineValue value) const {
    return static_cast<double>((*this)[value]) / (is_rate() ? 1000 : 1);
  }
};

struct CountersSnapshot {
  uint32_t broker_pid = 0;
  uint64_t process_start_ticks = 0;  // as /proc/PID/stat has it; 0: not known
  uint64_t pid_namespace = 0;        // 0: not known
  std::array<uint8_t, 16> log_id{};
  uint64_t started_ns = 0;  // CLOCK_REALTIME
  uint32_t durability = 0;  // a Durability of log/ring_format.h
  std::string data_directory;
  std::string version;
  uint64_t segment_bytes = 0;      // 0: it has no journal
  uint64_t degraded_since_ns = 0;  // CLOCK_REALTIME; 0: it is not degraded
  std::string degraded_why;
  SequencerBeat beat;

  std::array<uint64_t, kCounterCount> values{};  // 0 where an older broker has none, here and below
  std::array<uint64_t, kRequestKindCount> requests{};
  std::array<uint64_t, kRefusalReasonCount> refused{};
  std::array<LatencySnapshot, kLatencyCount> latencies;  // from CountersDetail::kHistograms on
  std::array<LatencySnapshot, kSizeCount> sizes;
  std::vector<Objective> objectives;  // as configured; these too
  std::vector<Baseline> baselines;
  std::vector<SessionCounters> sessions;  // attached ones, in the order of rows; from kTables on
  std::vector<GroupCounters> groups;      // in the order of streams and groups

  uint64_t operator[](Counter counter) const { return values[static_cast<size_t>(counter)]; }
  uint64_t operator[](RequestKind kind) const { return requests[static_cast<size_t>(kind)]; }
  const LatencySnapshot& operator[](Latency latency) const {
    return latencies[static_cast<size_t>(latency)];
  }
  const LatencySnapshot& operator[](Size size) const { return sizes[static_cast<size_t>(size)]; }
};

// Whether both are of one run of one broker, so that differences make sense.
bool SameBroker(const CountersSnapshot& one, const CountersSnapshot& other);

// How much of the file is read, each with all before it.
enum class CountersDetail {
  kValues,      // some 6 KiB
  kHistograms,  // 260 KiB more, objectives and baselines too
  kTables,      // and the rows in use
};

// `path` is CountersPath() of the socket. Each value is right by itself; they were not all taken at the same
// moment. A row that is being written anew at this moment is left out. kNotFound: no broker has been there. kCorruption,
// kIncompatible: the file is none, or one of another version.
Result<CountersSnapshot> ReadCounters(const std::string& path,
                                      CountersDetail detail = CountersDetail::kTables);

}  // namespace roost

#endif  // ROOST_IPC_COUNTERS_READER_H_
