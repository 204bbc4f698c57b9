#include "client/mcp/parent_watch.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"

namespace roost {
namespace {

constexpr uint64_t kLookAgainNs = 2 * kNsPerSecond;  // where the kernel has no pidfd for us

}  // namespace

ParentWatch::ParentWatch() : parent_(::getppid()) {
  if (parent_ == 0) return;  // of another pid namespace: it can't be seen, nor its end
  pidfd_.Reset(static_cast<int>(::syscall(SYS_pidfd_open, parent_, 0)));
  // It may have ended in between; then the pid is another's or nobody's, and the first look says so.
  if (!pidfd_.valid() || ::getppid() != parent_) timer_ns_ = MonotonicNs();
}

bool ParentWatch::Gone(uint64_t now_ns) {
  if (parent_ == 0) return false;
  if (::getppid() != parent_) return true;
  // Readable, and yet the parent is the same: look at times instead of spinning.
  pidfd_.Reset();
  timer_ns_ = now_ns + kLookAgainNs;
  return false;
}

}  // namespace roost
