// The thread that keeps the journal as short as the operator said (LogWriter::Retain), and warns when its disk fills
// up. Nobody waits for it; it runs with less priority than the others, where the system lets it.
//
// loop(): the broker's wiring. Ring: any thread. Writes the counters that begin with kDisk, but for
// kDiskFullSinceNs.
#ifndef ROOST_BROKER_SWEEPER_H_
#define ROOST_BROKER_SWEEPER_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "broker/counters_writer.h"
#include "broker/disk_trend.h"
#include "broker/worker_loop.h"
#include "log/log_writer.h"

namespace roost {

class Sweeper : private Worker {
 public:
  static constexpr uint64_t kDiskWarningPercent = 80;

  Sweeper(LogWriter* log, CountersWriter* counters);
  ~Sweeper() override;

  WorkerLoop& loop() { return loop_; }

  // The journal may have a segment more.
  void Ring();

 private:
  void Work() override;
  bool HasWork() override { return rung_.load(std::memory_order_acquire); }
  uint64_t NextTimerNs() override { return due_ns_; }

  void Sweep();
  void KeepRunningTime();
  void LookAtDisk();

  LogWriter* const log_;
  CountersWriter* const counters_;
  const bool retains_;
  const uint64_t interval_ns_;
  std::atomic<bool> rung_{true};

  // The sweeper thread's.
  bool is_polite_ = false;
  uint64_t due_ns_ = UINT64_MAX;
  uint64_t kept_time_ns_ = 0;
  uint64_t looked_at_disk_ns_ = 0;
  bool look_is_due_ = false;  // it was too early for it
  DiskTrend disk_trend_;
  bool warned_of_disk_ = false;
  std::string last_failure_;
  WorkerLoop loop_{this};
};

}  // namespace roost

#endif  // ROOST_BROKER_SWEEPER_H_
