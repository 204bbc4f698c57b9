// One record of the log: the same bytes in the ring and in the journal.
//
//   0         4         8                   16                  24                  32
//   +---------+---------+-------------------+-------------------+-------------------+
//   | size    | crc32c  | sequence          | revision          | previous          |
//   +---------+---------+-------------------+-------------------+-------------------+
//   | jump              | time_ns           | session           | request           |   32
//   +---------+---------+---------+---------+----+----+-+-+-----+---------+---------+
//   | stream  | type    | agent   | uid     |bidx|bcnt|k|f| 0   | body_len| 0       |   64
//   +---------+---------+---------+---------+----+----+-+-+-----+---------+---------+
//   | body: a FlatBuffer of schemas/event.fbs ...                     | zeros to 8   |   96
//   +-----------------------------------------------------------------+--------------+
//
// Little-endian. A *position* counts the bytes of all records since the log began; it never wraps and
// never begins anew. It starts at kFirstPosition, so that 0 can mean "none". Records follow each other
// without a gap, in positions, in the ring (where a record may wrap around its end) and in a segment.
//
// Links: `previous` is the position of the stream's event before this one, `jump` that of the one with
// revision JumpRevision(revision), as in a skew-binary list (Myers 1983, "An applicative random-access
// stack"). With the two any revision is reached in O(log n) steps, in the ring or on disk.
//
// A record is valid where it lies if, in this order:
//   1. kind is one of RecordKind's, size is RecordSize(kind, body_len) (log/record.h: header and body,
//      rounded up to 8 and to kEventBytesMin), at most kRecordBytesMax and within what holds it;
//   2. crc32c is that of the record without the crc32c field itself (RecordChecksum in log/record.h);
//   3. sequence is that of the event before it plus one (or the same, for a record that is no event);
//   4. bidx < bcnt, and it continues the batch of the record before it: a batch is complete when its
//      last record (bidx + 1 == bcnt) is valid. What comes after the last complete batch is cut off;
//   5. revision, previous and jump continue its stream.
// Rules 1 and 2 are about the bytes alone ("sound"); 3 to 5 about their place (log/record_chain.h).
//
// A change here is a new kRecordVersion, and an entry in docs/decisions.
#ifndef ROOST_LOG_RECORD_FORMAT_H_
#define ROOST_LOG_RECORD_FORMAT_H_

#include <cstddef>
#include <cstdint>

namespace roost {

inline constexpr uint32_t kRecordVersion = 1;
inline constexpr uint64_t kRecordAlignment = 8;
inline constexpr uint64_t kFirstPosition = 4096;

enum class RecordKind : uint8_t {
  kNone = 0,  // zeroed memory is never a record
  kEvent = 1,
  kClose = 2,  // the broker ended cleanly here; no body, sequence of the last event, no stream
};

enum RecordFlags : uint8_t {
  kRecordHasId = 1,  // the body has an idempotency id
  kRecordIsOwn = 2,  // in one of Roost's own streams, whose names begin with '$'
};

inline constexpr uint32_t kNoStream = 0xFFFFFFFF;

struct RecordHeader {
  uint32_t size;  // of the whole record, with header and zeros
  uint32_t crc32c;
  uint64_t sequence;     // 1 for the first event ever, then +1 for each
  uint64_t revision;     // the same within the stream
  uint64_t previous;     // position; 0: none
  uint64_t jump;         // position; 0: none
  uint64_t time_ns;      // CLOCK_REALTIME when the broker ordered it
  uint64_t session;      // whose request it was; 0: the broker's own
  uint64_t request;      // its number; 0: the broker's own
  uint32_t stream;       // id in the stream table
  uint32_t type;         // FilterHash of the type
  uint32_t agent;        // FilterHash of the agent
  uint32_t uid;          // of the appending process, from the kernel
  uint16_t batch_index;  // 0 for the first event of its batch
  uint16_t batch_count;
  RecordKind kind;
  uint8_t flags;      // RecordFlags
  uint16_t reserved;  // 0
  uint32_t body_length;
  uint32_t reserved2;  // 0
};
inline constexpr uint64_t kRecordHeaderBytes = sizeof(RecordHeader);

// No event is smaller, zeros fill it up. The ring's index of sequences is dimensioned by it.
inline constexpr uint64_t kEventBytesMin = 128;
// Nor is a record or a whole batch larger: what a reader has to allocate at most.
inline constexpr uint64_t kRecordBytesMax = 16ull << 20;

static_assert(sizeof(RecordHeader) == 96);
static_assert(offsetof(RecordHeader, sequence) == 8);
static_assert(offsetof(RecordHeader, jump) == 32);
static_assert(offsetof(RecordHeader, stream) == 64);
static_assert(offsetof(RecordHeader, batch_index) == 80);
static_assert(offsetof(RecordHeader, kind) == 84);
static_assert(offsetof(RecordHeader, body_length) == 88);

}  // namespace roost

#endif  // ROOST_LOG_RECORD_FORMAT_H_
