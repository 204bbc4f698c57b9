// Makes the ring and is its one writer. The steps are those of log/ring_format.h.
//
// One thread, but for fd() and the last functions. Nothing is allocated after Create. Pages are touched as they are needed.
#ifndef ROOST_LOG_RING_WRITER_H_
#define ROOST_LOG_RING_WRITER_H_

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/mapping.h"
#include "base/status.h"
#include "base/unique_fd.h"
#include "log/record_format.h"
#include "log/ring_format.h"
#include "log/stream_directory.h"
#include "log/verdict_format.h"

namespace roost {

// The newest event of a stream.
struct StreamTail {
  uint64_t revision = 0;
  uint64_t position = 0;
  uint64_t sequence = 0;
  uint64_t time_ns = 0;
};

// What a new ring is to be like; records_size is a power of two within kRingBytesMin and kRingBytesMax.
struct RingSpec {
  uint64_t records_size = 64ull << 20;
  uint64_t streams_max = 1ull << 20;
  uint64_t event_data_bytes_max = 0;
  uint64_t batch_events_max = 0;
  uint64_t batch_bytes_max = 0;
  Durability durability = Durability::kProcess;
};

class RingWriter {
 public:
  // Creates and seals the memfd. From then on its memory can be written through this object's mapping,
  // which was made before, and in no other way. kExhausted: no memory or descriptors.
  static Result<RingWriter> Create(const RingSpec& spec);

  // Sealed; opened read-only where /proc allows it. As long as this object.
  int fd() const { return fd_.get(); }
  uint64_t records_size() const { return records_size_; }
  const Mapping& mapping() const { return mapping_; }
  // For the VerdictTableWriter. As long as this object.
  VerdictMemory verdicts() const;
  // For the StreamDirectory that this ring publishes.
  std::span<char> names() const;

  // ---- before anybody has the descriptor, in this order ----

  void Identify(const uint8_t (&log_id)[16], uint64_t epoch);
  // The ring begins empty: it will have the records from `position` on, and those behind event
  // `sequence`.
  void StartAt(uint64_t position, uint64_t sequence);
  // Takes the next stream in as events before the position of StartAt have left it, which are in no journal
  // any more. Before any Load.
  void LoadStream(uint32_t id, const StreamTail& tail);
  // Takes a record of the journal in, in order, gaps allowed. One before the position of StartAt
  // counts for its stream alone.
  void Load(uint64_t position, Bytes record);
  // Everything loaded becomes visible.
  void FinishLoading(const StreamDirectory& streams);

  // ---- afterwards ----

  // Steps 1 to 4: `records` are whole batches, their first at `position`, where the one before ended.
  void Publish(uint64_t position, Bytes records, const StreamDirectory& streams);

  // Whether a new stream of this name can be found by readers without a long search.
  bool HasRoomForStream(std::string_view name) const;

  // ---- afterwards, any one thread ----

  void SetLogOldest(uint64_t sequence);
  void SetKeptFrom(uint32_t id, uint64_t revision);
  uint64_t kept_from(uint32_t id) const;

 private:
  RingWriter() = default;

  RingHeader& header() const;
  StreamEntry& entry(uint32_t id) const { return streams_[id]; }
  std::atomic<uint32_t>& hash_slot(uint64_t probe) const;
  std::atomic<uint64_t>& index_slot(uint64_t sequence) const {
    return index_[sequence & (index_slots_ - 1)];
  }

  void Reclaim(uint64_t end);  // step 1
  void StoreRecord(uint64_t position, Bytes record, const RecordHeader& record_header);
  void StoreStream(uint64_t position, const RecordHeader& record_header);
  void DescribeStreams(const StreamDirectory& streams);
  void PublishStreams();
  void AdvanceOldest();

  UniqueFd fd_;
  Mapping mapping_;
  std::byte* records_ = nullptr;  // where these begin in mapping_
  std::atomic<uint64_t>* index_ = nullptr;
  StreamEntry* streams_ = nullptr;
  uint64_t records_size_ = 0;
  uint64_t index_slots_ = 0;
  uint64_t hash_slots_ = 0;
  uint64_t reclaimed_ = 0;
  uint64_t head_ = 0;
  uint64_t oldest_ = 1;  // of the events that are whole; head_ + 1: there is none
  uint32_t streams_described_ = 0;
  uint32_t streams_published_ = 0;
  bool log_oldest_follows_ = false;  // there is no journal
};

}  // namespace roost

#endif  // ROOST_LOG_RING_WRITER_H_
