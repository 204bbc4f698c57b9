// What happened between two samples of a broker: rates, and quantiles of the durations of that time. Pure values; any thread.
#ifndef ROOST_TOOLS_MONITOR_INTERVAL_H_
#define ROOST_TOOLS_MONITOR_INTERVAL_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/monitor/process_use.h"
#include "tools/monitor/sample.h"

namespace roost {

// Of durations in ns, or of sizes; to within 1.6 %. All 0: there were none.
struct Quantiles {
  uint64_t count = 0;
  uint64_t p50 = 0;
  uint64_t p99 = 0;
  uint64_t p999 = 0;
};
Quantiles QuantilesOf(const LatencySnapshot& snapshot);

// Where an interval's figures begin.
enum class Beginning {
  kContinues,  // at the sample before it
  kFirst,      // there was no sample before it: no rates, no durations
  kNewBroker,  // the sample before it was of another broker, or its counters were larger: none either
  kNoBroker,   // there is nothing to read
};
const char* BeginningName(Beginning beginning);  // "continues", "first", "new_broker", "no_broker"

// The broker as a whole: what a history keeps of an interval, 2 KiB without any pointer.
struct Overview {
  uint64_t at_ns = 0;    // CLOCK_MONOTONIC, its end
  uint64_t wall_ns = 0;  // CLOCK_REALTIME, its end
  Beginning beginning = Beginning::kNoBroker;
  HealthState health = HealthState::kNoBroker;
  double seconds = 0;  // its length; 0: not kContinues, and all rates and quantiles are 0

  std::array<uint64_t, kCounterCount> values{};    // at its end
  std::array<double, kCounterCount> rates{};       // a second; of gauges 0
  std::array<double, kRequestKindCount> requests{};  // a second
  std::array<double, kRefusalReasonCount> refused{};  // a second
  std::array<Quantiles, kLatencyCount> latencies{};
  std::array<Quantiles, kSizeCount> sizes{};

  double cpu = 0;  // of the broker's process, in processors: 0.5 is half of one; 0 when not known
  uint64_t resident_bytes = 0;  // of it; 0: not known

  bool has_rates() const { return seconds > 0; }
  uint64_t operator[](Counter counter) const { return values[static_cast<size_t>(counter)]; }
  double Rate(Counter counter) const { return rates[static_cast<size_t>(counter)]; }
  double Rate(RequestKind kind) const { return requests[static_cast<size_t>(kind)]; }
  const Quantiles& operator[](Latency latency) const {
    return latencies[static_cast<size_t>(latency)];
  }
  const Quantiles& operator[](Size size) const { return sizes[static_cast<size_t>(size)]; }
};

// One attached session. Rates are of the interval, or of the part of it since the session attached.
struct SessionInterval {
  uint64_t session = 0;
  uint64_t attached_ns = 0;  // CLOCK_REALTIME
  uint32_t uid = 0;
  uint32_t pid = 0;   // as the broker sees it
  std::string agent;  // as the agent says it: bytes of others
  std::array<uint64_t, kSessionCounterCount> values{};  // since it attached
  std::array<double, kSessionCounterCount> rates{};     // a second
  std::array<Quantiles, kSessionLatencyCount> latencies{};       // in this interval
  std::array<Quantiles, kSessionLatencyCount> latencies_ever{};  // since it attached
  // What it costs the broker: how many of its requests were being answered at a time, on average (the sum of their
  // durations, by the time; waiting in claims, takes and waits is not in it), and the part of the broker's processor time
  // that falls to it if that is shared out in proportion. Both of the interval.
  double busy = 0;
  double cpu = 0;  // in processors
  std::optional<ProcessMemory> memory;  // of its process, when it was looked at last (BrokerWatch)

  uint64_t operator[](SessionCounter counter) const { return values[static_cast<size_t>(counter)]; }
  double Rate(SessionCounter counter) const { return rates[static_cast<size_t>(counter)]; }
  const Quantiles& operator[](SessionLatency latency) const {
    return latencies[static_cast<size_t>(latency)];
  }
};

struct GroupInterval {
  std::string stream;
  std::string group;
  std::array<uint64_t, kGroupCounterCount> values{};  // at the end
  uint64_t lag = 0;              // events of the stream that are not settled
  double lag_per_second = 0;     // how it grows (falls, when negative)
  double settled_per_second = 0;

  uint64_t operator[](GroupCounter counter) const { return values[static_cast<size_t>(counter)]; }
};

struct Interval {
  Overview overview;
  Health health;  // at its end; texts of others are in it as they are
  // At its end; nullopt as in Sample. Its `latencies`, `sizes`, `sessions` and `groups` are the totals behind the figures here.
  std::optional<CountersSnapshot> counters;
  bool pids_are_ours = false;  // Sample::pids_are_ours
  std::vector<SessionInterval> sessions;  // in the order of rows
  std::vector<GroupInterval> groups;      // in the order of streams and groups
};

// `earlier` may be null. REQUIRES: it was not taken after `later`.
Interval Between(const Sample* earlier, const Sample& later);

}  // namespace roost

#endif  // ROOST_TOOLS_MONITOR_INTERVAL_H_
