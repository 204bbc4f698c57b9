// The objectives that the broker is judged by, and what it has learned of its latencies and rates. Pure; any thread.
#ifndef ROOST_TOOLS_EXPORT_SLA_METRICS_H_
#define ROOST_TOOLS_EXPORT_SLA_METRICS_H_

#include "ipc/counters_reader.h"
#include "tools/export/metric_families.h"

namespace roost {

// Whether an objective is met has no sample until it was judged.
void AddObjectives(const CountersSnapshot& counters, MetricFamilies* out);
// What is usual has no sample until enough was learned.
void AddBaselines(const CountersSnapshot& counters, MetricFamilies* out);

}  // namespace roost

#endif  // ROOST_TOOLS_EXPORT_SLA_METRICS_H_
