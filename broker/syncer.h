// The thread that makes the journal survive a power cut too: an fdatasync every interval in which something
// was committed. Sleeps without a timer when nothing is.
//
// loop(): the broker's wiring. OnCommit: the sequencer thread. Writes the counters kJournalSyncs,
// kJournalBytes and kJournalSyncBeganNs and the histogram kJournalSync.
#ifndef ROOST_BROKER_SYNCER_H_
#define ROOST_BROKER_SYNCER_H_

#include <atomic>
#include <cstdint>

#include "broker/counters_writer.h"
#include "broker/worker_loop.h"
#include "log/log_writer.h"

namespace roost {

class Syncer : private Worker {
 public:
  Syncer(LogWriter* log, CountersWriter* counters, uint64_t interval_ns);
  ~Syncer() override;

  // Close() of the log syncs what is left when it is stopped.
  WorkerLoop& loop() { return loop_; }

  void OnCommit();

 private:
  void Work() override;
  bool HasWork() override;
  uint64_t NextTimerNs() override { return due_ns_; }

  void Sync();

  LogWriter* const log_;
  CountersWriter* const counters_;
  const uint64_t interval_ns_;
  std::atomic<bool> dirty_{false};
  uint64_t due_ns_ = UINT64_MAX;  // the syncer thread's, like the next one
  bool failed_ = false;
  WorkerLoop loop_{this};
};

}  // namespace roost

#endif  // ROOST_BROKER_SYNCER_H_
