// What a broker's log goes through in a short life: appends of all sizes, full segments, syncs, clean
// ends and kills. Run on a disk that fails or is cut off, it says what was promised by then.
//
// One thread.
#ifndef ROOST_TESTS_LOG_DISK_SCRIPT_H_
#define ROOST_TESTS_LOG_DISK_SCRIPT_H_

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/log/log_fixture.h"

namespace roost {

// What a log has promised to those who use it.
struct Promise {
  // Answered, or seen by whoever looked.
  std::vector<SeenEvent> acknowledged;
  // Not answered (yet), and may be there all the same, behind what was acknowledged.
  std::vector<SeenEvent> doubtful;
  // After how many events of both a batch ends: each is there whole or not at all.
  std::set<size_t> batch_ends = {0};
  // How many of those acknowledged a power cut may not take: all with kPower, else what was synced.
  size_t lasting = 0;

  // What was found when the log was opened again under the same kernel.
  void ExpectNothingLost(const std::vector<SeenEvent>& found) const;
  // After a power cut: a front of it, with all that was lasting.
  void ExpectNothingLastingLost(const std::vector<SeenEvent>& found) const;

  // The same without the events, for what was found before: their number and their hash. FrontHashes()[n] is the hash
  // that the first n of both have.
  static uint64_t HashOf(const std::vector<SeenEvent>& events);
  std::vector<uint64_t> FrontHashes() const;

 private:
  std::string FirstDifference(const std::vector<SeenEvent>& found) const;
};

class DiskScript {
 public:
  explicit DiskScript(const LogOptions& options) : options_(options) {}

  // Goes on whatever fails, as a broker whose operator starts it again and again would.
  // `large` bytes of data are in each of the events that fill segments.
  void Run(size_t large);
  // A log without an event, opened again with larger segments: the one that it has must grow. REQUIRES: the
  // ring has at least 256 KiB.
  void RunGrowing();
  // Opens the log once more, and checks what is found. False: it could not be opened.
  bool Open();
  void Kill() { log_.reset(); }

  const Promise& promise() const { return promise_; }
  const Status& status() const { return status_; }  // of the last Open

 private:
  using Batch = std::vector<TestEvent>;
  void Append(const std::vector<TestEvent>& events) { AppendTurn({events}); }
  // Several batches in one turn.
  void AppendTurn(const std::vector<Batch>& batches);
  bool Stage(const Batch& batch, std::vector<SeenEvent>* said);
  void AppendSmall(const std::string& stream) { Append({TestEvent(stream, NextData(10))}); }
  void Fill(size_t large);
  void Sync();
  void Close();
  std::string NextData(size_t size);

  LogOptions options_;
  std::unique_ptr<LogWriter> log_;
  Status status_;
  bool was_degraded_ = false;
  Promise promise_;
  uint64_t number_ = 0;
};

}  // namespace roost

#endif  // ROOST_TESTS_LOG_DISK_SCRIPT_H_
