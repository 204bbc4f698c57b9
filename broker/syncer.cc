#include "broker/syncer.h"

#include "base/clock.h"
#include "broker/logging.h"

namespace roost {

Syncer::Syncer(LogWriter* log, CountersWriter* counters, uint64_t interval_ns)
    : log_(log), counters_(counters), interval_ns_(interval_ns) {
  counters_->Set(Counter::kJournalBytes, log_->journal_bytes());
}

Syncer::~Syncer() { loop_.Stop(); }

void Syncer::OnCommit() {
  if (!dirty_.exchange(true, std::memory_order_acq_rel)) loop_.Ring();
}

// What was committed is due an interval after it was noticed, not after the last sync.
bool Syncer::HasWork() { return due_ns_ == UINT64_MAX && dirty_.load(std::memory_order_acquire); }

void Syncer::Work() {
  if (HasWork()) due_ns_ = MonotonicNs() + interval_ns_;
  if (MonotonicNs() < due_ns_) return;
  due_ns_ = UINT64_MAX;
  // First clean, then sync: a commit during the sync makes it dirty again.
  dirty_.exchange(false, std::memory_order_acq_rel);
  Sync();
}

void Syncer::Sync() {
  const uint64_t begin_ns = MonotonicNs();
  counters_->Set(Counter::kJournalSyncBeganNs, begin_ns);
  const Status status = log_->SyncJournal();
  counters_->Set(Counter::kJournalSyncBeganNs, 0);
  counters_->Set(Counter::kJournalBytes, log_->journal_bytes());
  if (status.ok()) {
    counters_->Record(Latency::kJournalSync, MonotonicNs() - begin_ns);
    counters_->Add(Counter::kJournalSyncs);
  } else if (!failed_) {
    failed_ = true;
    Log(LogLevel::kError,
        "the journal can't be synced, no event is taken until the broker is restarted: {}",
        status.message());
  }
}

}  // namespace roost
