#include "broker/verdicts/policy_loader.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/check.h"
#include "broker/verdicts/policy_file.h"

namespace roost {

PolicyLoader::PolicyLoader(std::string path)
    : path_(std::move(path)), done_event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  ROOST_CHECK(done_event_.valid(), "eventfd: errno={}", errno);
}

PolicyLoader::~PolicyLoader() { Stop(); }

void PolicyLoader::Start() {
  thread_ = std::thread([this] { Run(); });
}

void PolicyLoader::Stop() {
  if (!thread_.joinable()) return;
  stopping_.store(true, std::memory_order_release);
  bell_.Ring();
  thread_.join();
}

void PolicyLoader::Load() {
  wanted_.store(true, std::memory_order_release);
  bell_.Ring();
}

std::optional<PolicyLoader::Loaded> PolicyLoader::TakeLoaded() {
  uint64_t rings;
  [[maybe_unused]] const ssize_t size = ::read(done_event_.get(), &rings, sizeof(rings));
  const std::lock_guard lock(mutex_);
  return std::exchange(loaded_, std::nullopt);
}

bool PolicyLoader::Step() {
  if (!wanted_.exchange(false, std::memory_order_acq_rel)) return false;
  Loaded loaded = LoadPolicy(path_);
  {
    const std::lock_guard lock(mutex_);
    loaded_.emplace(std::move(loaded));
  }
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(done_event_.get(), &one, sizeof(one));
  return true;
}

void PolicyLoader::Run() {
  while (!stopping_.load(std::memory_order_acquire)) {
    if (Step()) continue;
    bell_.Arm();
    const bool has_work = wanted() || stopping_.load(std::memory_order_acquire);
    if (!has_work) bell_.Sleep();
    bell_.Disarm();
  }
}

}  // namespace roost
