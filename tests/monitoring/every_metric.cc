// Prints each metric that the exporter can give, for check_export.py: a real broker has not all of them at once.
#include <prometheus/text_serializer.h>

#include <iostream>

#include "tests/monitoring/full_snapshot.h"
#include "tools/export/broker_metrics.h"

int main() {
  const roost::CountersSnapshot counters = roost::FullSnapshot();
  prometheus::TextSerializer().Serialize(
      std::cout, roost::MetricsOf({}, &counters, /*now_ns=*/1'000'000'000, {.sessions = 1}));
}
