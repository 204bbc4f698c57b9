#include "broker/sweeper.h"

#include <sys/resource.h>
#include <sys/statvfs.h>

#include <algorithm>

#include "base/clock.h"
#include "broker/folded_state.h"
#include "broker/logging.h"

namespace roost {
namespace {

// Every ten seconds, and while the journal grows (Ring) as often as once a second.
constexpr uint64_t kDiskIntervalNs = 10 * kNsPerSecond;
constexpr uint64_t kDiskIntervalNsMin = kNsPerSecond;
constexpr uint64_t kMarkIntervalNs = 60 * kNsPerSecond;
constexpr int kNice = 10;

// An age is counted in seconds.
uint64_t IntervalOf(const LogOptions& options) {
  if (options.retain_age_ns == 0) return kDiskIntervalNs;
  return std::clamp(options.retain_age_ns / 8, kNsPerSecond / 4, 10 * kNsPerSecond);
}

}  // namespace

Sweeper::Sweeper(LogWriter* log, CountersWriter* counters)
    : log_(log),
      counters_(counters),
      retains_(log->options().retain_bytes != 0 || log->options().retain_age_ns != 0),
      interval_ns_(IntervalOf(log->options())) {}

Sweeper::~Sweeper() { loop_.Stop(); }

void Sweeper::Ring() {
  rung_.store(true, std::memory_order_release);
  loop_.Ring();
}

void Sweeper::Work() {
  if (!is_polite_) {
    // Of this thread alone, as Linux has it. It may be refused; then it is only less polite.
    (void)::setpriority(PRIO_PROCESS, 0, kNice);
    is_polite_ = true;
  }
  rung_.store(false, std::memory_order_release);
  if (retains_) Sweep();
  KeepRunningTime();
  LookAtDisk();
  due_ns_ = MonotonicNs() + interval_ns_;
  if (look_is_due_) due_ns_ = std::min(due_ns_, looked_at_disk_ns_ + kDiskIntervalNsMin);
}

void Sweeper::Sweep() {
  const auto round = log_->Retain([] { return std::make_unique<FoldedState>(); });
  if (!round.ok()) {
    if (round.status().message() == last_failure_) return;
    last_failure_ = round.status().message();
    Log(LogLevel::kError, "no old events are deleted: {}", last_failure_);
    return;
  }
  last_failure_.clear();
  if (round->segments > 0) {
    Log(LogLevel::kInfo, "deleted {} segments of {} bytes; event {} is the oldest now",
        round->segments, round->bytes, round->oldest);
    rung_.store(true, std::memory_order_release);  // the new checkpoint may be larger than the last
  }
}

// The marks have it, and need a sync also while nothing is appended.
void Sweeper::KeepRunningTime() {
  const uint64_t now_ns = MonotonicNs();
  if (log_->options().retain_age_ns == 0 || now_ns < kept_time_ns_ + kMarkIntervalNs) return;
  kept_time_ns_ = now_ns;
  if (const Status ignored = log_->SyncJournal(); !ignored.ok()) return;  // the syncer tells
}

void Sweeper::LookAtDisk() {
  const uint64_t now_ns = MonotonicNs();
  look_is_due_ = looked_at_disk_ns_ != 0 && now_ns < looked_at_disk_ns_ + kDiskIntervalNsMin;
  if (look_is_due_) return;
  looked_at_disk_ns_ = now_ns;
  struct statvfs disk {};
  const std::string& directory = log_->options().directory;
  if (::statvfs(directory.c_str(), &disk) != 0) return;
  // As df counts: what only root may use is neither used nor free.
  const uint64_t used = disk.f_blocks - disk.f_bfree;
  const uint64_t usable = used + disk.f_bavail;
  counters_->Set(Counter::kDiskTotalBytes, usable * disk.f_frsize);
  counters_->Set(Counter::kDiskFreeBytes, disk.f_bavail * disk.f_frsize);
  counters_->Set(Counter::kDiskBytesPerSecond, disk_trend_.Add(now_ns, used * disk.f_frsize));
  counters_->Set(Counter::kDiskLookedNs, now_ns);
  const bool is_full = usable > 0 && used * 100 >= usable * kDiskWarningPercent;
  if (is_full && !warned_of_disk_) {
    Log(LogLevel::kWarning,
        "the disk of {} is {} % full: make room, or let the log keep less (--retain-bytes, "
        "--retain-age)",
        directory, used * 100 / usable);
  }
  warned_of_disk_ = is_full;
}

}  // namespace roost
