// What `roost bench` measures: what agents do all day, through libroost,
// against a real broker. One thread, but for what the object starts itself.
#ifndef ROOST_TOOLS_BENCH_WORKLOADS_H_
#define ROOST_TOOLS_BENCH_WORKLOADS_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <thread>

#include "base/status.h"
#include "roost/client.h"
#include "tools/bench/yardsticks.h"

namespace roost {

enum class Workload {
  kAppend,       // one event, until it is acknowledged
  kAppendBatch,  // an event of batches of 64, four of them in flight
  kRead,         // the ten newest events of a stream
  kScan,         // a filter that matches nothing, over 10,000 events
  kWait,         // from an append to a client of another thread that waited for it
  kClaim,        // a claim, and its release
  kVerdict,      // a question that was decided before
  kHealth,       // whether the broker is well
};
struct WorkloadKind {
  Workload workload;
  const char* name;
  Yardstick yardstick;
};
std::span<const WorkloadKind> AllWorkloads();

// One broker's side of all of them: a log with something in it, and two
// clients.
class WorkloadRunner {
 public:
  static Result<std::unique_ptr<WorkloadRunner>> Make(const std::string& socket);

  // The median time of one, in ns, of as many as take some 10 ms.
  Result<double> Measure(Workload workload);

 private:
  explicit WorkloadRunner(const std::string& socket);

  Status Fill();
  Result<double> AppendBatches();
  Result<double> Wait();
  template <typename Once>
  Result<double> MedianOf(int times, int at_once, Once once);

  std::string socket_;
  Client client_;
  Client waiter_;
  NewEvent event_;
  Batch batch_;
  Page page_;
  Question question_;
};

}  // namespace roost

#endif  // ROOST_TOOLS_BENCH_WORKLOADS_H_
