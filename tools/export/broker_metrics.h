// All that Prometheus is told of a broker: what its counters file says, and whether the broker behind it is there. Asks
// nothing of the broker and never waits. Any thread.
//
// roost_up and roost_health_state are always there. Everything else is there as long as the broker's process is, also
// while that hangs or stands still: its counts are what it last counted. Of a broker that is dead or ended there is
// nothing, so that Prometheus marks the series as ended instead of drawing the last value on.
#ifndef ROOST_TOOLS_EXPORT_BROKER_METRICS_H_
#define ROOST_TOOLS_EXPORT_BROKER_METRICS_H_

#include <prometheus/metric_family.h>

#include <cstddef>
#include <string>
#include <vector>

#include "ipc/broker_health.h"
#include "ipc/counters_reader.h"

namespace roost {

// How many sessions and groups get series of their own. Their names are what users write, so each new one is a new
// series in Prometheus.
struct SeriesLimits {
  size_t sessions = 0;  // those that are attached for the longest time
  size_t groups = kGroupRowCount;
};

// Families are in the order of the file. `now_ns` is CLOCK_MONOTONIC. `counters` is null when there is no file that we can read.
std::vector<prometheus::MetricFamily> MetricsOf(const Health& health,
                                                const CountersSnapshot* counters, uint64_t now_ns,
                                                const SeriesLimits& limits);

// Reads the file at `counters_path`, looks at the process, and makes the above of it.
std::vector<prometheus::MetricFamily> CollectMetrics(const std::string& counters_path,
                                                     const SeriesLimits& limits);

}  // namespace roost

#endif  // ROOST_TOOLS_EXPORT_BROKER_METRICS_H_
