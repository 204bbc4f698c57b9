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
    case Counter::kSessionRows: return "session_rows";
    case Counter::kSessionsUnplaced: return "sessions_unplaced";
    case Counter::kLatenciesUnplaced: return "latencies_unplaced";
    case Counter::kGroups: return "groups";
    case Counter::kGroupRows: return "group_rows";
    case Counter::kLeases: return "leases";
    case Counter::kLeaseKeys: return "lease_keys";
    case Counter::kRequestsWaiting: return "requests_waiting";
    case Counter::kEventsTaken: return "events_taken";
    case Counter::kEventsParked: return "events_parked";
    case Counter::kWakerOvertaken: return "waker_overtaken";
    case Counter::kDiskFreeBytes: return "disk_free_bytes";
    case Counter::kDiskTotalBytes: return "disk_total_bytes";
    case Counter::kDiskBytesPerSecond: return "disk_bytes_per_second";
    case Counter::kDiskLookedNs: return "disk_looked_ns";
    case Counter::kDiskFullSinceNs: return "disk_full_since_ns";
    case Counter::kJournalSyncBeganNs: return "journal_sync_began_ns";
    case Counter::kClientReports: return "client_reports";
    case Counter::kClientCacheHits: return "client_cache_hits";
    case Counter::kClientCacheMisses: return "client_cache_misses";
    case Counter::kClientReadersOvertaken: return "client_readers_overtaken";
    case Counter::kClientLatenciesLost: return "client_latencies_lost";
    case Counter::kClientReportsIgnored: return "client_reports_ignored";
    case Counter::kLatencyChunks: return "latency_chunks";
    case Counter::kNewcomers: return "newcomers";
    case Counter::kWakerQueue: return "waker_queue";
    case Counter::kLibrarianQueue: return "librarian_queue";
    case Counter::kExaminations: return "examinations";
    case Counter::kOwnEventsWaiting: return "own_events_waiting";
    case Counter::kObjectives: return "objectives";
    case Counter::kObjectivesBreached: return "objectives_breached";
    case Counter::kBaselines: return "baselines";
    case Counter::kBaselinesShifted: return "baselines_shifted";
    case Counter::kJudgedNs: return "judged_ns";
    case Counter::kCount: break;
  }
  return "?";
}

bool IsGauge(Counter counter) {
  switch (counter) {
    case Counter::kSessions:
    case Counter::kWaits:
    case Counter::kJournalBytes:
    case Counter::kDegraded:
    case Counter::kHead:
    case Counter::kStreams:
    case Counter::kSessionRows:
    case Counter::kGroups:
    case Counter::kGroupRows:
    case Counter::kLeases:
    case Counter::kLeaseKeys:
    case Counter::kRequestsWaiting:
    case Counter::kEventsTaken:
    case Counter::kEventsParked:
    case Counter::kDiskFreeBytes:
    case Counter::kDiskTotalBytes:
    case Counter::kDiskBytesPerSecond:
    case Counter::kDiskLookedNs:
    case Counter::kDiskFullSinceNs:
    case Counter::kJournalSyncBeganNs:
    case Counter::kLatencyChunks:
    case Counter::kNewcomers:
    case Counter::kWakerQueue:
    case Counter::kLibrarianQueue:
    case Counter::kExaminations:
    case Counter::kOwnEventsWaiting:
    case Counter::kObjectives:
    case Counter::kObjectivesBreached:
    case Counter::kBaselines:
    case Counter::kBaselinesShifted:
    case Counter::kJudgedNs:
      return true;
    default:
      return false;
  }
}

