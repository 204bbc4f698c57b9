// How each word of the counters file appears in Prometheus: its name with the unit, its type, and what it is. Pure; any
// thread.
#ifndef ROOST_TOOLS_EXPORT_COUNTER_METRICS_H_
#define ROOST_TOOLS_EXPORT_COUNTER_METRICS_H_

#include <optional>

#include "ipc/counters_format.h"

namespace roost {

enum class Shown {
  kNumber,   // as it is
  kNotZero,  // 1 if it is not 0, a gauge
  kAge,      // CLOCK_MONOTONIC in ns: the seconds since then, a gauge; 0 if it is 0
  kTime,     // CLOCK_REALTIME in ns: in seconds since 1970, a gauge
};

struct CounterMetric {
  const char* name;
  const char* help;
  Shown shown = Shown::kNumber;
};

// nullopt: it is no metric of its own, since another one has it, with a label or as a count.
std::optional<CounterMetric> MetricOf(Counter counter);

// The disk's figures: none is known as long as nobody has looked (a broker without a journal never does).
bool IsOfDisk(Counter counter);

CounterMetric MetricOf(SessionCounter counter);
CounterMetric MetricOf(GroupCounter counter);

}  // namespace roost

#endif  // ROOST_TOOLS_EXPORT_COUNTER_METRICS_H_
