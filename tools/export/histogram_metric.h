// A histogram of the counters file as one of Prometheus. Pure; any thread.
//
// The file has 64 buckets in each power of two; a server wants some tens. The boundaries are decimal, so that an objective such as
// 1 ms is one of them, and six in a decade, so that a quantile interpolated between two of them is at most 50 % off.
// Counts are cumulative and only grow while a broker runs; a new broker begins at 0, which Prometheus takes for the reset
// that it is. What lies within 1.6 % of a boundary may be counted on either side of it, and sums are as exact.
#ifndef ROOST_TOOLS_EXPORT_HISTOGRAM_METRIC_H_
#define ROOST_TOOLS_EXPORT_HISTOGRAM_METRIC_H_

#include <prometheus/client_metric.h>

#include "ipc/latency_snapshot.h"

namespace roost {

// In seconds, from 1 us to 10 s.
prometheus::ClientMetric::Histogram DurationHistogram(const LatencySnapshot& durations);

// Of numbers: powers of two from 1 to 65536.
prometheus::ClientMetric::Histogram SizeHistogram(const LatencySnapshot& sizes);

}  // namespace roost

#endif  // ROOST_TOOLS_EXPORT_HISTOGRAM_METRIC_H_
