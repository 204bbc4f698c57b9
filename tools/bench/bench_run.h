// The rounds of `roost bench`. In each round every workload stands between two
// measurements of its yardstick; with two brokers both are measured between the
// same two, now the one first, now the other. One thread.
#ifndef ROOST_TOOLS_BENCH_BENCH_RUN_H_
#define ROOST_TOOLS_BENCH_BENCH_RUN_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "base/status.h"
#include "tools/bench/bench_result.h"

namespace roost {

struct BenchPlan {
  std::vector<std::string> brokers;    // one or two programs
  std::vector<std::string> workloads;  // names of them; none: all
  size_t rounds = 30;
  std::function<bool(size_t round)> go_on;  // asked before each round; false: stop with kTimedOut
};

// kInvalidArgument: there is no such workload.
Result<std::vector<BenchResult>> RunBench(const BenchPlan& plan);  // one a broker

}  // namespace roost

#endif  // ROOST_TOOLS_BENCH_BENCH_RUN_H_