const char* RequestKindName(RequestKind kind) {
  switch (kind) {
    case RequestKind::kAppend: return "append";
    case RequestKind::kClaim: return "claim";
    case RequestKind::kRelease: return "release";
    case RequestKind::kTake: return "take";
    case RequestKind::kSettle: return "settle";
    case RequestKind::kValidate: return "validate";
    case RequestKind::kDecide: return "decide";
    case RequestKind::kWait: return "wait";
    case RequestKind::kAttach: return "attach";
    case RequestKind::kCancel: return "cancel";
    case RequestKind::kFindSegment: return "find_segment";
    case RequestKind::kList: return "list";
    case RequestKind::kManage: return "manage";
    case RequestKind::kActive: return "active";
    case RequestKind::kOther: return "other";
    case RequestKind::kLane: return "lane";
    case RequestKind::kCount: break;
  }
  return "?";
}

const char* RefusalReasonName(size_t reason) {
  static constexpr const char* kNames[kRefusalReasonCount] = {
      "invalid",          "too_large", "id_reused", "incompatible", "not_allowed",
      "too_many_streams", "too_old",   "busy",      "full",         "degraded",
      "shutting_down"};
  return reason < kRefusalReasonCount ? kNames[reason] : "?";
}

const char* LatencyName(Latency latency) {
  switch (latency) {
    case Latency::kJournalWrite: return "journal_write";
    case Latency::kJournalSync: return "journal_sync";
    case Latency::kClientRead: return "client_read";
    case Latency::kClientAppend: return "client_append";
    case Latency::kClientValidate: return "client_validate";
    case Latency::kCount: return "?";
    default: return RequestKindName(static_cast<RequestKind>(latency));
  }
}

const char* SizeName(Size size) {
  switch (size) {
    case Size::kEventsPerCommit: return "events_per_commit";
    case Size::kRequestsPerTurn: return "requests_per_turn";
    case Size::kCount: break;
  }
  return "?";
}

const char* SessionLatencyName(SessionLatency latency) {
  switch (latency) {
    case SessionLatency::kRequests: return "requests";
    case SessionLatency::kReads: return "reads";
    case SessionLatency::kAppends: return "appends";
    case SessionLatency::kCount: break;
  }
  return "?";
}

const char* SessionCounterName(SessionCounter counter) {
  switch (counter) {
    case SessionCounter::kRequests: return "requests";
    case SessionCounter::kEvents: return "events";
    case SessionCounter::kBytes: return "bytes";
    case SessionCounter::kRefused: return "refused";
    case SessionCounter::kLastRequestNs: return "last_request_ns";
    case SessionCounter::kCacheHits: return "cache_hits";
    case SessionCounter::kCacheMisses: return "cache_misses";
    case SessionCounter::kOvertaken: return "overtaken";
    case SessionCounter::kLatenciesUnplaced: return "latencies_unplaced";
    case SessionCounter::kLaneRequests: return "lane_requests";
    case SessionCounter::kCount: break;
  }
  return "?";
}

const char* GroupCounterName(GroupCounter counter) {
  switch (counter) {
    case GroupCounter::kHead: return "head";
    case GroupCounter::kCheckpoint: return "checkpoint";
    case GroupCounter::kNext: return "next";
    case GroupCounter::kTaken: return "taken";
    case GroupCounter::kReturned: return "returned";
    case GroupCounter::kParked: return "parked";
    case GroupCounter::kConsumers: return "consumers";
    case GroupCounter::kCount: break;
  }
  return "?";
}

const char* ObjectiveStateName(ObjectiveState state) {
  switch (state) {
    case ObjectiveState::kNotJudged: return "not_judged";
    case ObjectiveState::kMet: return "met";
    case ObjectiveState::kBreached: return "breached";
    case ObjectiveState::kCount: break;
  }
  return "?";
}

const char* ObjectiveKindName(ObjectiveKind kind) {
  switch (kind) {
    case ObjectiveKind::kLatency: return "latency";
    case ObjectiveKind::kAvailability: return "availability";
    case ObjectiveKind::kCount: break;
  }
  return "?";
}

const char* BaselineStateName(BaselineState state) {
  switch (state) {
    case BaselineState::kLearning: return "learning";
    case BaselineState::kSteady: return "steady";
    case BaselineState::kUp: return "up";
    case BaselineState::kDown: return "down";
  }
  return "?";
}

}  // namespace roost
