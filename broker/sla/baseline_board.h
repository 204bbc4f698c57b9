// What the broker learns of itself: the median and the p99 of each latency, and how much is asked of it a second, minute by
// minute in which there was something to do; which of them has shifted, what is said of that in $sla and shown in the counters
// file. Pure but for those two; one thread; times as the caller has them.
#ifndef ROOST_BROKER_SLA_BASELINE_BOARD_H_
#define ROOST_BROKER_SLA_BASELINE_BOARD_H_

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "broker/counters_writer.h"
#include "broker/sla/monitor_sink.h"
#include "broker/sla/shift_detector.h"
#include "ipc/latency_snapshot.h"

namespace roost {

struct SavedBaseline {
  std::string name;
  BaselineState state = BaselineState::kLearning;
  uint64_t since_ns = 0;  // CLOCK_REALTIME
  BucketCounts counts;
};

class BaselineBoard {
 public:
  static constexpr uint64_t kMinuteNs = 60'000'000'000;
  // A minute with fewer says nothing of a median, or of a p99.
  static constexpr uint64_t kMedianOf = 20;
  static constexpr uint64_t kP99Of = 200;
  // What agents do changes more than how long it takes.
  static constexpr double kRateRatioMin = 1.5;

  static constexpr Counter kRates[] = {Counter::kRequests, Counter::kEventsAppended,
                                       Counter::kBytesAppended, Counter::kCommits};
  static constexpr size_t kRateCount = std::size(kRates);
  static constexpr size_t kSeriesCount = 2 * kLatencyCount + kRateCount;
  static_assert(kSeriesCount <= kBaselineRowCount);
  static std::string NameOf(size_t series);  // "append p50", "append p99", ..., "requests"

  struct Moment {
    uint64_t now_ns = 0;   // CLOCK_MONOTONIC
    uint64_t wall_ns = 0;  // CLOCK_REALTIME
  };

  explicit BaselineBoard(MonitorSink* sink);  // which outlives this

  // Unknown names are left out.
  void Restore(std::vector<SavedBaseline> baselines);
  std::vector<SavedBaseline> Save() const;

  // What was measured since the last time, by latency, and how much the kRates have grown. True: a minute has ended, and was
  // judged.
  bool Add(const Moment& at, std::span<const BucketCounts> durations,
           const std::array<uint64_t, kRateCount>& rates);
  // When the minute ends; UINT64_MAX: none has begun.
  uint64_t NextDueNs() const { return began_ns_ == 0 ? UINT64_MAX : began_ns_ + kMinuteNs; }

  // Rows of baselines and the counters of them. Name() once, before the first Show.
  void Name(CountersWriter* counters) const;
  void Show(CountersWriter* counters) const;

  const ShiftDetector& series(size_t index) const { return detectors_[index]; }

 private:
  void EndMinute(const Moment& at);
  void AddValue(size_t series, uint64_t value, uint64_t wall_ns);
  void TellBegan(size_t series);
  void TellEnded(size_t series, uint64_t since_ns, uint64_t wall_ns, std::string_view reason);

  MonitorSink* const sink_;
  std::vector<ShiftDetector> detectors_;  // one a series
  uint64_t began_ns_ = 0;                 // the minute; 0: nothing has happened since the last
  std::array<LatencySnapshot, kLatencyCount> durations_;
  std::array<uint64_t, kRateCount> rates_{};
};

}  // namespace roost

#endif  // ROOST_BROKER_SLA_BASELINE_BOARD_H_
