// The thread that examines questions which could hold the sequencer up: large inputs, many rules, regular
// expressions that may take long. Who is next is in examination_queue.h: who asks much waits for itself, and whoever
// asks little waits for the one job that is under way at most.
//
// The sequencer hands jobs over and is woken through fd() when some are done. Bounded: the requests and the bytes of
// large inputs below, of all, of a user and of a session (small ones, of ExaminationJob::kSmallBytesMax, count as
// requests only), and kJobNsMax a job (what is not examined by then ran out).
//
// Start, Stop: the broker's wiring. The rest: the sequencer thread.
#ifndef ROOST_BROKER_VERDICTS_EXAMINER_H_
#define ROOST_BROKER_VERDICTS_EXAMINER_H_

#include <atomic>
#include <boost/lockfree/spsc_queue.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "broker/doorbell.h"
#include "broker/verdicts/examination_queue.h"

namespace roost {

class Examiner {
 public:
  static constexpr size_t kJobsMax = 1024;
  static constexpr size_t kJobsPerUserMax = 256;
  static constexpr size_t kJobsPerSessionMax = 16;
  static constexpr uint64_t kBytesMax = 64 << 20;
  static constexpr uint64_t kBytesPerUserMax = 16 << 20;
  static constexpr uint64_t kJobNsMax = 200'000'000;

  Examiner();
  ~Examiner();

  void Start();
  void Stop();  // jobs under way are dropped

  enum class Posted {
    kTaken,
    kTooMuchOfSession,  // one of the limits is reached; try again later
    kTooMuchOfUser,
    kTooMuch,
  };
  Posted Post(std::unique_ptr<ExaminationJob> job);
  // Readable when jobs are done.
  int fd() const { return done_event_.get(); }
  // Jobs that were taken and are not done.
  size_t jobs() const { return in_all_.jobs; }
  // The jobs that are done, in the order in which that was.
  std::vector<std::unique_ptr<ExaminationJob>> TakeDone();

 private:
  using Job = std::unique_ptr<ExaminationJob>;

  // How much is in hand.
  struct Share {
    size_t jobs = 0;
    uint64_t bytes = 0;  // of large ones

    void Add(uint64_t more_bytes) {
      ++jobs;
      bytes += more_bytes;
    }
    void Remove(uint64_t less_bytes) {
      --jobs;
      bytes -= less_bytes;
    }
  };

  Posted Look(const ExaminationJob& job) const;
  void Run();
  static void Examine(ExaminationJob& job);
  void Finish(Job job);

  // Between the two threads. Jobs in hand are counted below, so neither queue can be full.
  boost::lockfree::spsc_queue<ExaminationJob*> posted_{kJobsMax};
  boost::lockfree::spsc_queue<ExaminationJob*> done_{kJobsMax};
  Doorbell bell_;
  UniqueFd done_event_;
  std::atomic<bool> stopping_{false};

  // The sequencer's.
  Share in_all_;
  std::map<uint32_t, Share> users_;  // those who have something
  std::map<uint64_t, size_t> jobs_of_session_;

  ExaminationQueue waiting_;  // the thread's

  std::thread thread_;
};

}  // namespace roost

#endif  // ROOST_BROKER_VERDICTS_EXAMINER_H_
