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

uint64_t Examiner::BytesOf(const ExaminationJob& job) {
  uint64_t bytes = 0;
  for (const AskedQuestion& question : job.questions) {
    bytes += question.kind.size() + question.input.size();
  }
  return bytes;
}

bool Examiner::Post(std::unique_ptr<ExaminationJob> job) {
  const uint64_t bytes = BytesOf(*job);
  const auto own = jobs_of_session_.find(job->session);
  const size_t own_jobs = own == jobs_of_session_.end() ? 0 : own->second;
  if (jobs_ >= kJobsMax || own_jobs >= kJobsPerSessionMax || bytes_ + bytes > kBytesMax) {
    return false;
  }
  ++jobs_;
  bytes_ += bytes;
  ++jobs_of_session_[job->session];
  ROOST_CHECK(posted_.push(job.release()), "jobs={}", jobs_);
  bell_.Ring();
  return true;
}

std::vector<std::unique_ptr<ExaminationJob>> Examiner::TakeDone() {
  uint64_t rings;
  [[maybe_unused]] const ssize_t size = ::read(done_event_.get(), &rings, sizeof(rings));
  std::vector<Job> jobs;
  done_.consume_all([&](ExaminationJob* job) { jobs.emplace_back(job); });
  for (const Job& job : jobs) {
    --jobs_;
    bytes_ -= BytesOf(*job);
    const auto own = jobs_of_session_.find(job->session);
    if (--own->second == 0) jobs_of_session_.erase(own);
  }
  return jobs;
}

void Examiner::Run() {
  while (!stopping_.load(std::memory_order_acquire)) {
    Collect();
    if (Job job = Next()) {
      Examine(*job);
      Finish(std::move(job));
      continue;
    }
    bell_.Arm();
    if (posted_.read_available() == 0 && !stopping_.load(std::memory_order_acquire)) bell_.Sleep();
    bell_.Disarm();
  }
}

void Examiner::Collect() {
  posted_.consume_all([this](ExaminationJob* job) { waiting_[job->session].emplace_back(job); });
}

Examiner::Job Examiner::Next() {
  if (waiting_.empty()) return nullptr;
  auto next = waiting_.upper_bound(last_session_);
  if (next == waiting_.end()) next = waiting_.begin();
  last_session_ = next->first;
  Job job = std::move(next->second.front());
  next->second.pop_front();
  if (next->second.empty()) waiting_.erase(next);
  return job;
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
