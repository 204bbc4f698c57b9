// How much one query may look at before it must answer. One thread.
#ifndef ROOST_CLIENT_SCAN_BUDGET_H_
#define ROOST_CLIENT_SCAN_BUDGET_H_

#include <cstdint>

#include "base/clock.h"

namespace roost {

class ScanBudget {
 public:
  ScanBudget(uint64_t bytes_max, uint64_t ns_max) : bytes_max_(bytes_max), ns_max_(ns_max) {}

  void Begin() {
    bytes_ = 0;
    ns_ = 0;
    Resume();
  }
  // Time counts between Resume and Pause alone: not while somebody fetches a segment.
  void Resume() {
    resumed_ns_ = MonotonicNs();
    steps_ = 0;
  }
  void Pause() { ns_ += MonotonicNs() - resumed_ns_; }

  void Charge(uint64_t bytes) { bytes_ += bytes; }

  // Called once for each event looked at.
  bool Spent() {
    if (bytes_ >= bytes_max_) return true;
    if (++steps_ % kStepsPerLook != 0) return false;
    return ns_ + (MonotonicNs() - resumed_ns_) >= ns_max_;
  }

 private:
  static constexpr uint32_t kStepsPerLook = 64;  // a look at the clock costs as much as an event

  uint64_t bytes_max_;
  uint64_t ns_max_;
  uint64_t bytes_ = 0;
  uint64_t ns_ = 0;
  uint64_t resumed_ns_ = 0;
  uint32_t steps_ = 0;
};

}  // namespace roost

#endif  // ROOST_CLIENT_SCAN_BUDGET_H_
