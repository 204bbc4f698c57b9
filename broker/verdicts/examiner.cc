#include "broker/verdicts/examiner.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

#include "base/check.h"
#include "base/clock.h"

namespace roost {

Examiner::Examiner() : done_event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  // Made at the start, before any client takes descriptors.
  ROOST_CHECK(done_event_.valid(), "eventfd: errno={}", errno);
}

Examiner::~Examiner() { Stop(); }

void Examiner::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Examiner::Stop() {
  if (thread_.joinable()) {
    stopping_.store(true, std::memory_order_release);
    bell_.Ring();
    thread_.join();
  }
  const auto drop = [](ExaminationJob* job) { delete job; };
  posted_.consume_all(drop);
  done_.consume_all(drop);
}

namespace {

// What counts as memory that large inputs take.
uint64_t BytesOf(const ExaminationJob& job) { return job.is_small() ? 0 : job.bytes(); }

}  // namespace

Examiner::Posted Examiner::Look(const ExaminationJob& job) const {
  const uint64_t bytes = BytesOf(job);
  const auto session = jobs_of_session_.find(job.session);
  if (session != jobs_of_session_.end() && session->second >= kJobsPerSessionMax) {
    return Posted::kTooMuchOfSession;
  }
  const auto user = users_.find(job.uid);
  if (user != users_.end() &&
      (user->second.jobs >= kJobsPerUserMax || user->second.bytes + bytes > kBytesPerUserMax)) {
    return Posted::kTooMuchOfUser;
  }
  const bool has_room = in_all_.jobs < kJobsMax && in_all_.bytes + bytes <= kBytesMax;
  return has_room ? Posted::kTaken : Posted::kTooMuch;
}

Examiner::Posted Examiner::Post(std::unique_ptr<ExaminationJob> job) {
  if (const Posted posted = Look(*job); posted != Posted::kTaken) return posted;
  const uint64_t bytes = BytesOf(*job);
  in_all_.Add(bytes);
  users_[job->uid].Add(bytes);
  ++jobs_of_session_[job->session];
  ROOST_CHECK(posted_.push(job.release()), "jobs={}", in_all_.jobs);
  bell_.Ring();
  return Posted::kTaken;
}

std::vector<std::unique_ptr<ExaminationJob>> Examiner::TakeDone() {
  uint64_t rings;
  [[maybe_unused]] const ssize_t size = ::read(done_event_.get(), &rings, sizeof(rings));
  std::vector<Job> jobs;
  done_.consume_all([&](ExaminationJob* job) { jobs.emplace_back(job); });
  for (const Job& job : jobs) {
    const uint64_t bytes = BytesOf(*job);
    in_all_.Remove(bytes);
    const auto user = users_.find(job->uid);
    user->second.Remove(bytes);
    if (user->second.jobs == 0) users_.erase(user);
    const auto session = jobs_of_session_.find(job->session);
    if (--session->second == 0) jobs_of_session_.erase(session);
  }
  return jobs;
}

void Examiner::Run() {
  while (!stopping_.load(std::memory_order_acquire)) {
    posted_.consume_all([this](ExaminationJob* job) { waiting_.Add(Job(job)); });
    if (Job job = waiting_.Next()) {
      Examine(*job);
      Finish(std::move(job));
      continue;
    }
    bell_.Arm();
    if (posted_.read_available() == 0 && !stopping_.load(std::memory_order_acquire)) bell_.Sleep();
    bell_.Disarm();
  }
}

void Examiner::Examine(ExaminationJob& job) {
  const uint64_t begin_ns = MonotonicNs();
  job.done.clear();
  for (const AskedQuestion& question : job.questions) {
    EvaluationBudget budget;
    // What is late gets no time for more than its first rule, and may not let that take long.
    if (MonotonicNs() - begin_ns > kJobNsMax) budget = {.steps_per_match_max = 0, .time_ns_max = 0};
    job.done.push_back(roost::Examine(*job.policy, question.kind, question.input, budget));
  }
}

void Examiner::Finish(Job job) {
  ROOST_CHECK(done_.push(job.release()));
  const uint64_t one = 1;
  // It fails only when it has been rung 2^64 - 1 times already.
  [[maybe_unused]] const ssize_t written = ::write(done_event_.get(), &one, sizeof(one));
}

}  // namespace roost
