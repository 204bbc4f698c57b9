// The counters: a small file beside the socket (`<socket without .sock>.counters`, 0444) which the broker
// alone writes and anybody reads with pread, also when the broker hangs or is dead.
//
//   0                 4096                              4096 + 8 * kCounterCount, rounded up to 64
//   +-----------------+---------------------------------+------------------------------------+
//   | CountersHeader  | uint64_t values[kCounterCount]  | Histogram[kHistogramCount]         |
//   +-----------------+---------------------------------+------------------------------------+
//
// Every value is one aligned word, written with relaxed stores by one thread of the broker each.
#ifndef ROOST_IPC_COUNTERS_FORMAT_H_
#define ROOST_IPC_COUNTERS_FORMAT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/histogram.h"

namespace roost {

inline constexpr uint64_t kCountersMagic = 0x314e554f43545352;  // "RSTCOUN1"
inline constexpr uint32_t kCountersVersion = 1;

// Order is the format: add at the end. Names as in `roost stat --json`.
enum class Counter : uint32_t {
  kEventsAppended,      // events_appended
  kBytesAppended,       // bytes_appended: records, with headers
  kBatchesAppended,     // batches_appended: client batches
  kCommits,             // commits: journal writes
  kRequests,            // requests
  kRequestsRefused,     // requests_refused
  kConflicts,           // conflicts
  kDuplicates,          // duplicates: answers repeated, and ids seen before
  kSessions,            // sessions: attached now
  kSessionsTotal,       // sessions_total
  kWaits,               // waits: registered now
  kWakeups,             // wakeups
  kJournalSyncs,        // journal_syncs
  kJournalBytes,        // journal_bytes: in the data directory
  kDegraded,            // degraded: 0 or 1
  kHead,                // head
  kStreams,             // streams
  kCount,
};
inline constexpr size_t kCounterCount = static_cast<size_t>(Counter::kCount);
const char* CounterName(Counter counter);

enum class Latency : uint32_t {
  kAppend,        // append: request received to answer sent, ns
  kJournalWrite,  // journal_write
  kJournalSync,   // journal_sync
  kCount,
};
inline constexpr size_t kLatencyCount = static_cast<size_t>(Latency::kCount);
const char* LatencyName(Latency latency);

struct CountersHeader {
  uint64_t magic;
  uint32_t version;
  uint32_t broker_pid;
  uint8_t log_id[16];
  uint64_t started_ns;   // CLOCK_REALTIME
  uint32_t counter_count;
  uint32_t latency_count;
  uint32_t durability;
  uint32_t reserved;
  char data_directory[512];  // ends with a zero
  char version_text[32];
  // Zeros until the journal is degraded; then the text comes first, the time behind it.
  uint64_t degraded_since_ns;  // CLOCK_REALTIME
  char degraded_why[1024];     // ends with a zero
};
static_assert(sizeof(CountersHeader) <= 4096);

inline constexpr size_t kCounterValuesOffset = 4096;
inline constexpr size_t kHistogramsOffset = AlignUp(kCounterValuesOffset + 8 * kCounterCount, 64);
inline constexpr size_t kCountersBytes = kHistogramsOffset + kLatencyCount * sizeof(Histogram);

}  // namespace roost

#endif  // ROOST_IPC_COUNTERS_FORMAT_H_
