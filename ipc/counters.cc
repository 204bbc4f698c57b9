#include "ipc/counters_format.h"

namespace roost {

const char* CounterName(Counter counter) {
  switch (counter) {
    case Counter::kEventsAppended: return "events_appended";
    case Counter::kBytesAppended: return "bytes_appended";
    case Counter::kBatchesAppended: return "batches_appended";
    case Counter::kCommits: return "commits";
    case Counter::kRequests: return "requests";
    case Counter::kRequestsRefused: return "requests_refused";
    case Counter::kConflicts: return "conflicts";
    case Counter::kDuplicates: return "duplicates";
    case Counter::kSessions: return "sessions";
    case Counter::kSessionsTotal: return "sessions_total";
    case Counter::kWaits: return "waits";
    case Counter::kWakeups: return "wakeups";
    case Counter::kJournalSyncs: return "journal_syncs";
    case Counter::kJournalBytes: return "journal_bytes";
    case Counter::kDegraded: return "degraded";
    case Counter::kHead: return "head";
    case Counter::kStreams: return "streams";
    case Counter::kCount: break;
  }
  return "?";
}

const char* LatencyName(Latency latency) {
  switch (latency) {
    case Latency::kAppend: return "append";
    case Latency::kJournalWrite: return "journal_write";
    case Latency::kJournalSync: return "journal_sync";
    case Latency::kCount: break;
  }
  return "?";
}

}  // namespace roost
