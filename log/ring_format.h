// The ring: the newest part of the log in one sealed memfd which the broker writes and everybody else
// maps read-only. F_SEAL_SHRINK, GROW, FUTURE_WRITE and SEAL: nobody, not even another process of the
// same user, can write it, resize it or lift the seals.
//
//   0            4096
//   +------------+-------------+---------------+-------------+----------------+-----------------+---------------+
//   | RingHeader | stream hash | stream table  | names       | sequence index | verdicts        | records       |
//   |            | uint32_t[]  | StreamEntry[] | char[]      | uint64_t[]     | VerdictEntry[]  | std::byte[]   |
//   +------------+-------------+---------------+-------------+----------------+-----------------+---------------+
//                ^hash_offset  ^streams_offset ^names_offset ^index_offset    ^verdicts_offset  ^records_offset
//
// All regions begin on a page, the records on 2 MiB (so that huge pages fit). A memfd has only the
// pages that were touched: room for a million streams costs nothing until they exist.
//
// records         the record at position p begins at p & (records_size - 1) and may wrap around.
// sequence index  the position of event s is in slot s & (index_slots - 1). index_slots is at least
//                 records_size / kEventBytesMin, so a slot lives at least as long as its event.
// stream table    entry i is the stream with id i; ids are given in order of first appearance.
// stream hash     open addressing, linear: slot = StreamHash(name) & (hash_slots - 1), then the next;
//                 0 is free, else id + 1. Never more than half full; nothing is ever removed. A new
//                 stream that would lie more than kHashProbesMax slots away is refused.
// names           the streams' names, one after another, without separators. A stream of which damage took
//                 every event has no name, no hash slot and revision 0. One of which retention took them keeps
//                 all of it; its last_position leads to what is gone.
// verdicts        a protocol of its own: log/verdict_format.h.
//
// Commit protocol, the whole of it:
//   writer  1. reclaimed := end of what will be written - records_size   relaxed, then a release fence
//           2. store the records' words relaxed, then their index slots  release
//           3. store the streams: name, then entry fields; last_position release; for a new stream then
//              its hash slot and stream_count                            release
//           4. head := the last sequence written                         release
//   reader  1. load head; an event after it does not exist               acquire
//           2. load the index slot acquire, copy the record's words      relaxed, then an acquire fence
//           3. load reclaimed; position < reclaimed: the copy may be torn, drop it      relaxed
//           4. the copy's sequence is another: the slot was reused, drop it
// If a reader's step 2 sees a word of a later lap, the two fences make that lap's `reclaimed` visible to
// its step 3. The index slot is released because it may lead to a later event at the same place, whose
// position step 3 finds in order: then all of that event's words are there and step 4 tells. A whole
// batch is published by one step 4 of the writer.
//
// A stream is read from StreamEntry::last_position (acquire), after head: events beyond that head are
// skipped (they are there already, but their batch may not be), and `previous` and `jump` lead on.
// The other fields of an entry are for lists; each is right by itself, not together with the others.
//
// The writer may die at any point (kill -9). Readers never wait for a word to change, so they go on;
// events that were stored but not published stay invisible, and a new broker makes a new ring.
#ifndef ROOST_LOG_RING_FORMAT_H_
#define ROOST_LOG_RING_FORMAT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "log/record_format.h"
#include "log/verdict_format.h"

namespace roost {

inline constexpr uint64_t kRingMagic = 0x31474e4952545352;  // "RSTRING1"
inline constexpr uint32_t kRingVersion = 2;
inline constexpr uint64_t kRingPage = 4096;
inline constexpr uint64_t kRecordsAlignment = 2ull << 20;
inline constexpr uint64_t kRingBytesMin = 64ull << 10;  // of the records region; a power of two
inline constexpr uint64_t kRingBytesMax = 64ull << 30;

inline constexpr uint64_t kStreamsMaxMax = 1ull << 24;  // name offsets are 32 bits
inline constexpr uint64_t kHashProbesMax = 4096;

inline constexpr uint64_t kStreamNameBytesMax = 255;
inline constexpr uint64_t kTypeBytesMax = 128;
inline constexpr uint64_t kAgentBytesMax = 128;
inline constexpr uint64_t kIdBytesMax = 255;  // id, correlation_id, causation_id
inline constexpr uint64_t kContentTypeBytesMax = 128;

enum class Durability : uint32_t { kMemory = 0, kProcess = 1, kPower = 2 };

struct StreamEntry {
  uint64_t name_hash;    // StreamHash(name); constant, like the next two
  uint32_t name_offset;  // into names
  uint32_t name_length;
  std::atomic<uint64_t> last_position;  // of its newest event
  std::atomic<uint64_t> revision;       // of its newest event
  std::atomic<uint64_t> last_sequence;
  std::atomic<uint64_t> last_time_ns;
  std::atomic<uint64_t>
      kept_from;  // the oldest revision that retention has left in the journal; a hint, grows;
                  // 0 or 1: it took none. revision + 1: it took all
  uint64_t reserved;
};
static_assert(sizeof(StreamEntry) == 64);

struct RingHeader {
  // Constant once the descriptor is handed out. Checked by RingReader::Open.
  uint64_t magic;
  uint32_t version;
  uint32_t record_version;
  uint8_t log_id[16];
  uint64_t epoch;
  Durability durability;
  uint32_t broker_pid;
  uint64_t started_ns;  // CLOCK_REALTIME
  uint64_t size;        // of the whole memfd
  uint64_t hash_offset;
  uint64_t hash_slots;  // a power of two
  uint64_t streams_offset;
  uint64_t streams_max;
  uint64_t names_offset;
  uint64_t names_size;
  uint64_t index_offset;
  uint64_t index_slots;  // a power of two
  uint64_t records_offset;
  uint64_t records_size;          // a power of two
  uint64_t event_data_bytes_max;  // limits of an append, for clients to say no early
  uint64_t batch_events_max;
  uint64_t batch_bytes_max;
  uint64_t verdicts_offset;
  uint64_t verdicts_slots;  // a power of two

  alignas(64) std::atomic<uint64_t> head;       // sequence of the newest visible event; 0: none
  alignas(64) std::atomic<uint64_t> reclaimed;  // records before this position may be overwritten
  alignas(64) std::atomic<uint64_t> oldest;  // sequence of the oldest whole event; relaxed, a hint
  alignas(64) std::atomic<uint64_t> stream_count;  // entries 0 .. stream_count-1 are there
  std::atomic<uint64_t>
      log_oldest;  // oldest event that the journal still has, or the ring if there is
                   // none; a hint, which grows before an event goes
  alignas(64) std::atomic<uint64_t> policy_version;  // log/verdict_format.h; 0: there is no policy
};
static_assert(sizeof(RingHeader) <= kRingPage);
static_assert(std::atomic<uint64_t>::is_always_lock_free);

}  // namespace roost

#endif  // ROOST_LOG_RING_FORMAT_H_
