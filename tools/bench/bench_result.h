// What a run of `roost bench` measured, in memory and as a file. Values; any
// thread.
//
// Only ratios are compared: what a workload took, divided by what its yardstick
// took in the same round, right before and right after it. Times are kept for
// people to look at. A file is what somebody hands over: it is checked whole.
#ifndef ROOST_TOOLS_BENCH_BENCH_RESULT_H_
#define ROOST_TOOLS_BENCH_BENCH_RESULT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace roost {

struct WorkloadResult {
  std::string name;
  std::string yardstick;
  double ns = 0;  // medians of the rounds
  double yardstick_ns = 0;
  std::vector<double> ratios;  // one a round
};

struct BenchResult {
  std::string version;    // of the program that measured
  std::string time;       // RFC 3339
  std::string processor;  // as /proc/cpuinfo names it
  uint64_t processors = 0;
  std::string kernel;
  double load = 0;  // of the last minute, when it began
  std::vector<WorkloadResult> workloads;
};

inline constexpr size_t kRoundsMin =
    8;  // fewer can't show a difference to the level that is asked for
inline constexpr size_t kRoundsMax = 1000;

// version, time and machine of now.
BenchResult DescribeThisMachine();

// One JSON object in one line.
std::string BenchJson(const BenchResult& result);
// kIncompatible: it is none of this version's; the message says why.
Result<BenchResult> ParseBench(std::string_view text);

Status SaveBench(const BenchResult& result, const std::string& path);
Result<BenchResult> LoadBench(const std::string& path);

}  // namespace roost

#endif  // ROOST_TOOLS_BENCH_BENCH_RESULT_H_
