// The thread that makes the journal survive a power cut too: an fdatasync every interval in which something
// was committed. Sleeps without a timer when nothing is.
//
// Start, Stop: the broker's wiring. OnCommit: the sequencer thread. Writes the counters kJournalSyncs and
// kJournalBytes and the histogram kJournalSync.
#ifndef ROOST_BROKER_SYNCER_H_
#define ROOST_BROKER_SYNCER_H_

#include <atomic>
#include <cstdint>
#include <thread>

#include "broker/counters_writer.h"
#include "broker/doorbell.h"
#include "log/log_writer.h"

namespace roost {

class Syncer {
 public:
  Syncer(LogWriter* log, CountersWriter* counters, uint64_t interval_ns);
  ~Syncer();

  void Start();
  void Stop();

  void OnCommit();

 private:
  void Run();
  void SleepUntilCommit();
  void SleepInterval();
  void Sync();

  LogWriter* const log_;
  CountersWriter* const counters_;
  const uint64_t interval_ns_;
  Doorbell bell_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> dirty_{false};
  bool failed_ = false;
  std::thread thread_;
};

}  // namespace roost

#endif  // ROOST_BROKER_SYNCER_H_
