#include "client/mcp/output_queue.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace roost {
namespace {

constexpr size_t kKeptBytes = 16 << 10;

// A pipe that poll() calls writable takes PIPE_BUF bytes without blocking, and not certainly one more.
ssize_t WriteWithoutBlocking(int fd, const char* bytes, size_t size) {
  pollfd ready{fd, POLLOUT, 0};
  if (::poll(&ready, 1, 0) < 0) return -1;
  if ((ready.revents & POLLERR) != 0) {
    errno = EPIPE;
    return -1;
  }
  if ((ready.revents & POLLOUT) == 0) {
    errno = EAGAIN;
    return -1;
  }
  return ::write(fd, bytes, std::min<size_t>(size, PIPE_BUF));
}

}  // namespace

OutputQueue::Outcome OutputQueue::WriteTo(int fd) {
  while (pending_bytes() > 0) {
    const char* bytes = pending_.data() + written_;
    ssize_t done = -1;
    if (is_socket_) {
      done = ::send(fd, bytes, pending_bytes(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (done < 0 && errno == ENOTSOCK) is_socket_ = false;
    }
    if (!is_socket_) done = WriteWithoutBlocking(fd, bytes, pending_bytes());
    if (done >= 0) {
      written_ += static_cast<size_t>(done);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
      Release();
      return Outcome::kBlocked;
    } else if (errno != EINTR) {
      return Outcome::kClosed;
    }
  }
  Release();
  return Outcome::kDone;
}

// Gives back what a large answer needed; drops what is written once that is cheap.
void OutputQueue::Release() {
  if (written_ == pending_.size()) {
    pending_.clear();
    written_ = 0;
    if (pending_.capacity() > kKeptBytes) pending_.shrink_to_fit();
  } else if (written_ > pending_.size() / 2) {
    pending_.erase(0, written_);
    written_ = 0;
  }
}

}  // namespace roost
