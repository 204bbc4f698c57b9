// The counters: a small file beside the socket (`<socket without .sock>.counters`, 0444) which the broker
// alone writes and anybody reads with pread, also when the broker hangs or is dead. It has kCountersBytes, below 3 MiB,
// from the start to the end of its broker, whatever happens.
//
//   0               4096                                                                                  kCountersBytes
//   +---------------+----------+----------+---------+-----------+-------+----------+--------+--------+------------+-----------+
//   | header, with  | counters | requests | refused | latencies | sizes | sessions | chunks | groups | objectives | baselines |
//   | the sections  |  words   |  words   |  words  | Histogram |  too  |   rows   |        |  rows  |    rows    |   rows    |
//   +---------------+----------+----------+---------+-----------+-------+----------+--------+--------+------------+-----------+
//
// Where a section is, how many elements it has and how large each is stands in the header, so that a reader finds its way
// in the file of a broker that has more or fewer of them: new elements, sections and fields of rows are added at the end,
// and what a broker has not got yet reads as 0. Any other change is another kCountersVersion.
//
// Every value is one aligned word. It is written with relaxed stores by one thread of the broker, and right by
// itself; values are not all of the same moment. What is more than a word (who a row is of, which chunks it has) follows the
// protocol of rows:
//   writer  1. version := odd                                                        relaxed, then a release fence
//           2. store the row's other words, those that count set to 0                relaxed
//           3. version := even, larger than ever before                              release
//           4. from now on only add to words that count, and put chunks behind those that the row has: the chunk's words
//              are 0, and latency_chunks counts it, before the row names it          a release fence between the two
//   reader  1. copy the rows: of these only the versions are used
//           2. copy the rows, then the chunks that latency_chunks counts now
//           3. copy the rows: of these only the versions are used. An acquire fence stands between any two copies
//           4. a row is taken if its version is the same in the first and the third copy, and even, and not 0
// If a reader takes a row, no step 1 to 3 of the writer ran while it copied: what it has is all of one session (or group), and
// so is what it has of its chunks, since a chunk leaves a row only in step 2. A broker that dies within 1 to 3 leaves
// an odd version; nobody takes that row.
#ifndef ROOST_IPC_COUNTERS_FORMAT_H_
#define ROOST_IPC_COUNTERS_FORMAT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/histogram.h"

namespace roost {

inline constexpr uint64_t kCountersMagic = 0x314e554f43545352;  // "RSTCOUN1"
inline constexpr uint32_t kCountersVersion = 2;

// Order is the format: add at the end. Names as in `roost stat --json`. What does not only grow is a gauge, and says so;
// gauges marked * are brought up to date a few times a second.
enum class Counter : uint32_t {
  kEventsAppended,   // events_appended
  kBytesAppended,    // bytes_appended: records, with headers
  kBatchesAppended,  // batches_appended: client batches
  kCommits,          // commits: journal writes
  kRequests,         // requests
  kRequestsRefused,  // requests_refused
  kConflicts,        // conflicts
  kDuplicates,       // duplicates: answers repeated, and ids seen before
  kSessions,         // sessions: attached now, a gauge
  kSessionsTotal,    // sessions_total
  kWaits,            // waits: registered now, a gauge
  kWakeups,          // wakeups
  kJournalSyncs,     // journal_syncs
  kJournalBytes,     // journal_bytes: in the data directory, a gauge
  kDegraded,         // degraded: 0 or 1
  kHead,             // head
  kStreams,          // streams*

