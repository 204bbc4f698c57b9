// What a thread of the broker does beside the sequencer (waker, librarian, syncer), and the loop in which it
// does it. The loop goes in stages without a wait in their midst, so that a scheduler can go through them in the
// thread's place, in any order with those of other threads in which the threads could (tests/simulation).
//
// The loop, as broker/doorbell.h wants it: a piece of work; look once more for work, with the bell armed; sleep.
#ifndef ROOST_BROKER_WORKER_LOOP_H_
#define ROOST_BROKER_WORKER_LOOP_H_

#include <atomic>
#include <cstdint>
#include <thread>

#include "broker/doorbell.h"

namespace roost {

// The loop's thread alone calls these.
class Worker {
 public:
  virtual ~Worker() = default;
  // A piece of what there is to do, if anything.
  virtual void Work() = 0;
  // Whether there is something to do now. Must see what was published before Ring().
  virtual bool HasWork() = 0;
  // CLOCK_MONOTONIC: when there will be without anybody ringing; UINT64_MAX: never.
  virtual uint64_t NextTimerNs() = 0;
};

class WorkerLoop {
 public:
  // `worker` outlives it, or has called Stop().
  explicit WorkerLoop(Worker* worker) : worker_(worker) {}
  ~WorkerLoop() { Stop(); }

  void Start();
  void Stop();  // what is under way is done, what waits is dropped

  // Any thread, after it has published work.
  void Ring() { bell_.Ring(); }

  // One stage, waiting for at most `sleep_ns_max`. False: it sleeps on. For the thread, or for a scheduler in place
  // of it. REQUIRES: no Start().
  bool Step(uint64_t sleep_ns_max);
  // When Step will go on without a ring: 0, if it does not sleep.
  uint64_t NextStepNs() const { return stage_ == Stage::kSleep ? worker_->NextTimerNs() : 0; }

 private:
  enum class Stage { kWork, kLookAgain, kSleep };

  Worker* const worker_;
  Doorbell bell_;
  std::atomic<bool> stopping_{false};
  Stage stage_ = Stage::kWork;
  std::thread thread_;
};

}  // namespace roost

#endif  // ROOST_BROKER_WORKER_LOOP_H_
