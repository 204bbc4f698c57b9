// The series of single groups and sessions, as many as they are allowed to be. Pure; any thread.
#ifndef ROOST_TOOLS_EXPORT_ROW_METRICS_H_
#define ROOST_TOOLS_EXPORT_ROW_METRICS_H_

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/counters_reader.h"
#include "tools/export/metric_families.h"

namespace roost {

// What somebody wrote, for a label: printable UTF-8, bounded by what it was.
std::string LabelText(std::string_view text);

// Those of the rows, `max` at most, whose labels none before them has. Prometheus refuses a whole scrape in which one series
// stands twice; a sound file has no such rows, but a file is what somebody wrote.
template <typename Rows, typename LabelsOfRow>
auto WithoutRepeats(const Rows& rows, size_t max, LabelsOfRow labels_of) {
  std::vector<decltype(&*rows.begin())> chosen;
  std::set<MetricLabels> seen;
  for (const auto& row : rows) {
    if (chosen.size() == max) break;
    if (seen.insert(labels_of(row)).second) chosen.push_back(&row);
  }
  return chosen;
}

// The first groups in the order of streams and groups, and how many were left out.
void AddGroups(const CountersSnapshot& counters, size_t groups_max, MetricFamilies* out);

// The sessions that are attached for the longest time, since a choice by what they cost would begin and end series all the
// time; and how many were left out.
void AddSessions(const CountersSnapshot& counters, size_t sessions_max, MetricFamilies* out);

}  // namespace roost

#endif  // ROOST_TOOLS_EXPORT_ROW_METRICS_H_
