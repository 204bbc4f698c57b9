#include "tools/dashboard/log_thread.h"

#include <chrono>
#include <utility>

namespace roost {
namespace {

constexpr std::chrono::milliseconds kLookEvery{50};

}  // namespace

LogThread::LogThread(ClientOptions options, std::function<void(Task)> post,
                     std::function<void(const LogStanding&)> on_look)
    : client_(std::move(options)), post_(std::move(post)), on_look_(std::move(on_look)) {
  thread_ = std::thread([this] { Run(); });
}

LogThread::~LogThread() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void LogThread::Do(Job job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
}

void LogThread::LookThen(Task task) {
  Do([this, task = std::move(task)](Client&) {
    Look();
    return task;
  });
}

void LogThread::Run() {
  auto next_look = std::chrono::steady_clock::now();
  while (true) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_until(lock, next_look, [this] { return stop_ || !jobs_.empty(); });
      if (stop_) return;
      if (!jobs_.empty()) {
        job = std::move(jobs_.front());
        jobs_.pop_front();
      }
    }
    if (job) post_(job(client_));
    if (std::chrono::steady_clock::now() < next_look) continue;
    Look();
    next_look = std::chrono::steady_clock::now() + kLookEvery;
  }
}

void LogThread::Look() {
  const Result<LogInfo> info = client_.Info();
  if (!info.ok()) {
    standing_.reachable = false;
    standing_.why = info.status().message();
  } else {
    standing_ = {info->attached, "", info->log_id, info->epoch, info->head, info->streams};
    if (!info->attached) standing_.why = "the broker is gone; this is the log as it last was";
  }
  post_([this, standing = standing_] { on_look_(standing); });
}

}  // namespace roost
