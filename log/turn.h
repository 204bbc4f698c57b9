// The records of one turn of the sequencer while they are staged: built once, here, and written from here
// to the journal and to the ring.
//
// One thread. Memory: one buffer for the largest batch, touched as far as it was ever used.
#ifndef ROOST_LOG_TURN_H_
#define ROOST_LOG_TURN_H_

#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "log/log_writer.h"
#include "log/record_format.h"
#include "log/stream_directory.h"

namespace roost {

class Turn {
 public:
  // Small batches share a turn of `shared_bytes`; a larger one, up to `bytes_max`, has one for itself.
  Turn(uint64_t shared_bytes, uint64_t bytes_max);

  // Empties the turn. Its first record will be event `sequence` at `position`.
  void Begin(uint64_t position, uint64_t sequence);

  bool HasRoomFor(uint64_t size) const;

  // Adds the record of one event. REQUIRES: HasRoomFor the whole batch.
  void Add(const EventToStage& event, const BatchOrigin& origin, uint32_t stream,
           const StreamLinks& links, size_t batch_index, size_t batch_count);

  bool empty() const { return size_ == 0; }
  Bytes records() const { return {buffer_.get(), size_}; }
  uint64_t first_position() const { return first_position_; }
  uint64_t first_sequence() const { return first_sequence_; }
  uint64_t next_position() const { return first_position_ + size_; }
  uint64_t next_sequence() const { return first_sequence_ + count_; }

  struct Savepoint {
    size_t size;
    size_t count;
  };
  Savepoint Save() const { return {size_, count_}; }
  void RollBackTo(const Savepoint& savepoint);

 private:
  const uint64_t shared_bytes_;
  const uint64_t bytes_max_;
  std::unique_ptr<std::byte[]> buffer_;
  size_t size_ = 0;
  size_t count_ = 0;
  uint64_t first_position_ = kFirstPosition;
  uint64_t first_sequence_ = 1;
};

// A record without body or stream: the broker ended cleanly behind event `sequence`.
RecordHeader ClosingMark(uint64_t sequence, uint64_t time_ns);

}  // namespace roost

#endif  // ROOST_LOG_TURN_H_