  kSessionRows,         // session_rows: of the table, that were ever used
  kSessionsUnplaced,    // sessions_unplaced: found no row
  kLatenciesUnplaced,   // latencies_unplaced: durations that found no chunk of their session
  kGroups,              // groups*
  kGroupRows,           // group_rows: of the table, in use*
  kLeases,              // leases: claims held*
  kLeaseKeys,           // lease_keys*
  kRequestsWaiting,     // requests_waiting: claims, takes and validates that wait, a gauge*
  kEventsTaken,         // events_taken: of groups, in consumers' hands or given back*
  kEventsParked,        // events_parked*
  kWakerOvertaken,      // waker_overtaken: how often the waker had to wake everybody
  kDiskFreeBytes,       // disk_free_bytes: of the data directory, for the broker's user, a gauge
  kDiskTotalBytes,      // disk_total_bytes: a gauge
  kDiskBytesPerSecond,  // disk_bytes_per_second: how fast it filled lately, a gauge
  kDiskLookedNs,     // disk_looked_ns: when these three were looked at, CLOCK_MONOTONIC; 0: never
  kDiskFullSinceNs,  // disk_full_since_ns: CLOCK_REALTIME; 0: events are taken
  kJournalSyncBeganNs,      // journal_sync_began_ns: CLOCK_MONOTONIC; 0: none is under way
  kClientReports,           // client_reports
  kClientCacheHits,         // client_cache_hits: reported by clients, like all below
  kClientCacheMisses,       // client_cache_misses
  kClientReadersOvertaken,  // client_readers_overtaken: the ring had no longer what they read
  kClientLatenciesLost,     // client_latencies_lost: that did not fit their reports
  kClientReportsIgnored,  // client_reports_ignored: said what can't be (broker/client_reports.h); no client's word
  kLatencyChunks,      // latency_chunks: of the section, that were ever used
  kNewcomers,          // newcomers: connected and not attached*
  kWakerQueue,         // waker_queue: what the waker's thread has still to take, waits and cancellations*
  kLibrarianQueue,     // librarian_queue: segments that are asked for*
  kExaminations,       // examinations: handed to the examiner's thread and not done*
  kOwnEventsWaiting,   // own_events_waiting: events of the broker's own that the log could not take yet*
  kObjectives,              // objectives: rows in use; they stay as they are while the broker runs
  kObjectivesBreached,      // objectives_breached: not met now, a gauge
  kBaselines,               // baselines: rows in use, a gauge
  kBaselinesShifted,        // baselines_shifted: away from what they were, a gauge
  kJudgedNs,                // judged_ns: when the monitor last looked, CLOCK_REALTIME; 0: never
  kCount,
};
inline constexpr size_t kCounterCount = static_cast<size_t>(Counter::kCount);
const char* CounterName(Counter counter);
// Whether its value may fall, so that a difference of two is none of a rate.
bool IsGauge(Counter counter);

// What requests ask for. Those that have a Latency come first, in its order.
enum class RequestKind : uint32_t {
  kAppend,
  kClaim,
  kRelease,
  kTake,
  kSettle,
  kValidate,
  kDecide,
  kWait,
  kAttach,
  kCancel,       // cancel: of a wait or a request
  kFindSegment,  // find_segment
  kList,         // list: sessions, leases, groups, parked events
  kManage,       // manage: parked events given back or dropped, groups removed
  kActive,       // active: that bring nothing but a sign of life, or a report
  kOther,        // other: malformed, not read, or unknown to this broker
  kLane,         // lane: opened, or its bell
  kCount,
};
inline constexpr size_t kRequestKindCount = static_cast<size_t>(RequestKind::kCount);
const char* RequestKindName(RequestKind kind);

// Why requests were refused: the codes of wire::RefusalCode (schemas/control.fbs), by their numbers.
inline constexpr size_t kRefusalReasonCount = 11;
const char* RefusalReasonName(size_t reason);  // "invalid", "too_large", ...

// In ns. Of a request: from it received to its first answer sent (that it is queued is an answer, a refusal
// is none), and where a turn has many answers, up to seven more that are sent behind it; of a wait, to its registration.
enum class Latency : uint32_t {
  kAppend,
  kClaim,
  kRelease,
  kTake,
  kSettle,
  kValidate,
  kDecide,
  kWait,
  kJournalWrite,  // journal_write: from the end of a turn's requests; with durability power its fdatasync is in it
  kJournalSync,   // journal_sync
  kClientRead,  // client_read: reported by clients, as are those below; a call's line read to its answer written
  kClientAppend,    // client_append
  kClientValidate,  // client_validate
  kCount,
};
inline constexpr size_t kLatencyCount = static_cast<size_t>(Latency::kCount);
const char* LatencyName(Latency latency);
constexpr bool HasLatency(RequestKind kind) { return kind <= RequestKind::kWait; }
constexpr Latency LatencyOf(RequestKind kind) { return static_cast<Latency>(kind); }
static_assert(LatencyOf(RequestKind::kWait) == Latency::kWait);

// Numbers of things, in the buckets of a Histogram: to within 1.6 %, exact below 128.
enum class Size : uint32_t {
  kEventsPerCommit,  // events_per_commit
  kRequestsPerTurn,  // requests_per_turn: how many were waiting when the sequencer came round, as far as its turn goes
  kCount,
};
inline constexpr size_t kSizeCount = static_cast<size_t>(Size::kCount);
const char* SizeName(Size size);

// ---- rows ----

// The durations of one session are kept in the buckets of Histogram, but only those 32 neighbours that it uses: chunk c of a
// session has the buckets from 32 c on. kChunkCount chunks are for all sessions together, at most 16 for each kind of each
// session. A count ends at 2^32 - 1.
inline constexpr size_t kChunkBuckets = 32;
inline constexpr size_t kChunkCount = 16'384;
inline constexpr size_t kChunksPerKindMax = 16;
struct LatencyChunk {
  std::atomic<uint32_t> counts[kChunkBuckets];
};
static_assert(sizeof(LatencyChunk) == 128);
static_assert(Histogram::kBuckets % kChunkBuckets == 0);

enum class SessionLatency : uint32_t {
  kRequests,  // of all requests that have a Latency, as the broker measures them; of waits none. The row's chunks
              // leave appends out, which have their own; a reader adds them
  kReads,     // as the client reports them
  kAppends,   // those of kRequests that are appends
  kCount,
};
inline constexpr size_t kSessionLatencyCount = static_cast<size_t>(SessionLatency::kCount);
const char* SessionLatencyName(SessionLatency latency);  // "requests", "reads", "appends"

// Words of a row that count, each with one writer, the sequencer thread.
enum class SessionCounter : uint32_t {
  kRequests,           // requests
  kEvents,             // events: appended by it
  kBytes,              // bytes: of their records
  kRefused,            // refused
  kLastRequestNs,      // last_request_ns: CLOCK_REALTIME; 0: none yet
  kCacheHits,          // cache_hits: reported, as are those below
  kCacheMisses,        // cache_misses
  kOvertaken,          // overtaken
  kLatenciesUnplaced,  // latencies_unplaced
  kLaneRequests,       // lane_requests: of the requests, those that came through its lane
  kCount,
};
inline constexpr size_t kSessionCounterCount = static_cast<size_t>(SessionCounter::kCount);
const char* SessionCounterName(SessionCounter counter);

inline constexpr size_t kSessionRowCount = 1024;
struct SessionRow {
  uint64_t version;
  uint64_t session;
  uint64_t attached_ns;  // CLOCK_REALTIME; what the row counts began then
  uint32_t uid;
  uint32_t pid;
  char agent[128];        // zeros behind it; 128 bytes of it have none
  uint64_t counters[16];  // by SessionCounter; the rest is for later ones
  // Chunk number in the upper half, its index in the file's section in the lower; all ones: none.
  uint32_t chunks[kSessionLatencyCount][kChunksPerKindMax];
};
inline constexpr uint32_t kNoChunk = UINT32_MAX;
static_assert(offsetof(SessionRow, counters) == 160 && sizeof(SessionRow) == 480);
static_assert(kSessionCounterCount <= 16);

enum class GroupCounter : uint32_t {
  kHead,        // head: the stream's revision
  kCheckpoint,  // checkpoint: all events up to here are settled or parked
  kNext,        // next: the revision that is handed out next
  kTaken,       // taken: in consumers' hands
  kReturned,    // returned: wait to be handed out again
  kParked,      // parked
  kConsumers,   // consumers: sessions that hold some
  kCount,
};
inline constexpr size_t kGroupCounterCount = static_cast<size_t>(GroupCounter::kCount);
const char* GroupCounterName(GroupCounter counter);

// All gauges. Groups have their rows in the order of streams and groups; those behind the last row have none.
inline constexpr size_t kGroupRowCount = 256;
struct GroupRow {
  uint64_t version;
  char stream[256];  // ends with a zero
  char group[72];    // ends with a zero
  uint64_t counters[kGroupCounterCount];
};
static_assert(offsetof(GroupRow, counters) == 336 && sizeof(GroupRow) % 8 == 0);

// One thread of the broker, the monitor, judges the objectives of its configuration and the shifts of what it has learned
// (docs/monitoring.md), once a second at most and not while nothing is asked. Its rows get their texts once, in the order in
// which they are in use; from then on only their values change.

// What a row says of itself and since when, in one word: CLOCK_REALTIME in ns, times 4, plus the state. 0 in all: not judged yet.
constexpr uint64_t StateSince(uint64_t state, uint64_t wall_ns) { return wall_ns << 2 | state; }

enum class ObjectiveState : uint64_t {
  kNotJudged,
  kMet,
  kBreached,
  kCount,
};
const char* ObjectiveStateName(ObjectiveState state);

enum class ObjectiveKind : uint64_t {
  kLatency,       // so many of the requests must be quicker than the target
  kAvailability,  // appends must be taken so much of the time
  kCount,
};
const char* ObjectiveKindName(ObjectiveKind kind);

enum class ObjectiveValue : uint32_t {
  kState,       // StateSince
  kKind,        // an ObjectiveKind
  kTargetNs,    // of a latency
  kShare,       // that must be good, in parts of 1e9: 0.99 for a p99
  kWindowNs,    // how long a time is judged
  kMeasured,    // over the window: the latency at that quantile in ns; the share of the time in parts of 1e9
  kGood,        // in the window: requests; ns of time
  kTotal,       // likewise
  kBudgetUsed,  // of what may be bad in a window, in parts of 1e6: above 1e6 the objective is not met
  kBurnRate,    // how fast it is used now, in parts of 1e6: at 1e6 a window uses it up just so
  kBreaches,    // since the broker started
  kCount,
};
inline constexpr size_t kObjectiveValueCount = static_cast<size_t>(ObjectiveValue::kCount);

inline constexpr size_t kObjectiveRowCount = 32;
struct ObjectiveRow {
  uint64_t version;
  char text[128];       // as `append p99 < 1ms over 1m`; ends with a zero
  uint64_t values[16];  // by ObjectiveValue; the rest is for later ones
};
static_assert(offsetof(ObjectiveRow, values) == 136 && kObjectiveValueCount <= 16);

enum class BaselineState : uint64_t {
  kLearning,
  kSteady,
  kUp,    // shifted, to more than it was
  kDown,  // to less
};
const char* BaselineStateName(BaselineState state);

enum class BaselineValue : uint32_t {
  kState,      // StateSince
  kIsRate,     // 0: a latency in ns; 1: a rate in thousandths a second
  kUsual,      // the median of what was learned
  kCurrent,    // the median of the last minutes
  kLearned,    // how many minutes it has learned from
  kNeeded,     // how many it needs before it judges
  kShifts,     // since the broker started
  kCount,
};
inline constexpr size_t kBaselineValueCount = static_cast<size_t>(BaselineValue::kCount);

inline constexpr size_t kBaselineRowCount = 64;
struct BaselineRow {
  uint64_t version;
  char name[48];        // as `append p50` or `events`; ends with a zero
  uint64_t values[12];  // by BaselineValue; the rest is for later ones
};
static_assert(offsetof(BaselineRow, values) == 56 && kBaselineValueCount <= 12);

// ---- header ----

enum class Section : uint32_t {
  kCounters,
  kRequests,  // by RequestKind
  kRefused,   // by reason
  kLatencies,
  kSizes,
  kSessions,
  kChunks,
  kGroups,
  kObjectives,
  kBaselines,
  kCount,
};
inline constexpr size_t kSectionCount = static_cast<size_t>(Section::kCount);

struct SectionPlace {
  uint32_t offset;  // bytes, a multiple of 8
  uint32_t count;
  uint32_t stride;  // bytes of an element, a multiple of 8
  uint32_t reserved;
};

// What the sequencer's thread does, and since when, in one word: CLOCK_MONOTONIC in ns, times 4, plus this. Stored when it
// changes and in each turn; a thread that sleeps stores nothing, and needs no timer to be known to be well.
enum class Doing : uint32_t {
  kStarting,
  kAsleep,   // in epoll_wait: nothing is asked of it
  kWorking,  // in a turn, or looking for the next one
  kWriting,  // waits for the journal's disk
};
constexpr uint64_t BeatOf(Doing doing, uint64_t now_ns) {
  return now_ns << 2 | static_cast<uint64_t>(doing);
}
// What the sequencer's thread did last, and since when it does it (kAsleep) or when it last said so.
struct SequencerBeat {
  Doing doing = Doing::kStarting;
  uint64_t at_ns = 0;  // CLOCK_MONOTONIC
};
constexpr SequencerBeat BeatIn(uint64_t word) { return {static_cast<Doing>(word & 3), word >> 2}; }

struct CountersHeader {
  uint64_t magic;
  uint32_t version;
  uint32_t broker_pid;
  uint8_t log_id[16];
  uint64_t started_ns;  // CLOCK_REALTIME
  // /proc/PID/stat says when a process began (field 22): the same pid with another time is another process.
  uint64_t process_start_ticks;
  uint64_t
      pid_namespace;  // inode of /proc/self/ns/pid; 0: not known. In another one the pid means another process
  uint32_t durability;
  uint32_t section_count;
  char data_directory[512];  // ends with a zero
  char version_text[32];
  SectionPlace sections[16];  // by Section; zeros behind section_count
  uint64_t segment_bytes;  // of a segment of the journal; 0: there is no journal
  uint64_t beat;           // BeatOf
  // Zeros until the journal is degraded; then the text comes first, the time behind it.
  uint64_t degraded_since_ns;  // CLOCK_REALTIME
  char degraded_why[1024];     // ends with a zero
};
static_assert(sizeof(CountersHeader) <= 4096 && kSectionCount <= 16);
static_assert(offsetof(CountersHeader, beat) % 8 == 0);

inline constexpr size_t kCounterValuesOffset = 4096;
// Where this version's broker puts them.
constexpr SectionPlace PlaceOf(Section section) {
  constexpr uint32_t kElements[kSectionCount][2] = {
      {kCounterCount, 8},
      {kRequestKindCount, 8},
      {kRefusalReasonCount, 8},
      {kLatencyCount, sizeof(Histogram)},
      {kSizeCount, sizeof(Histogram)},
      {kSessionRowCount, sizeof(SessionRow)},
      {kChunkCount, sizeof(LatencyChunk)},
      {kGroupRowCount, sizeof(GroupRow)},
      {kObjectiveRowCount, sizeof(ObjectiveRow)},
      {kBaselineRowCount, sizeof(BaselineRow)},
  };
  SectionPlace place{kCounterValuesOffset, 0, 0, 0};
  for (size_t i = 0;; ++i) {
    place.count = kElements[i][0];
    place.stride = kElements[i][1];
    if (i == static_cast<size_t>(section)) return place;
    place.offset =
        static_cast<uint32_t>(AlignUp(place.offset + uint64_t{place.count} * place.stride, 64));
  }
}
inline constexpr size_t kCountersBytes =
    PlaceOf(Section::kBaselines).offset + kBaselineRowCount * sizeof(BaselineRow);
static_assert(kCountersBytes <= 3 << 20, "3 MiB, as it says above");

}  // namespace roost

#endif  // ROOST_IPC_COUNTERS_FORMAT_H_
