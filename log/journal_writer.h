// Writes the journal: the records of each commit with one pwrite at a place that is known, segment after
// segment. Formats: log/segment_format.h.
//
// Threads: Append and Close are the sequencer's; the others are any thread's, beside it. No lock stands
// on Append but at the change of segments, once in many megabytes.
//
// When things go wrong: no room (for a new segment, or in a file system that gives none to what was
// reserved) is kExhausted, no descriptor for the next segment kBusy; nothing is written, and a later Append
// may go well. After any other failed write or fdatasync nobody knows what is on the disk: the journal is degraded, every Append fails from
// then on, and only a new start, which reads what is really there, mends it.
#ifndef ROOST_LOG_JOURNAL_WRITER_H_
#define ROOST_LOG_JOURNAL_WRITER_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/status.h"
#include "base/unique_fd.h"
#include "log/data_directory.h"
#include "log/log_writer.h"
#include "log/open_segment.h"
#include "log/segment_format.h"

namespace roost {

// A segment of the journal as the broker knows it.
struct JournalSegment {
  SegmentHeader header{};
  std::string name;                   // of the file
  uint64_t end_position = 0;          // when it is full
  uint64_t last_sequence = 0;         // when it is full
  uint64_t bytes = 0;                 // of the file
  std::shared_ptr<OpenSegment> open;  // as long as it has no footer
};

struct JournalSpec {
  Durability durability = Durability::kProcess;
  uint64_t segment_bytes = 0;
  uint8_t log_id[16] = {};
  uint64_t epoch = 0;
  uint32_t running_s = 0;  // how long the log's brokers have run until now
  uint64_t (*now_ns)() = &MonotonicNs;
};

class JournalWriter {
 public:
  // Goes on behind `segments`, oldest first, as recovery left them. The last one is gone on with if it
  // has no footer; else, or if there is none, a new one begins at `position` with event `sequence`.
  // `directory` outlives the journal.
  static Result<std::unique_ptr<JournalWriter>> Open(DataDirectory* directory,
                                                     const JournalSpec& spec,
                                                     std::vector<JournalSegment> segments,
                                                     uint64_t position, uint64_t sequence);

  // ---- sequencer ----

  // Whole batches, at most half a segment; the first record is event `sequence` at `position`.
  Status Append(uint64_t position, uint64_t sequence, Bytes records);
  // Writes the mark and syncs all. The journal is not used afterwards.
  Status Close(Bytes closing_mark);

  // ---- any thread ----

  Status Sync();
  Status Maintain();
  Result<SegmentPlace> Find(uint64_t sequence, uint64_t position);
  uint64_t oldest_sequence();

  // How long the log's brokers have run, in all, by the clock of the spec.
  uint32_t running_s() const;
  // All segments, oldest first; `open` is set in those that are not closed.
  std::vector<JournalSegment> Segments();
  // The next Append begins a segment, if the open one has an event.
  void WantNextSegment() { wants_next_.store(true, std::memory_order_relaxed); }
  // They are not the journal's any more: deletes the segments before the one that begins with event `sequence`, the
  // oldest first. Begin no earlier than a checkpoint has what they come to. REQUIRES: they are closed, and that
  // one is there.
  Status DeleteBefore(uint64_t sequence);
  // What one of these, that failed, has not deleted. The same thread.
  Status DeleteObsolete();

  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  bool degraded() const { return degraded_.load(std::memory_order_acquire); }
  // What Append answers when degraded.
  Status degraded_status();
  Degradation degradation();

 private:
  JournalWriter(DataDirectory* directory, const JournalSpec& spec);

  Status Rotate(uint64_t position, uint64_t sequence);
  Status Begin(uint64_t position, uint64_t sequence);
  Status BeginEarly(uint64_t position, uint64_t sequence);
  Status GrowOpenSegment();
  Result<UniqueFd> CreateNextSegment();
  void NoteRecords(Bytes records);
  Status SyncAppended();
  Status SyncNames();
  Status CloseFullSegments();
  Status Degrade(Status why);
  // Says what to do if it was for want of room, else the same status.
  Status NoRoomOr(const Status& why) const;
  std::vector<std::shared_ptr<OpenSegment>> OpenSegments();

  DataDirectory* const directory_;
  const JournalSpec spec_;
  const uint64_t opened_ns_;
  std::atomic<bool> wants_next_ = false;

  // The sequencer's.
  std::shared_ptr<OpenSegment> open_;

  // The next segment, ready but for its header.
  std::mutex next_mutex_;
  UniqueFd next_;

  // Written by the sequencer when a segment is begun, and by Maintain when one is closed.
  std::mutex segments_mutex_;
  std::vector<JournalSegment> segments_;
  // Of the thread that deletes: no longer in segments_, but the files are still there.
  std::deque<JournalSegment> obsolete_;

  std::mutex sync_mutex_;         // one Sync at a time
  uint64_t marked_position_ = 0;  // under sync_mutex_, like the next one
  uint32_t marked_running_s_ = 0;
  std::atomic<uint64_t> bytes_ = 0;

  std::atomic<uint64_t> names_given_ = 0;  // to segments, by the sequencer
  std::mutex names_mutex_;                 // one sync of the directory at a time
  uint64_t names_synced_ = 0;              // of those given; under names_mutex_

  std::mutex degraded_mutex_;
  Degradation degradation_;  // under degraded_mutex_
  std::atomic<bool> degraded_ = false;
};

}  // namespace roost

#endif  // ROOST_LOG_JOURNAL_WRITER_H_
