#include "broker/sla/monitor.h"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <utility>

#include "base/clock.h"
#include "broker/logging.h"
#include "ipc/broker_health.h"
#include "schemas/control_generated.h"

namespace roost {
namespace {

// When this boot began, CLOCK_REALTIME.
uint64_t BootNs() {
  timespec up{};
  ::clock_gettime(CLOCK_BOOTTIME, &up);
  const uint64_t up_ns =
      static_cast<uint64_t>(up.tv_sec) * kNsPerSecond + static_cast<uint64_t>(up.tv_nsec);
  const uint64_t now_ns = WallNs();
  return now_ns > up_ns ? now_ns - up_ns : 0;
}

uint64_t RefusedByBroker(const CountersWriter& counters) {
  return counters.GetRefused(static_cast<size_t>(wire::RefusalCode::Full)) +
         counters.GetRefused(static_cast<size_t>(wire::RefusalCode::Degraded));
}

}  // namespace

uint64_t LastSignIn(const std::string& path, const uint8_t* log_id) {
  const auto left = ReadCounters(path, CountersDetail::kValues);
  if (!left.ok() || std::memcmp(left->log_id.data(), log_id, left->log_id.size()) != 0) return 0;
  if (left->started_ns < BootNs()) return 0;
  const uint64_t sign_ns = std::max(left->beat.at_ns, (*left)[Counter::kDiskLookedNs]);
  const uint64_t now_ns = MonotonicNs();
  if (sign_ns > now_ns) return 0;
  return std::max(WallNs() - (now_ns - sign_ns), left->started_ns);
}

Monitor::Monitor(Parts parts, std::vector<ObjectiveSpec> objectives, const LastLife& last)
    : parts_(std::move(parts)), last_(last), objectives_(std::move(objectives), &mailbox_) {
  if (parts_.learns) baselines_.emplace(&mailbox_);
  objectives_.Name(parts_.counters);
  objectives_.Show(parts_.counters);
  if (!baselines_) return;
  baselines_->Name(parts_.counters);
  baselines_->Show(parts_.counters);
}

Monitor::~Monitor() { loop_.Stop(); }

void Monitor::OnWork() {
  if (!work_.exchange(true, std::memory_order_acq_rel)) loop_.Ring();
}

void Monitor::Work() {
  if (!has_begun_) Begin();
  const uint64_t now_ns = MonotonicNs();
  if (HasWork()) {
    is_scheduled_ = true;
    // Not in the past: whoever is late is taken for one that stood still.
    due_ns_ = std::min(due_ns_, std::max(ticked_ns_ + kTickNs, now_ns));
  }
  if (now_ns < due_ns_) return;
  is_scheduled_ = false;
  work_.exchange(false, std::memory_order_acq_rel);
  Tick(now_ns);
}

void Monitor::Begin() {
  has_begun_ = true;
  const uint64_t now_ns = MonotonicNs();
  ticked_ns_ = saved_ns_ = now_ns;
  MonitorState state;
  if (!parts_.state_path.empty()) {
    Result<MonitorState> loaded = LoadMonitorState(parts_.state_path, parts_.log_id.data());
    if (loaded.ok()) {
      state = *std::move(loaded);
    } else if (loaded.status().code() != StatusCode::kNotFound) {
      Log(LogLevel::kWarning, "{} can't be used, baselines are learned anew: {}", parts_.state_path,
          loaded.status().message());
    }
  }
  const ObjectiveBoard::Moment at{now_ns, WallNs()};
  const int64_t to_monotonic = static_cast<int64_t>(now_ns) - static_cast<int64_t>(at.wall_ns);
  for (const DownTime& one : state.down) {
    down_.Add({one.begin_ns + to_monotonic, std::min(one.end_ns + to_monotonic,
                                                     static_cast<int64_t>(now_ns))});
  }
  CountLastLife(state.saved_ns);
  objectives_.Restore(state.breaches, at);
  if (baselines_) baselines_->Restore(std::move(state.baselines));
  // Lest the next death take this one's time with it.
  if (!last_.ended_cleanly) Save();
}

// Between its last sign of life and now it was down, if it did not end by itself.
void Monitor::CountLastLife(uint64_t saved_ns) {
  const uint64_t sign_ns = std::max({last_.last_event_ns, last_.last_sign_ns, saved_ns});
  const uint64_t wall_ns = WallNs();
  if (last_.ended_cleanly || sign_ns == 0 || sign_ns >= wall_ns) return;
  const auto now = static_cast<int64_t>(MonotonicNs());
  down_.Add({now - static_cast<int64_t>(wall_ns - sign_ns), now});
}

void Monitor::Tick(uint64_t now_ns) {
  const ObjectiveBoard::Moment at{now_ns, WallNs()};
  for (size_t i = 0; i < kLatencyCount; ++i) {
    durations_[i] = taps_[i].Take(parts_.counters->Get(static_cast<Latency>(i)));
  }
  durations_[kHealthLatency].clear();
  if (objectives_.Wants(kHealthLatency)) MeasureHealth(&durations_[kHealthLatency]);
  LookForDown(now_ns, durations_[static_cast<size_t>(Latency::kJournalWrite)]);
  // A breach is on the disk before it is told.
  const bool must_tell = objectives_.Judge(at, durations_, down_);
  if (must_tell) Save();
  objectives_.TellBreaches();
  objectives_.Show(parts_.counters);
  if (baselines_) Learn(at);
  parts_.counters->Set(Counter::kJudgedNs, at.wall_ns);
  if (now_ns >= saved_ns_ + kSaveNs || mailbox_.Committed() != saved_committed_) Save();
  ticked_ns_ = now_ns;
  due_ns_ = std::min(objectives_.NextDueNs(now_ns, down_),
                     baselines_ ? baselines_->NextDueNs() : UINT64_MAX);
  if (watch_.is_down()) due_ns_ = 0;
  due_ns_ = std::max(due_ns_, now_ns + kTickNs);
}

// What it takes is counted in the next second: this look has it already.
void Monitor::MeasureHealth(BucketCounts* durations) {
  const uint64_t begin_ns = MonotonicNs();
  const auto counters = ReadCounters(parts_.counters_path, CountersDetail::kValues);
  if (!counters.ok()) return;
  [[maybe_unused]] const Health health =
      JudgeHealth(*counters, ProcessState::kRuns, MonotonicNs(), HealthLimits());
  const size_t bucket = Histogram::IndexOf(MonotonicNs() - begin_ns);
  durations->push_back({static_cast<uint16_t>(bucket), 1});
}

void Monitor::LookForDown(uint64_t now_ns, const BucketCounts& writes) {
  BrokerSigns signs;
  signs.now_ns = now_ns;
  signs.wall_ns = WallNs();
  signs.due_ns = due_ns_ == UINT64_MAX ? 0 : due_ns_;
  signs.degraded_since_ns = parts_.counters->degraded_since_ns();
  signs.disk_full_since_ns = parts_.counters->Get(Counter::kDiskFullSinceNs);
  signs.beat = parts_.counters->GetBeat();
  signs.refused = RefusedByBroker(*parts_.counters);
  watch_.Look(signs, writes, &down_);
  down_.ForgetBefore(static_cast<int64_t>(now_ns) -
                     static_cast<int64_t>(objectives_.LongestWindowNs()));
}

void Monitor::Learn(const ObjectiveBoard::Moment& at) {
  std::array<uint64_t, BaselineBoard::kRateCount> more;
  for (size_t i = 0; i < more.size(); ++i) {
    const uint64_t count = parts_.counters->Get(BaselineBoard::kRates[i]);
    more[i] = count - std::exchange(counted_[i], count);
  }
  const bool was_judged = baselines_->Add({at.now_ns, at.wall_ns},
                                          std::span(durations_).first(kLatencyCount), more);
  if (was_judged) baselines_->Show(parts_.counters);
}

void Monitor::Save() {
  saved_ns_ = MonotonicNs();
  saved_committed_ = mailbox_.Committed();
  if (parts_.state_path.empty()) return;
  MonitorState state;
  state.saved_ns = WallNs();
  state.breaches = objectives_.Save();
  const int64_t to_wall = static_cast<int64_t>(state.saved_ns) - static_cast<int64_t>(saved_ns_);
  for (const DownTime& one : down_.intervals()) {
    state.down.push_back({one.begin_ns + to_wall, one.end_ns + to_wall});
  }
  if (baselines_) state.baselines = baselines_->Save();
  const Status saved = SaveMonitorState(parts_.state_path, state, parts_.log_id.data());
  if (!saved.ok() && !save_failed_) {
    Log(LogLevel::kWarning, "what was learned of latencies is not saved: {}", saved.message());
  }
  save_failed_ = !saved.ok();
}

void Monitor::End() {
  // A broker that lived too short for the loop: what it found would be lost, the last life's death with it.
  if (!has_begun_) Begin();
  Save();
}

}  // namespace roost
