// The rows of objectives and baselines in the counters file (ipc/counters_format.h). A row's text is written once; then
// its values are stored whenever they change.
//
// The monitor's thread; before it runs, whoever makes it.
#ifndef ROOST_BROKER_MONITOR_COUNTERS_H_
#define ROOST_BROKER_MONITOR_COUNTERS_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "ipc/counters_format.h"

namespace roost {

class MonitorCountersWriter {
 public:
  // Those sections of the file, which outlives this.
  MonitorCountersWriter(std::byte* objectives, std::byte* baselines)
      : objectives_(objectives), baselines_(baselines) {}

  // Rows in their order, each once. REQUIRES: row < kObjectiveRowCount; row < kBaselineRowCount. Longer texts are cut.
  void NameObjective(size_t row, std::string_view text);
  void NameBaseline(size_t row, std::string_view name);

  void Set(size_t row, ObjectiveValue value, uint64_t number) {
    StoreWordRelaxed(objectives_ + row * sizeof(ObjectiveRow) + offsetof(ObjectiveRow, values) +
                         8 * static_cast<size_t>(value),
                     number);
  }
  void Set(size_t row, BaselineValue value, uint64_t number) {
    StoreWordRelaxed(baselines_ + row * sizeof(BaselineRow) + offsetof(BaselineRow, values) +
                         8 * static_cast<size_t>(value),
                     number);
  }

 private:
  std::byte* objectives_;
  std::byte* baselines_;
};

}  // namespace roost

#endif  // ROOST_BROKER_MONITOR_COUNTERS_H_
