// When to try to reach the broker again: after 50 ms, doubling to 1 s. And for how long an attachment that
// was lost is worth coming back to by itself: a restarted broker waits a moment for its sessions. One
// thread.
#ifndef ROOST_CLIENT_RECONNECT_SCHEDULE_H_
#define ROOST_CLIENT_RECONNECT_SCHEDULE_H_

#include <algorithm>
#include <cstdint>

#include "base/clock.h"

namespace roost {

class ReconnectSchedule {
 public:
  static constexpr uint64_t kDelayNsMin = 50 * kNsPerMs;
  static constexpr uint64_t kDelayNsMax = kNsPerSecond;
  static constexpr uint64_t kComeBackNs = 10 * kNsPerSecond;

  // An attachment was lost.
  void Lost(uint64_t now_ns) {
    come_back_until_ns_ = now_ns + kComeBackNs;
    delay_ns_ = kDelayNsMin;
    Failed(now_ns);
  }
  // An attempt failed.
  void Failed(uint64_t now_ns) {
    // A thousand clients lose their broker at once; they need not come back all in the same moment.
    const uint64_t spread_ns = (now_ns * 0x9E3779B97F4A7C15ull >> 40) % (delay_ns_ / 4);
    next_ns_ = now_ns + delay_ns_ + spread_ns;
    delay_ns_ = std::min(2 * delay_ns_, kDelayNsMax);
  }
  void Attached() {
    delay_ns_ = kDelayNsMin;
    next_ns_ = 0;
    come_back_until_ns_ = 0;
  }
  void GiveUp() { Attached(); }

  uint64_t next_ns() const { return next_ns_; }
  bool ComesBack(uint64_t now_ns) const { return now_ns < come_back_until_ns_; }

 private:
  uint64_t delay_ns_ = kDelayNsMin;
  uint64_t next_ns_ = 0;  // 0: at once
  uint64_t come_back_until_ns_ = 0;
};

}  // namespace roost

#endif  // ROOST_CLIENT_RECONNECT_SCHEDULE_H_
