// The thread that examines questions which could hold the sequencer up: large inputs, many rules, regular
// expressions that may take long. Takes one request of each session in turn, so that who asks much waits for itself.
//
// The sequencer hands jobs over and is woken through fd() when some are done. Bounded: kJobsMax jobs and kBytesMax
// bytes of input in all, kJobsPerSessionMax a session, kJobNsMax a job (what is not examined by then ran out).
//
// Start, Stop: the broker's wiring. The rest: the sequencer thread.
#ifndef ROOST_BROKER_VERDICTS_EXAMINER_H_
#define ROOST_BROKER_VERDICTS_EXAMINER_H_

#include <atomic>
#include <boost/lockfree/spsc_queue.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "broker/doorbell.h"
#include "broker/verdicts/examination.h"

namespace roost {

struct ExaminationJob {
  uint64_t id = 0;
  uint64_t session = 0;
  std::shared_ptr<const Policy> policy;
  std::vector<AskedQuestion> questions;
  std::vector<Examination> done;  // filled by the thread, one a question
};

class Examiner {
 public:
  static constexpr size_t kJobsMax = 1024;
  static constexpr size_t kJobsPerSessionMax = 16;
  static constexpr uint64_t kBytesMax = 64 << 20;
  static constexpr uint64_t kJobNsMax = 200'000'000;

  Examiner();
  ~Examiner();

  void Start();
  void Stop();  // jobs under way are dropped

  // False: one of the limits is reached; try again later.
  bool Post(std::unique_ptr<ExaminationJob> job);
  // Readable when jobs are done.
  int fd() const { return done_event_.get(); }
  // The jobs that are done, in the order in which that was.
  std::vector<std::unique_ptr<ExaminationJob>> TakeDone();

 private:
  using Job = std::unique_ptr<ExaminationJob>;

  static uint64_t BytesOf(const ExaminationJob& job);
  void Run();
  void Collect();
  Job Next();
  static void Examine(ExaminationJob& job);
  void Finish(Job job);

  // Between the two threads. Jobs in hand are counted below, so neither queue can be full.
  boost::lockfree::spsc_queue<ExaminationJob*> posted_{kJobsMax};
  boost::lockfree::spsc_queue<ExaminationJob*> done_{kJobsMax};
  Doorbell bell_;
  UniqueFd done_event_;
  std::atomic<bool> stopping_{false};

  // The sequencer's.
  size_t jobs_ = 0;
  uint64_t bytes_ = 0;
  std::map<uint64_t, size_t> jobs_of_session_;

  // The thread's.
  std::map<uint64_t, std::deque<Job>> waiting_;  // by session
  uint64_t last_session_ = 0;                    // served last

  std::thread thread_;
};

}  // namespace roost

#endif  // ROOST_BROKER_VERDICTS_EXAMINER_H_
