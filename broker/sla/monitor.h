// The thread that judges the broker: it looks at the counters that the others write anyway, once a second at most and while
// something is asked; keeps the objectives (objective_board.h) and the baselines (baseline_board.h); says what changes in $sla,
// shows all of it in the counters file, and writes down what must outlive the broker (monitor_state.h). When nothing is asked any
// more it sleeps until a window slides on, and for good when all are empty.
//
// `health` is measured here: how long it takes to open and read the counters file and to judge by it, which is what
// `roost health` does but for looking at the process.
//
// Begin: before the loop runs. OnWork: the sequencer. mailbox().Deliver: the sequencer. End: when the loop has stopped. Writes the
// counters from kObjectives to kJudgedNs and the rows behind them.
#ifndef ROOST_BROKER_SLA_MONITOR_H_
#define ROOST_BROKER_SLA_MONITOR_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/counters_writer.h"
#include "broker/sla/baseline_board.h"
#include "broker/sla/down_watch.h"
#include "broker/sla/histogram_tap.h"
#include "broker/sla/mailbox.h"
#include "broker/sla/monitor_state.h"
#include "broker/sla/objective_board.h"
#include "broker/worker_loop.h"

namespace roost {

// What is known of the broker before this one, times on CLOCK_REALTIME.
struct LastLife {
  bool ended_cleanly = true;
  uint64_t last_event_ns = 0;  // of the newest event; 0: there is none
  uint64_t last_sign_ns = 0;   // from the counters file that it left; 0: there is none of this boot
};

// From the counters file at `path` that a broker left when it died; 0: there is none, or none of this log and boot.
uint64_t LastSignIn(const std::string& path, const uint8_t* log_id);

class Monitor : private Worker {
 public:
  struct Parts {
    CountersWriter* counters;
    std::string counters_path;
    std::string state_path;  // empty: nothing is kept
    std::array<uint8_t, 16> log_id;
    bool learns = true;  // baselines
  };

  static constexpr uint64_t kTickNs = 1'000'000'000;
  static constexpr uint64_t kSaveNs = 600'000'000'000;

  Monitor(Parts parts, std::vector<ObjectiveSpec> objectives, const LastLife& last);
  ~Monitor() override;

  WorkerLoop& loop() { return loop_; }
  Mailbox& mailbox() { return mailbox_; }

  // Something was asked or committed; costs nothing to speak of.
  void OnWork();
  // The loop has stopped, and what the mailbox had is committed or never will be.
  void End();

 private:
  void Work() override;
  bool HasWork() override { return !is_scheduled_ && work_.load(std::memory_order_acquire); }
  uint64_t NextTimerNs() override { return due_ns_; }

  void Begin();
  void CountLastLife(uint64_t saved_ns);
  void Tick(uint64_t now_ns);
  void MeasureHealth(BucketCounts* durations);
  void LookForDown(uint64_t now_ns, const BucketCounts& writes);
  void Learn(const ObjectiveBoard::Moment& at);
  void Save();

  const Parts parts_;
  const LastLife last_;
  Mailbox mailbox_;
  ObjectiveBoard objectives_;
  std::optional<BaselineBoard> baselines_;
  DownTimes down_;
  DownWatch watch_;
  std::array<HistogramTap, kLatencyCount> taps_;
  std::array<BucketCounts, kLatencyCount + 1> durations_;  // since the last tick; health last
  std::array<uint64_t, BaselineBoard::kRateCount> counted_{};

  std::atomic<bool> work_{true};
  bool has_begun_ = false;
  bool is_scheduled_ = false;
  uint64_t due_ns_ = UINT64_MAX;
  uint64_t ticked_ns_ = 0;
  uint64_t saved_ns_ = 0;         // CLOCK_MONOTONIC
  uint64_t saved_committed_ = 0;  // events that were committed then
  bool save_failed_ = false;
  WorkerLoop loop_{this};
};

}  // namespace roost

#endif  // ROOST_BROKER_SLA_MONITOR_H_
