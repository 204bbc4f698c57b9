// What this machine takes, right now, for things that have nothing to do with
// Roost. Each is made of what a workload spends its time with: the same noise
// slows both, and their ratio stays. One thread.
#ifndef ROOST_TOOLS_BENCH_YARDSTICKS_H_
#define ROOST_TOOLS_BENCH_YARDSTICKS_H_

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/status.h"
#include "base/unique_fd.h"

namespace roost {

enum class Yardstick {
  kWake,   // an eventfd to a thread that sleeps, and one back
  kCopy,   // memcpy of 64 KiB from and to memory that no cache holds
  kWrite,  // pwrite of 16 KiB into a file's pages
};
const char* YardstickName(Yardstick yardstick);  // "wake", "copy", "write"

class Yardsticks {
 public:
  // With a file in `directory`.
  static Result<std::unique_ptr<Yardsticks>> Make(const std::string& directory);
  ~Yardsticks();
  Yardsticks(const Yardsticks&) = delete;
  Yardsticks& operator=(const Yardsticks&) = delete;

  // The median time of one of some hundreds, in ns.
  Result<double> Measure(Yardstick yardstick);

 private:
  Yardsticks(UniqueFd ping, UniqueFd pong, UniqueFd file);

  Status Once(Yardstick yardstick);

  UniqueFd ping_;
  UniqueFd pong_;
  UniqueFd file_;
  std::vector<char> memory_;
  size_t at_ = 0;
  std::thread echo_;
};

}  // namespace roost

#endif  // ROOST_TOOLS_BENCH_YARDSTICKS_H_
