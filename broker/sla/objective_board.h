// All objectives of a broker: what each window holds, who is breached, what is said of it in $sla and shown in the counters
// file. Pure but for those two; one thread; times as the caller has them.
//
// What outlives the broker (SavedBreach) is written down so that a breach that was told is ended for everybody who reads
// $sla, whenever the broker dies: a breach is saved before it is told, its end only after that was committed.
#ifndef ROOST_BROKER_SLA_OBJECTIVE_BOARD_H_
#define ROOST_BROKER_SLA_OBJECTIVE_BOARD_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "broker/counters_writer.h"
#include "broker/sla/down_times.h"
#include "broker/sla/keeper.h"
#include "broker/sla/monitor_sink.h"
#include "broker/sla/objective.h"

namespace roost {

struct SavedBreach {
  std::string objective;  // its text
  uint64_t since_ns = 0;  // CLOCK_REALTIME
  bool was_told = false;
};

class ObjectiveBoard {
 public:
  struct Moment {
    uint64_t now_ns = 0;   // CLOCK_MONOTONIC
    uint64_t wall_ns = 0;  // CLOCK_REALTIME
  };

  // `objectives`: at most kObjectivesMax. `sink` outlives this.
  ObjectiveBoard(std::vector<ObjectiveSpec> objectives, MonitorSink* sink);

  // Before the first Judge: what the last broker left open. An availability goes on; a latency is measured anew, so that its
  // breach ends; so does one that nobody wants any more.
  void Restore(std::span<const SavedBreach> breaches, const Moment& at);

  // Takes what was measured since the last time, by latency, kHealthLatency last. Returns whether a breach began that is not
  // told yet: save, then TellBreaches().
  bool Judge(const Moment& at, std::span<const BucketCounts> durations, const DownTimes& down);
  void TellBreaches();

  // When to judge though nothing new is measured: windows slide on. UINT64_MAX: they are empty.
  uint64_t NextDueNs(uint64_t now_ns, const DownTimes& down) const;
  // How far back DownTimes must reach.
  uint64_t LongestWindowNs() const { return longest_window_ns_; }
  // Whether anybody wants the durations of this one.
  bool Wants(size_t latency) const;

  std::vector<SavedBreach> Save() const;
  // Rows of objectives and the counters of them. Name() once, before the first Show.
  void Name(CountersWriter* counters) const;
  void Show(CountersWriter* counters) const;

 private:
  struct Kept {
    ObjectiveSpec spec;
    std::optional<LatencyWindow> window;  // of a latency
    Keeper keeper;
    Compliance compliance;
    uint64_t breached_ns = 0;  // CLOCK_REALTIME, of the last breach
    bool must_tell = false;
    uint64_t told = 0;   // the event that told of the breach; 0: not yet
    uint64_t ended = 0;  // that told of its end
  };
  struct Orphan {
    SavedBreach breach;
    uint64_t ended;
  };

  Compliance ComplianceOf(const Kept& kept, uint64_t now_ns, const DownTimes& down) const;
  void Tell(Kept& kept);
  void TellRecovered(Kept& kept, uint64_t wall_ns, std::string_view reason);

  std::vector<Kept> kept_;
  std::vector<Orphan> orphans_;  // breaches of objectives that nobody wants any more
  MonitorSink* const sink_;
  uint64_t longest_window_ns_ = 0;
};

}  // namespace roost

#endif  // ROOST_BROKER_SLA_OBJECTIVE_BOARD_H_
