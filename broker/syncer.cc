#include "broker/syncer.h"

#include "base/clock.h"
#include "broker/logging.h"

namespace roost {

Syncer::Syncer(LogWriter* log, CountersWriter* counters, uint64_t interval_ns)
    : log_(log), counters_(counters), interval_ns_(interval_ns) {}

Syncer::~Syncer() { Stop(); }

void Syncer::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Syncer::Stop() {
  if (!thread_.joinable()) return;
  stopping_.store(true, std::memory_order_release);
  bell_.Ring();
  thread_.join();
}

void Syncer::OnCommit() {
  if (!dirty_.exchange(true, std::memory_order_acq_rel)) bell_.Ring();
}

void Syncer::Run() {
  counters_->Set(Counter::kJournalBytes, log_->journal_bytes());
  while (true) {
    SleepUntilCommit();
    SleepInterval();
    if (stopping_.load(std::memory_order_acquire)) return;  // Close() syncs what is left
    // First clean, then sync: a commit during the sync makes it dirty again.
    dirty_.exchange(false, std::memory_order_acq_rel);
    Sync();
  }
}

void Syncer::SleepUntilCommit() {
  while (!dirty_.load(std::memory_order_acquire) && !stopping_.load(std::memory_order_acquire)) {
    bell_.Arm();
    if (!dirty_.load(std::memory_order_acquire) && !stopping_.load(std::memory_order_acquire)) {
      bell_.Sleep();
    }
    bell_.Disarm();
  }
}

void Syncer::SleepInterval() {
  const uint64_t end_ns = MonotonicNs() + interval_ns_;
  for (uint64_t now_ns = MonotonicNs(); now_ns < end_ns; now_ns = MonotonicNs()) {
    bell_.Arm();
    if (!stopping_.load(std::memory_order_acquire)) bell_.Sleep(end_ns - now_ns);
    bell_.Disarm();
    if (stopping_.load(std::memory_order_acquire)) return;
  }
}

void Syncer::Sync() {
  const uint64_t begin_ns = MonotonicNs();
  const Status status = log_->SyncJournal();
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
