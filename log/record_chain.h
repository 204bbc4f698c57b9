// The rules that bind a record to those before it: 3 to 5 of log/record_format.h. For recovery, which
// builds the writer's knowledge of streams with it, and for verification.
//
// One thread. Memory: the directory's, and 4 bytes a stream once there was a gap.
#ifndef ROOST_LOG_RECORD_CHAIN_H_
#define ROOST_LOG_RECORD_CHAIN_H_

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "log/record_format.h"
#include "log/stream_directory.h"

namespace roost {

class RecordChain {
 public:
  // Takes streams and their events into `streams`, which outlives it and is empty.
  explicit RecordChain(StreamDirectory* streams) : streams_(streams) {}

  // Events up to `sequence` are not there (retention, or damage that was accepted). From here on a stream
  // may go on at any later revision, once, and streams may be missing.
  void SkipTo(uint64_t sequence);

  // Checks the sound record at `position` and takes it in. nullptr: it is right; else what is wrong,
  // and nothing has changed.
  const char* Add(const RecordHeader& record, Bytes body, uint64_t position);

  // Sequence of the last event.
  uint64_t sequence() const { return state_.sequence; }
  // Whether the last batch is complete.
  bool batch_is_complete() const { return state_.batch_left == 0; }
  // Whether the last record is a closing mark.
  bool closed() const { return state_.closed; }

  // ---- checkpoints (log/stream_checkpoint.h) ----

  // What it knows besides the directory. REQUIRES, of both: the last batch is complete.
  struct Knowledge {
    uint64_t sequence = 0;
    bool closed = false;
    bool has_gaps = false;           // events were missing before some record
    std::vector<bool> seen_since{};  // with gaps, by stream: it had an event since the last one
  };
  Knowledge Describe() const;
  // The directory has been filled already.
  void Resume(const Knowledge& knowledge);

  // Drops the incomplete batch: all is as it was before its first record.
  void DropBatch();

 private:
  struct State {
    uint64_t sequence = 0;
    uint16_t batch_count = 0;
    uint16_t batch_left = 0;  // records of the batch that are to come
    bool closed = false;
  };

  const char* CheckOrder(const RecordHeader& record) const;
  const char* AddToStream(const RecordHeader& record, Bytes body, uint64_t position);
  const char* AddStream(const RecordHeader& record, Bytes body);
  bool MaySkip(uint32_t stream) const;
  void NoteSeen(uint32_t stream);

  StreamDirectory* streams_;
  State state_;
  State before_batch_;
  uint32_t gaps_ = 0;
  std::vector<uint32_t> seen_;  // by stream: how many gaps there were when it was last seen
};

}  // namespace roost

#endif  // ROOST_LOG_RECORD_CHAIN_H_
