#include "broker/worker_loop.h"

#include <algorithm>

#include "base/clock.h"

namespace roost {

void WorkerLoop::Start() {
  thread_ = std::thread([this] {
    while (!stopping_.load(std::memory_order_acquire)) Step(Doorbell::kForEver);
  });
}

void WorkerLoop::Stop() {
  if (!thread_.joinable()) return;
  stopping_.store(true, std::memory_order_release);
  bell_.Ring();
  thread_.join();
}

bool WorkerLoop::Step(uint64_t sleep_ns_max) {
  switch (stage_) {
    case Stage::kWork:
      worker_->Work();
      stage_ = Stage::kLookAgain;
      return true;
    case Stage::kLookAgain:
      bell_.Arm();
      stage_ = Stage::kSleep;
      if (!stopping_.load(std::memory_order_acquire) && !worker_->HasWork()) return true;
      break;
    case Stage::kSleep: {
      const uint64_t timer_ns = worker_->NextTimerNs();
      const uint64_t now_ns = MonotonicNs();
      if (timer_ns <= now_ns) break;
      const uint64_t left_ns = timer_ns == UINT64_MAX ? Doorbell::kForEver : timer_ns - now_ns;
      if (bell_.Sleep(std::min(left_ns, sleep_ns_max))) break;
      if (MonotonicNs() < timer_ns) return false;
      break;
    }
  }
  bell_.Disarm();
  stage_ = Stage::kWork;
  return true;
}

}  // namespace roost
