// Learns what one series of values (a median or a p99 of each minute, or a rate) usually is, and says when it has shifted for
// good, up or down, and when it is back. Pure; one thread; 10 KiB at most.
//
// A value counts by its rank among what was learned, never by its size: whatever the noise is like, its rank lies anywhere
// between 0 and 1 alike, and one outlier weighs no more than another. A CUSUM adds the ranks up:
//
//   up   := max(0, up + rank - 1/2 - kSlack)          and the same downwards with 1 - rank
//   up > kThreshold, and the median of the last kRecent values is kRatioMin times the usual one or more: it has shifted
//
// With values that do not depend on each other that takes more than 10^15 of them on the average by mere chance (the average run
// length, computed in tests/broker/shift_detector_test.cc; the rule of the ratio only makes it longer), and 21 where each is above
// all that was learned. Values of a real machine do depend on each other, which is why so much is asked; the same test tries
// recorded ones too: docs/monitoring.md has the figures.
//
// What was just seen is not learned before kHeldBack values have come after it, and never while it has shifted, so that a shift
// can't teach that it is usual. After kAdoptedAfter values it is the new usual. It judges from kNeeded values on.
#ifndef ROOST_BROKER_SLA_SHIFT_DETECTOR_H_
#define ROOST_BROKER_SLA_SHIFT_DETECTOR_H_

#include <cstdint>
#include <deque>

#include "broker/sla/baseline_sketch.h"
#include "ipc/counters_format.h"

namespace roost {

class ShiftDetector {
 public:
  static constexpr double kSlack = 0.25;
  static constexpr double kThreshold = 5.0;
  static constexpr size_t kRecent = 15;
  static constexpr size_t kHeldBack = 60;
  static constexpr uint64_t kNeeded = 240;
  static constexpr uint64_t kAdoptedAfter = 1'440;
  static constexpr double kRatioEnd = 1.1;

  enum class Change { kNone, kShifted, kBack, kAdopted };

  // `ratio_min`: smaller shifts are none.
  explicit ShiftDetector(double ratio_min = 1.25) : ratio_min_(ratio_min) {}

  // The next value; `wall_ns` is CLOCK_REALTIME.
  Change Add(uint64_t value, uint64_t wall_ns);

  BaselineState state() const { return state_; }
  uint64_t since_ns() const { return since_ns_; }  // CLOCK_REALTIME
  bool shifted() const { return state_ == BaselineState::kUp || state_ == BaselineState::kDown; }
  uint64_t usual() const { return learned_.count() == 0 ? 0 : learned_.Median(); }
  uint64_t current() const { return current_; }  // the median of the last kRecent
  double ratio() const;                          // of current to usual
  uint64_t learned() const { return learned_.count(); }
  uint64_t shifts() const { return shifts_; }  // ever said

  // What is kept across restarts; what was held back is not learned.
  const BaselineSketch& sketch() const { return learned_; }
  // `state`: kUp, kDown, or anything else.
  void Restore(BaselineSketch sketch, BaselineState state, uint64_t since_ns);

 private:
  Change JudgeSteady(uint64_t value, uint64_t wall_ns);
  Change JudgeShifted(uint64_t wall_ns);
  void Become(BaselineState state, uint64_t wall_ns);
  void SetCurrent();

  const double ratio_min_;
  BaselineSketch learned_;
  std::deque<uint64_t> held_back_;  // the newest values, newest last
  BaselineState state_ = BaselineState::kLearning;
  uint64_t since_ns_ = 0;
  uint64_t current_ = 0;
  double up_ = 0;
  double down_ = 0;
  uint64_t shifted_for_ = 0;  // values
  uint64_t shifts_ = 0;
};

}  // namespace roost

#endif  // ROOST_BROKER_SLA_SHIFT_DETECTOR_H_
