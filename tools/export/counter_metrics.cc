#include "tools/export/counter_metrics.h"

#include "base/check.h"

namespace roost {

// No default: a counter that is new in the format asks for its line here.
std::optional<CounterMetric> MetricOf(Counter counter) {
  using enum Counter;
  switch (counter) {
    case kRequests:         // roost_requests_total, by kind
    case kRequestsRefused:  // roost_requests_refused_total, by reason
    case kSessionRows:      // how large a table is, which says nothing of the broker
    case kGroupRows:
    case kLatencyChunks:
    case kCount:
      return std::nullopt;

    case kEventsAppended:
      return {{"roost_events_appended_total", "Events appended"}};
    case kBytesAppended:
      return {{"roost_appended_bytes_total", "Bytes appended: records, with their headers"}};
    case kBatchesAppended:
      return {{"roost_batches_appended_total", "Batches of clients appended"}};
    case kCommits:
      return {{"roost_commits_total", "Turns in which events were journaled and published"}};
    case kConflicts:
      return {{"roost_conflicts_total", "Appends whose expected revision was another one"}};
    case kDuplicates:
      return {{"roost_duplicates_total", "Answers that were repeated, and ids seen before"}};
    case kSessions:
      return {{"roost_sessions", "Sessions attached now"}};
    case kSessionsTotal:
      return {{"roost_sessions_attached_total", "Sessions that were attached"}};
    case kWaits:
      return {{"roost_waits", "Waits for events that are registered now"}};
    case kWakeups:
      return {{"roost_wakeups_total", "Wake-ups sent to clients that waited"}};
    case kJournalSyncs:
      return {{"roost_journal_syncs_total", "fdatasync calls on the journal"}};
    case kJournalBytes:
      return {{"roost_journal_bytes", "Bytes of the journal in the data directory"}};
    case kDegraded:
      return {{"roost_degraded", "1 if a write to the journal failed: nothing is acknowledged"}};
    case kHead:
      return {{"roost_head_sequence", "Sequence of the newest event"}};
    case kStreams:
      return {{"roost_streams", "Streams known"}};
    case kSessionsUnplaced:
      return {{"roost_sessions_unplaced_total", "Sessions that found no row in the counters"}};
    case kLatenciesUnplaced:
      return {{"roost_session_latencies_unplaced_total",
               "Durations that found no room in the counters of their session"}};
    case kGroups:
      return {{"roost_groups", "Groups"}};
    case kLeases:
      return {{"roost_leases", "Claims held"}};
    case kLeaseKeys:
      return {{"roost_lease_keys", "Keys of the claims held"}};
    case kRequestsWaiting:
      return {{"roost_requests_waiting", "Claims, takes and validations that wait"}};
    case kEventsTaken:
      return {{"roost_events_taken", "Events of groups in consumers' hands or given back"}};
    case kEventsParked:
      return {{"roost_events_parked", "Events of groups put aside"}};
    case kWakerOvertaken:
      return {{"roost_waker_overtaken_total", "Times when everybody who waits had to be woken"}};
    case kDiskFreeBytes:
      return {{"roost_disk_free_bytes", "Free for the broker on the disk of the data directory"}};
    case kDiskTotalBytes:
      return {{"roost_disk_size_bytes", "Size of the disk of the data directory"}};
    case kDiskBytesPerSecond:
      return {{"roost_disk_fill_bytes_per_second", "How fast that disk filled lately"}};
    case kDiskLookedNs:
      return {{"roost_disk_age_seconds", "How old the figures of the disk are", Shown::kAge}};
    case kDiskFullSinceNs:
      return {{"roost_disk_full", "1 while events are refused since the disk is full",
               Shown::kNotZero}};
    case kJournalSyncBeganNs:
      return {{"roost_journal_sync_age_seconds", "How long the fdatasync under way has taken",
               Shown::kAge}};
    case kClientReports:
      return {{"roost_client_reports_total", "Reports of clients on their own work"}};
    case kClientCacheHits:
      return {{"roost_client_cache_hits_total", "Calls answered from the clients' caches"}};
    case kClientCacheMisses:
      return {{"roost_client_cache_misses_total", "Calls that the clients' caches did not have"}};
    case kClientReadersOvertaken:
      return {{"roost_client_readers_overtaken_total",
               "Reads of clients that found the ring gone on and turned to the journal"}};
    case kClientLatenciesLost:
      return {{"roost_client_latencies_lost_total",
               "Durations that did not fit the reports of clients"}};
    case kClientReportsIgnored:
      return {{"roost_client_reports_ignored_total", "Reports of clients that said what can't be"}};
    case kNewcomers:
      return {{"roost_newcomers", "Connections that have not attached yet"}};
    case kWakerQueue:
      return {{"roost_waker_queue_length", "Waits and cancellations that the waker has to take"}};
    case kLibrarianQueue:
      return {{"roost_librarian_queue_length", "Segments that are asked for"}};
    case kExaminations:
      return {{"roost_examinations", "Questions that the examiner has not done"}};
    case kOwnEventsWaiting:
      return {
          {"roost_own_events_waiting", "The broker's own events that wait for room in the log"}};
    case kObjectives:
      return {{"roost_sla_objectives", "Objectives that are judged"}};
    case kObjectivesBreached:
      return {{"roost_sla_objectives_breached", "Objectives that are not met now"}};
    case kBaselines:
      return {{"roost_baselines", "Latencies and rates that are learned"}};
    case kBaselinesShifted:
      return {{"roost_baselines_shifted", "Those of them that are not what they were"}};
    case kJudgedNs:
      return {{"roost_judged_timestamp_seconds",
               "When objectives and baselines were last judged, since 1970; 0: never",
               Shown::kTime}};
  }
  ROOST_CHECK(false, "counter={}", static_cast<uint32_t>(counter));
}

bool IsOfDisk(Counter counter) {
  return counter == Counter::kDiskFreeBytes || counter == Counter::kDiskTotalBytes ||
         counter == Counter::kDiskBytesPerSecond || counter == Counter::kDiskLookedNs;
}

CounterMetric MetricOf(SessionCounter counter) {
  using enum SessionCounter;
  switch (counter) {
    case kRequests:
      return {"roost_session_requests_total", "Requests of the session"};
    case kEvents:
      return {"roost_session_events_appended_total", "Events that it appended"};
    case kBytes:
      return {"roost_session_appended_bytes_total", "Bytes of their records"};
    case kRefused:
      return {"roost_session_requests_refused_total", "Requests of it that were refused"};
    case kLastRequestNs:
      return {"roost_session_last_request_timestamp_seconds",
              "When its last request came, since 1970; 0: none did"};
    case kCacheHits:
      return {"roost_session_cache_hits_total", "Calls answered from its own cache"};
    case kCacheMisses:
      return {"roost_session_cache_misses_total", "Calls that its cache did not have"};
    case kOvertaken:
      return {"roost_session_readers_overtaken_total", "Reads of it that found the ring gone on"};
    case kLatenciesUnplaced:
      return {"roost_session_durations_unplaced_total", "Durations of it that are not counted"};
    case kLaneRequests:
      return {"roost_session_lane_requests_total", "Requests of it that came through its lane"};
    case kCount:
      break;
  }
  ROOST_CHECK(false, "counter={}", static_cast<uint32_t>(counter));
}

CounterMetric MetricOf(GroupCounter counter) {
  using enum GroupCounter;
  switch (counter) {
    case kHead:
      return {"roost_group_head_revision", "Revision of the group's stream"};
    case kCheckpoint:
      return {"roost_group_checkpoint_revision", "All events up to here are settled or parked"};
    case kNext:
      return {"roost_group_next_revision", "What is handed out next"};
    case kTaken:
      return {"roost_group_taken", "Events in consumers' hands"};
    case kReturned:
      return {"roost_group_returned", "Events that wait to be handed out again"};
    case kParked:
      return {"roost_group_parked", "Events put aside"};
    case kConsumers:
      return {"roost_group_consumers", "Sessions that hold events of it"};
    case kCount:
      break;
  }
  ROOST_CHECK(false, "counter={}", static_cast<uint32_t>(counter));
}

}  // namespace roost
