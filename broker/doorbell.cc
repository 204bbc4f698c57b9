#include "broker/doorbell.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "base/check.h"
#include "base/clock.h"

namespace roost {

Doorbell::Doorbell() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  // Made at the start, before any client takes descriptors.
  ROOST_CHECK(event_.valid(), "eventfd: {}", std::strerror(errno));
}

void Doorbell::Ring() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (!sleeping_.load(std::memory_order_relaxed)) return;
  const uint64_t one = 1;
  // It fails only when it has been rung 2^64 - 1 times already.
  [[maybe_unused]] const ssize_t written = ::write(event_.get(), &one, sizeof(one));
}

void Doorbell::Arm() {
  sleeping_.store(true, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

void Doorbell::Disarm() { sleeping_.store(false, std::memory_order_relaxed); }

bool Doorbell::Sleep(uint64_t timeout_ns) {
  pollfd waited{event_.get(), POLLIN, 0};
  timespec timeout{static_cast<time_t>(timeout_ns / kNsPerSecond),
                   static_cast<long>(timeout_ns % kNsPerSecond)};
  if (::ppoll(&waited, 1, timeout_ns == kForEver ? nullptr : &timeout, nullptr) <= 0) return false;
  uint64_t rings;
  return ::read(event_.get(), &rings, sizeof(rings)) == sizeof(rings);
}

}  // namespace roost
