// Folds the front of a journal into a checkpoint: a checkpoint before (or nothing), and the closed segments behind
// it one after another, by the same code with which a start recovers them. Touches nothing that the running log
// uses, so it can be done beside it; what it reads is never changed any more.
//
// One thread. Memory: one directory of streams, 24 bytes a stream more, the observer's, and for a moment the
// checkpoint's file.
#ifndef ROOST_LOG_LOG_FOLD_H_
#define ROOST_LOG_LOG_FOLD_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "log/checkpoint_file.h"
#include "log/log_writer.h"
#include "log/name_space.h"
#include "log/record_chain.h"
#include "log/ring_writer.h"
#include "log/segment_format.h"
#include "log/stream_directory.h"

namespace roost {

class LogFold {
 public:
  // `observer` knows nothing yet and outlives this. kExhausted: no memory.
  static Result<std::unique_ptr<LogFold>> Begin(uint64_t streams_max, RecoveryObserver* observer);

  // What was folded before. At first, or not at all: then the segments begin with event 1.
  Status Load(const Checkpoint& checkpoint);
  // The next segment, which is closed. kCorruption: it is damaged, or not the next one.
  Status Take(int fd, const std::string& path);
  // All that was taken, as the checkpoint before the event that comes next.
  Result<std::vector<std::byte>> MakeFile(const uint8_t (&log_id)[16], const SegmentHeader& next);

  // Calls `visit(id, revision)` for each stream.
  template <typename Visit>
  void ForEachStream(Visit visit) const {
    for (uint32_t id = 0; id < streams_.count(); ++id) visit(id, streams_.Revision(id));
  }

 private:
  LogFold(uint64_t streams_max, uint64_t names_bytes, RecoveryObserver* observer);

  Status Connect(const SegmentHeader& header, const std::string& path);

  RecoveryObserver* const observer_;
  NameSpace names_;
  StreamDirectory streams_;
  RecordChain chain_;
  std::vector<StreamTail> tails_;
  uint64_t position_;
  uint64_t lost_last_ = 0;  // as the footer of the segment before says
};

}  // namespace roost

#endif  // ROOST_LOG_LOG_FOLD_H_
