// Reads a ring: events by sequence, by position, and streams by name, without a system call, a lock or
// a store into shared memory. The protocol is in log/ring_format.h; steps are cited from there.
//
// Any number of readers in any process. One RingReader belongs to one thread at a time (the broker's
// waker has its own). Copies what it returns; the copy is the caller's. The writer may die at any
// moment: nothing here waits.
#ifndef ROOST_LOG_RING_READER_H_
#define ROOST_LOG_RING_READER_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/mapping.h"
#include "base/status.h"
#include "base/unique_fd.h"
#include "log/record_format.h"
#include "log/ring_format.h"
#include "log/verdict_format.h"

namespace roost {

// The constant part of a RingHeader, copied once and checked.
struct RingLayout {
  uint8_t log_id[16];
  uint64_t epoch;
  Durability durability;
  uint32_t broker_pid;
  uint64_t started_ns;
  uint64_t size, hash_offset, hash_slots, streams_offset, streams_max, names_offset, names_size,
      index_offset, index_slots, records_offset, records_size;
  uint64_t event_data_bytes_max, batch_events_max, batch_bytes_max;
  uint64_t verdicts_offset, verdicts_slots;
};

// What the stream table says of one stream. Each field is right by itself; a stream that is being
// written may have moved on between two of them.
struct StreamSummary {
  uint32_t id = kNoStream;
  std::string_view name;  // in the ring: lives as long as the reader
  uint64_t last_position = 0;
  uint64_t revision = 0;
  uint64_t last_sequence = 0;
  uint64_t last_time_ns = 0;
};

class RingReader {
 public:
  enum class Outcome {
    kEvent,    // there it is
    kNotYet,   // after head
    kOverrun,  // not in the ring any more: the journal may have it
    kCorrupt,  // no record can be like this; the ring is damaged or not one
  };

  // Maps `fd` read-only. Refuses (kIncompatible, kCorruption, kPermissionDenied) what is not a memfd
  // sealed against every writer, is of another version, or whose header does not fit its size.
  static Result<RingReader> Open(const UniqueFd& fd);

  const RingLayout& layout() const { return layout_; }

  uint64_t head() const;        // step 1 of the reader
  uint64_t oldest() const;      // oldest sequence that the ring still has; a hint
  uint64_t log_oldest() const;  // oldest sequence that ring or journal still have; a hint
  uint64_t reclaimed() const;   // positions before it are gone from the ring

  // The header alone, which is all that most filters need.
  Outcome ReadHeader(uint64_t sequence, RecordHeader* header, uint64_t* position) const;
  // `sequence` is what the record there must have, or 0 when only its stream's links are known.
  Outcome ReadHeaderAt(uint64_t position, RecordHeader* header) const;

  // Appends the whole record (header, body, zeros: header.size bytes) to `out`, which stays aligned to
  // 8 if it was. On any other outcome `out` is as before.
  Outcome ReadRecordAt(uint64_t position, std::vector<std::byte>* out) const;

  // ---- hints: what they say is not checked, and they never fail ----

  // Asks the processor for the beginning of what lies at `position`, or did.
  void Prefetch(uint64_t position) const { PrefetchRange(position, 0, kPrefetchBytes); }
  // The rest, up to `size` bytes of it.
  void PrefetchRest(uint64_t position, uint64_t size) const;
  struct Links {
    uint32_t size = 0;
    uint64_t revision = 0;
    uint64_t previous = 0;
    uint64_t jump = 0;
  };
  // Of what lies at `position`, if it is a record and not gone. REQUIRES: IsAligned(position, 8).
  Links PeekLinks(uint64_t position) const;

  // The table of verdicts, for a VerdictReader. Lives as long as the reader.
  VerdictRegion verdicts() const;

  std::optional<uint32_t> FindStream(std::string_view name) const;
  uint64_t stream_count() const;
  // REQUIRES: id < stream_count().
  StreamSummary Stream(uint32_t id) const;

 private:
  RingReader() = default;

  // As much as a small event has, and what a large one is still worth.
  static constexpr uint64_t kPrefetchBytes = 256;
  static constexpr uint64_t kPrefetchBytesMax = 1024;

  void PrefetchRange(uint64_t position, uint64_t begin, uint64_t end) const;
  const RingHeader& header() const;
  const StreamEntry& entry(uint32_t id) const;

  Mapping mapping_;
  RingLayout layout_{};
};

}  // namespace roost

#endif  // ROOST_LOG_RING_READER_H_
