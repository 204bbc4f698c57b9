// The table of verdicts: a region of the ring's memfd (log/ring_format.h) in which the broker publishes what was
// decided, so that whoever asks the same again gets the answer without asking the broker.
//
//   verdicts_offset
//   +--------------+--------------+-- ... --+--------------+--------------+-- ...
//   | VerdictEntry | VerdictEntry |         | VerdictEntry | VerdictEntry |
//   | 512 bytes    |              |         |              |              |
//   +--------------+--------------+-- ... --+--------------+--------------+-- ...
//   |<------ bucket 0: kVerdictBucketSlots entries ------>|<-- bucket 1 ...
//
//   0          8        40       48        56        64        72   76 77 78  80      208        464    512
//   +----------+--------+--------+---------+---------+---------+----+--+--+---+-------+----------+------+
//   |generation| key    | policy | expires | decided | sequence| uid|v |b |r  | by    | reason   | zeros|
//   +----------+--------+--------+---------+---------+---------+----+--+--+---+-------+----------+------+
//    v: verdict, b: length of by, r: length of reason
//
// A verdict for a key is in the bucket (first 8 bytes of the key) & (buckets - 1), or nowhere. It counts as long
// as its policy version is the one in RingHeader::policy_version, its time is not over, and its uid is the
// reader's or kVerdictAnyUid. Nothing is ever taken away: an entry that does not count any more, else the
// one with the lowest sequence, makes room for a new one. Whoever finds nothing asks the broker.
//
// The protocol, for each entry by itself:
//   writer  1. generation := generation + 1, odd now                     relaxed, then a release fence
//           2. store all other words                                     relaxed
//           3. generation := generation + 1, even again                  release
//           Only after the event that tells of the verdict is committed.
//   reader  1. load RingHeader::policy_version                           acquire
//           2. load generation; 0 or odd: pass the entry by              acquire
//           3. copy the fixed part; for another key, policy or uid: pass it by     relaxed
//           4. copy the texts                                            relaxed, then an acquire fence
//           5. load generation; another than in 2: the copy may be torn, pass it by     relaxed
//           6. check the copy: lengths, verdict, time
// If a reader's steps 3 and 4 see a word of a later writing, the two fences make that writing's step 1 visible to
// step 5. A reader looks at each entry of one bucket once: it never waits and never tries again.
// A new policy version is stored (release) before the event that tells of it is staged.
#ifndef ROOST_LOG_VERDICT_FORMAT_H_
#define ROOST_LOG_VERDICT_FORMAT_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

namespace roost {

inline constexpr uint64_t kVerdictSlots =
    16'384;  // 8 MiB of address space, a page for each that is used
inline constexpr uint64_t kVerdictBucketSlots = 8;
inline constexpr size_t kVerdictKeyBytes = 32;
inline constexpr size_t kVerdictByBytesMax = 128;
inline constexpr size_t kVerdictReasonBytesMax =
    256;  // a longer one is cut here; the event has all of it
inline constexpr uint32_t kVerdictAnyUid = UINT32_MAX;
inline constexpr uint64_t kVerdictForEver = UINT64_MAX;

struct VerdictEntry {
  uint64_t generation;  // 0: never written
  uint8_t key[kVerdictKeyBytes];
  uint64_t policy_version;
  uint64_t expires_ns;  // CLOCK_MONOTONIC; kVerdictForEver
  uint64_t decided_ns;  // CLOCK_REALTIME
  uint64_t sequence;    // of its event in $verdicts
  uint32_t uid;
  uint8_t verdict;  // roost.wire.Verdict, not Undecided
  uint8_t by_length;
  uint16_t reason_length;
  char by[kVerdictByBytesMax];
  char reason[kVerdictReasonBytesMax];
  uint8_t reserved[48];
};
static_assert(sizeof(VerdictEntry) == 512);
static_assert(offsetof(VerdictEntry, by) == 80 && offsetof(VerdictEntry, reason) == 208);

// What an entry says. A value.
struct PublishedVerdict {
  std::array<uint8_t, kVerdictKeyBytes> key{};
  uint64_t policy_version = 0;
  uint64_t expires_ns = kVerdictForEver;
  uint64_t decided_ns = 0;
  uint64_t sequence = 0;
  uint32_t uid = kVerdictAnyUid;
  uint8_t verdict = 0;
  std::string by = {};
  std::string reason = {};
};

// Where the table is, for its writer and its readers. The mapping outlives both.
struct VerdictMemory {
  std::byte* entries = nullptr;
  uint64_t slots = 0;  // a power of two, at least kVerdictBucketSlots
  std::atomic<uint64_t>* policy_version = nullptr;
};
struct VerdictRegion {
  const std::byte* entries = nullptr;
  uint64_t slots = 0;
  const std::atomic<uint64_t>* policy_version = nullptr;
};

// Index of the first entry of a key's bucket.
inline uint64_t VerdictBucket(const uint8_t* key, uint64_t slots) {
  uint64_t hash = 0;
  for (int i = 0; i < 8; ++i) hash |= static_cast<uint64_t>(key[i]) << (8 * i);
  return (hash & (slots / kVerdictBucketSlots - 1)) * kVerdictBucketSlots;
}

}  // namespace roost

#endif  // ROOST_LOG_VERDICT_FORMAT_H_
