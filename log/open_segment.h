// A segment that is not closed yet: the one that is written, or a full one that waits for its footer.
//
// The writer's thread alone writes to it, through Write and Note. Another thread may look at the index,
// the end and the times meanwhile, and syncs and closes it.
// Memory: 16 bytes for each 8 KiB of the segment, touched as events come.
#ifndef ROOST_LOG_OPEN_SEGMENT_H_
#define ROOST_LOG_OPEN_SEGMENT_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/status.h"
#include "base/unique_fd.h"
#include "log/record_format.h"
#include "log/segment_format.h"

namespace roost {

class OpenSegment {
 public:
  // `fd` is open for reading and writing and has the header. `name` is for messages. `records_bytes`: how many bytes of
  // records it may already have, should that be more than the header has room for.
  OpenSegment(UniqueFd fd, std::string name, const SegmentHeader& header,
              uint64_t records_bytes = 0);

  // ---- the writer ----

  // Whether `size` bytes of records fit, and behind them a closing mark, index and footer.
  bool HasRoomFor(uint64_t size) const;
  // Writes records behind the last one. When that fails, what came of them is overwritten with zeros, so
  // that it can never be taken for a part of the log; *erased says whether that worked.
  Status Write(Bytes records, bool* erased);
  // The record at end_position() has been written: the end moves behind it.
  void Note(const RecordHeader& record);
  // The file has been made larger. REQUIRES: it has no event.
  void Grow(uint64_t size);

  bool has_events() const { return last_sequence() >= header_.base_sequence; }

  // ---- any thread ----

  int fd() const { return fd_.get(); }
  const std::string& name() const { return name_; }
  const SegmentHeader& header() const { return header_; }  // as it was begun; but see size()
  uint64_t size() const { return size_.load(std::memory_order_relaxed); }
  uint64_t end_position() const { return end_position_.load(std::memory_order_acquire); }
  uint64_t last_sequence() const { return last_sequence_.load(std::memory_order_acquire); }
  // The newest of every 64th event that is at or before this sequence, or position.
  IndexEntry AnchorOfSequence(uint64_t sequence) const;
  IndexEntry AnchorOfPosition(uint64_t position) const;

  // fdatasync, if something was written since the last one, the header included. One thread at a time,
  // the others wait; once it has failed it fails for ever, for all of them: the kernel would tell only
  // one of them that pages were lost.
  Status Sync();
  // Writes the footer and syncs; `lost_last` as there. kExhausted: no room, try again later. After any
  // other failure Sync and Close fail for ever. REQUIRES: the writer has left this segment.
  Status Close(uint64_t lost_last = 0);
  uint64_t closed_bytes() const;

 private:
  std::span<const IndexEntry> index() const;
  SegmentFooter footer() const;

  UniqueFd fd_;
  std::string name_;
  const SegmentHeader header_;
  std::atomic<uint64_t> size_;
  uint64_t index_capacity_;
  std::unique_ptr<IndexEntry[]> index_;
  std::atomic<IndexEntry*> entries_;  // index_, for the other threads
  std::atomic<uint64_t> index_count_ = 0;
  std::atomic<uint64_t> end_position_;
  std::atomic<uint64_t> last_sequence_;
  uint64_t time_ns_min_ = 0;
  uint64_t time_ns_max_ = 0;

  std::mutex sync_mutex_;
  uint64_t synced_position_ = 0;  // 0: not even the header
  Status sync_failure_;
};

}  // namespace roost

#endif  // ROOST_LOG_OPEN_SEGMENT_H_
