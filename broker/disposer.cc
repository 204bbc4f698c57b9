#include "broker/disposer.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "broker/logging.h"
#include "ipc/protocol.h"

namespace roost {
namespace {

// A memfd no larger than a request. Only a memfd has seals, and asking for them touches no file system.
bool ClosesAtOnce(int fd) {
  struct stat info {};
  return ::fcntl(fd, F_GET_SEALS) >= 0 && ::fstat(fd, &info) == 0 &&
         static_cast<uint64_t>(info.st_blocks) * 512 <= 2 * kRequestBytesMax;
}

}  // namespace

struct Disposer::Shared {
  std::mutex mutex;
  std::condition_variable changed;
  // Protected by the mutex:
  std::deque<UniqueFd> waiting;
  size_t threads = 0;
  size_t idle = 0;
  bool ending = false;
};

Disposer::Disposer() : shared_(std::make_shared<Shared>()) {}

Disposer::~Disposer() {
  const std::lock_guard lock(shared_->mutex);
  shared_->ending = true;
  shared_->changed.notify_all();
}

void Disposer::Dispose(std::vector<UniqueFd>* fds) {
  for (UniqueFd& fd : *fds) Dispose(std::move(fd));
  fds->clear();
}

void Disposer::Dispose(UniqueFd fd) {
  if (!fd.valid() || ClosesAtOnce(fd.get())) return;
  const std::shared_ptr<Shared> shared = shared_;
  const std::lock_guard lock(shared->mutex);
  if (shared->waiting.size() >= kWaitingMax) {
    Log(LogLevel::kError, "clients passed more descriptors than can be closed; one is left open");
    (void)fd.Release();
    return;
  }
  shared->waiting.push_back(std::move(fd));
  if (shared->idle < shared->waiting.size() && shared->threads < kThreadsMax) {
    ++shared->threads;
    // Detached, since nothing may ever wait for one that is stuck. It owns its share of `shared`.
    std::thread([shared] {
      std::unique_lock thread_lock(shared->mutex);
      while (true) {
        ++shared->idle;
        shared->changed.wait(thread_lock,
                             [&] { return shared->ending || !shared->waiting.empty(); });
        --shared->idle;
        if (shared->waiting.empty()) break;
        UniqueFd next = std::move(shared->waiting.front());
        shared->waiting.pop_front();
        thread_lock.unlock();
        next.Reset();
        thread_lock.lock();
      }
      --shared->threads;
    }).detach();
  }
  shared->changed.notify_one();
}

}  // namespace roost
