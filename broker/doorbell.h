// How one thread of the broker wakes another that has run out of work: an eventfd that is only written
// when the other sleeps, so that it costs nothing under load. The descriptor never leaves the process.
//
// The sleeper:  Arm(); look for work once more; if there is none, Sleep(); Disarm().
// The ringer:   publish the work; Ring().
// Either the sleeper's second look sees the work, or the ringer sees that it sleeps: each stores, fences
// (sequentially consistent), then loads what the other stores.
#ifndef ROOST_BROKER_DOORBELL_H_
#define ROOST_BROKER_DOORBELL_H_

#include <atomic>
#include <cstdint>

#include "base/unique_fd.h"

namespace roost {

class Doorbell {
 public:
  static constexpr uint64_t kForEver = UINT64_MAX;

  Doorbell();

  // Any thread.
  void Ring();

  // The one sleeper.
  void Arm();
  void Disarm();
  // Until rung (true), or for `timeout_ns`. May return false early.
  bool Sleep(uint64_t timeout_ns = kForEver);

 private:
  UniqueFd event_;
  std::atomic<bool> sleeping_{false};
};

}  // namespace roost

#endif  // ROOST_BROKER_DOORBELL_H_
