// Whether one run is slower than another. A workload is when both hold: the
// difference is none that two runs of the same program show by chance
// (Mann-Whitney, adjusted for the number of workloads), and it is large enough
// to matter. Pure; any thread.
#ifndef ROOST_TOOLS_BENCH_COMPARISON_H_
#define ROOST_TOOLS_BENCH_COMPARISON_H_

#include <string>
#include <vector>

#include "tools/bench/bench_result.h"

namespace roost {

struct ComparisonLimits {
  double level = 0.01;     // of the chance that any workload is called slower or
                           // faster without being so
  double threshold = 0.1;  // by so much it has to differ
};

enum class Change { kSame, kSlower, kFaster };
const char* ChangeName(Change change);  // "same", "slower", "faster"

struct WorkloadChange {
  std::string name;
  std::string yardstick;
  double before = 0;  // medians of the ratios
  double after = 0;
  double times = 1;    // after is so many times before
  double p_value = 1;  // adjusted
  Change change = Change::kSame;
};

struct Comparison {
  std::vector<WorkloadChange> workloads;  // those that both have, with the same yardstick
  std::vector<std::string> only_in_one;   // the others
  std::string different_machine;          // empty: it was the same; else in what it differs

  bool slower() const;
};

Comparison Compare(const BenchResult& before, const BenchResult& after,
                   const ComparisonLimits& limits);

}  // namespace roost

#endif  // ROOST_TOOLS_BENCH_COMPARISON_H_
