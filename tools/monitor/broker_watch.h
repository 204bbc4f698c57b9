// Watches one broker: each Look() takes a sample, compares it with the one before, and keeps the history. It goes on over the
// death, the hanging and the restart of the broker, and says so. One thread. A look costs some 0.5 ms of processor time, more
// with many sessions, and never waits for the broker.
#ifndef ROOST_TOOLS_MONITOR_BROKER_WATCH_H_
#define ROOST_TOOLS_MONITOR_BROKER_WATCH_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "tools/monitor/history.h"
#include "tools/monitor/interval.h"
#include "tools/monitor/sample.h"

namespace roost {

struct BrokerWatchOptions {
  size_t history = History::kTenMinutes;  // intervals
  HealthLimits limits;
  // Memory of a session's process is looked at when it is new, and again after this time; of at most so many processes in one
  // look, those first that were looked at longest ago. 0 processes: never.
  uint64_t memory_every_ns = 10'000'000'000;
  size_t memory_looks_max = 32;
};

class BrokerWatch {
 public:
  // `counters_path` is CountersPath() of the socket.
  explicit BrokerWatch(std::string counters_path, BrokerWatchOptions options = {});

  // What happened since the last look. Valid until the next one.
  const Interval& Look();
  // The last one. REQUIRES: there was a look.
  const Interval& last() const { return last_; }
  const History& history() const { return history_; }

 private:
  struct MemoryLook {
    uint64_t at_ns = 0;  // 0: not looked at yet
    std::optional<ProcessMemory> memory;
  };

  void AddMemory(uint64_t now_ns);

  std::string counters_path_;
  BrokerWatchOptions options_;
  std::optional<Sample> sample_;
  Interval last_;
  History history_;
  std::map<uint64_t, MemoryLook> memory_;  // by session; only of those that are attached
};

}  // namespace roost

#endif  // ROOST_TOOLS_MONITOR_BROKER_WATCH_H_
