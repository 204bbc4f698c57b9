#include "broker/monitor_counters.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "broker/counters_row.h"

namespace roost {
namespace {

constexpr uint64_t kFirstVersion = 2;

}  // namespace

void MonitorCountersWriter::NameObjective(size_t row, std::string_view text) {
  ROOST_CHECK(row < kObjectiveRowCount, "row={}", row);
  ObjectiveRow words{};
  std::memcpy(words.text, text.data(), std::min(text.size(), sizeof(words.text) - 1));
  WriteCountersRow(objectives_ + row * sizeof(ObjectiveRow), kFirstVersion, words);
}

void MonitorCountersWriter::NameBaseline(size_t row, std::string_view name) {
  ROOST_CHECK(row < kBaselineRowCount, "row={}", row);
  BaselineRow words{};
  std::memcpy(words.name, name.data(), std::min(name.size(), sizeof(words.name) - 1));
  WriteCountersRow(baselines_ + row * sizeof(BaselineRow), kFirstVersion, words);
}

}  // namespace roost
