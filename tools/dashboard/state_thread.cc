#include "tools/dashboard/state_thread.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "tools/monitor/monitor_json.h"

namespace roost {
namespace {

constexpr std::chrono::seconds kStateEvery{1};

// Those whose requests the broker is busiest with, then those that asked last.
void KeepBusiest(size_t count, std::vector<SessionInterval>* sessions) {
  if (sessions->size() <= count) return;
  const auto busier = [](const SessionInterval& one, const SessionInterval& other) {
    if (one.busy != other.busy) return one.busy > other.busy;
    return one[SessionCounter::kLastRequestNs] > other[SessionCounter::kLastRequestNs];
  };
  std::nth_element(sessions->begin(), sessions->begin() + static_cast<std::ptrdiff_t>(count),
                   sessions->end(), busier);
  sessions->resize(count);
}

}  // namespace

StateThread::StateThread(std::string counters_path,
                         std::function<void(std::function<void()>)> post,
                         std::function<void(Text)> on_state)
    : post_(std::move(post)), on_state_(std::move(on_state)), watch_(std::move(counters_path)) {
  thread_ = std::thread([this] { Run(); });
}

StateThread::~StateThread() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

std::string StateThread::HistoryJson() {
  const std::lock_guard lock(mutex_);
  std::string json;
  AppendHistoryJson(watch_.history(), 0, &json);
  return json;
}

void StateThread::Run() {
  auto next = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  while (!stop_) {
    post_([this, text = Look()] { on_state_(text); });
    // Not one look after another when the machine was asleep.
    next = std::max(next, std::chrono::steady_clock::now() - kStateEvery) + kStateEvery;
    wake_.wait_until(lock, next, [this] { return stop_; });
  }
}

StateThread::Text StateThread::Look() {
  Interval interval = watch_.Look();
  KeepBusiest(kSessionsShown, &interval.sessions);
  std::string json;
  AppendIntervalJson(interval, &json);
  return std::make_shared<const std::string>(std::move(json));
}

}  // namespace roost
