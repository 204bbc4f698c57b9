// Whether the sequencer looks on, spinning, before it sleeps. To be woken costs a request more than to be served, so it pays
// when requests come close behind each other. It costs when they do not, and most of all when the client that is to send the
// next one needs the processor for it: so it goes on only while it brings something, and now and then tries whether it would.
// The idea is that of the halt polling of KVM.
//
// One thread. Times are CLOCK_MONOTONIC.
#ifndef ROOST_BROKER_ADAPTIVE_SPIN_H_
#define ROOST_BROKER_ADAPTIVE_SPIN_H_

#include <cstdint>

namespace roost {

class AdaptiveSpin {
 public:
  // Who had to wait longer than this for something to do does not look on when it is done.
  static constexpr uint64_t kGapNsMax = 2'000'000;
  // So often in a row it may be in vain; then it is tried each kTryEvery times.
  static constexpr uint32_t kPatience = 8;
  static constexpr uint32_t kTryEvery = 61;  // a prime: bursts of requests shall not meet it at one place for ever

  explicit AdaptiveSpin(uint64_t spin_ns) : spin_ns_(spin_ns) {}

  // There is something to do.
  void OnWork(uint64_t now_ns) {
    if (until_ns_ != 0) patience_ = kPatience;
    const bool is_close = spin_ns_ > 0 && now_ns - last_work_ns_ < kGapNsMax;
    may_look_on_ = is_close && (patience_ > 0 || ++tries_ % kTryEvery == 0);
    until_ns_ = 0;
    last_work_ns_ = now_ns;
  }

  // Whether to look on, now that there is nothing to do. The time begins with the first call after the work.
  bool LooksOn(uint64_t now_ns) {
    if (!may_look_on_) return false;
    if (until_ns_ == 0) until_ns_ = now_ns + spin_ns_;
    if (now_ns < until_ns_) return true;
    if (patience_ > 0) --patience_;
    may_look_on_ = false;
    until_ns_ = 0;
    return false;
  }

 private:
  const uint64_t spin_ns_;
  bool may_look_on_ = false;
  uint64_t until_ns_ = 0;  // 0: does not look on
  uint64_t last_work_ns_ = 0;
  uint32_t patience_ = kPatience;
  uint32_t tries_ = 0;
};

}  // namespace roost

#endif  // ROOST_BROKER_ADAPTIVE_SPIN_H_
