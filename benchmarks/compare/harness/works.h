// The works: each does one of them once with one peer, checks what every client got, and returns what it measured
// (names and units as compare.py knows them).
#ifndef ROOST_BENCHMARKS_COMPARE_HARNESS_WORKS_H_
#define ROOST_BENCHMARKS_COMPARE_HARNESS_WORKS_H_

#include <map>
#include <string>

#include "benchmarks/compare/harness/peer.h"

namespace roost::compare {

using Metrics = std::map<std::string, double>;

Metrics MeasureLatency(const Run& run, const Mode& mode, Peer* peer);
Metrics MeasureAppend(const Run& run, const Mode& mode, Peer* peer);
Metrics MeasureFanOut(const Run& run, const Mode& mode, Peer* peer);
// Of one stream: from a cold and a warm page cache, and ten events from random places.
Metrics MeasureReplay(const Run& run, const Mode& mode, Peer* peer);
// Ten events of one stream of many.
Metrics MeasureStreams(const Run& run, const Mode& mode, Peer* peer);
Metrics MeasureMemory(const Run& run, const Mode& mode, Peer* peer);

inline double Microseconds(uint64_t ns) { return static_cast<double>(ns) / 1e3; }

// Adds p50, p99 and p99.9 in microseconds.
inline void AddQuantiles(const std::string& name, const Histogram& histogram, Metrics* metrics) {
  (*metrics)[name + "_p50_us"] = Microseconds(histogram.Quantile(0.5));
  (*metrics)[name + "_p99_us"] = Microseconds(histogram.Quantile(0.99));
  (*metrics)[name + "_p999_us"] = Microseconds(histogram.Quantile(0.999));
}

}  // namespace roost::compare

#endif  // ROOST_BENCHMARKS_COMPARE_HARNESS_WORKS_H_
