// A snapshot of a broker's counters file, for whoever wants to see how a broker does, also when it hangs or
// is dead. Any thread; costs one open and one pread.
#ifndef ROOST_IPC_COUNTERS_READER_H_
#define ROOST_IPC_COUNTERS_READER_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "ipc/counters_format.h"

namespace roost {

// The durations of one Latency, as they were counted at the time of the snapshot.
class LatencySnapshot {
 public:
  LatencySnapshot() = default;
  explicit LatencySnapshot(std::vector<uint64_t> buckets) : buckets_(std::move(buckets)) {}

  uint64_t count() const;
  // The value below which `fraction` (0 to 1) of the durations lie, within 1.6 %; 0 if there are none.
  uint64_t Quantile(double fraction) const;

  // What was counted after `earlier`, a snapshot of the same broker.
  LatencySnapshot Since(const LatencySnapshot& earlier) const;

 private:
  std::vector<uint64_t> buckets_;  // as in Histogram; empty: nothing was counted
};

struct CountersSnapshot {
  uint32_t broker_pid = 0;
  std::array<uint8_t, 16> log_id{};
  uint64_t started_ns = 0;  // CLOCK_REALTIME
  uint32_t durability = 0;  // a Durability of log/ring_format.h
  std::string data_directory;
  std::string version;
  uint64_t degraded_since_ns = 0;  // CLOCK_REALTIME; 0: it is not degraded, or an older broker's
  std::string degraded_why;
  std::array<uint64_t, kCounterCount> values{};  // 0 where an older broker has none
  std::array<LatencySnapshot, kLatencyCount> latencies;

  uint64_t operator[](Counter counter) const { return values[static_cast<size_t>(counter)]; }
  const LatencySnapshot& operator[](Latency latency) const {
    return latencies[static_cast<size_t>(latency)];
  }
};

// `path` is CountersPath() of the socket. Each value is right by itself; they were not all taken at the
// same moment. kNotFound: no broker has been there. kCorruption, kIncompatible: the file is none.
Result<CountersSnapshot> ReadCounters(const std::string& path);

}  // namespace roost

#endif  // ROOST_IPC_COUNTERS_READER_H_
