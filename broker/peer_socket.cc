#include "broker/peer_socket.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <vector>

#include "broker/disposer.h"

namespace roost {

PeerSocket::PeerSocket(UniqueFd fd, PeerCredentials credentials)
    : fd_(std::move(fd)), credentials_(credentials) {
  int bytes = 0;
  socklen_t size = sizeof(bytes);
  if (::getsockopt(fd_.get(), SOL_SOCKET, SO_SNDBUF, &bytes, &size) == 0) {
    send_buffer_bytes_ = static_cast<uint64_t>(bytes);
  }
}

bool PeerSocket::Send(Bytes message, int passed_fd) {
  if (TrySend(message, passed_fd)) return true;
  HangUp();
  return false;
}

bool PeerSocket::TrySend(Bytes message, int passed_fd) {
  if (hung_up()) return false;
  if (SendSeqpacket(fd_.get(), message, passed_fd) != SocketOutcome::kDone) return false;
  if (passed_fd >= 0) {
    sent_behind_descriptor_.store(0, std::memory_order_relaxed);
  } else {
    sent_behind_descriptor_.fetch_add(message.size(), std::memory_order_relaxed);
  }
  return true;
}

uint64_t PeerSocket::UnreadBytes() const {
  int bytes = 0;
  if (::ioctl(fd_.get(), SIOCOUTQ, &bytes) != 0 || bytes < 0) return 0;
  return static_cast<uint64_t>(bytes);
}

// Messages are read in their order, and the kernel counts each as more than its bytes: if the descriptor's still
// lay there, so would everything behind it, and more would be unread than was sent behind it.
bool PeerSocket::HasTakenDescriptor() const {
  return UnreadBytes() <= sent_behind_descriptor_.load(std::memory_order_relaxed);
}

void PeerSocket::HangUp() {
  if (!hung_up_.exchange(true, std::memory_order_acq_rel)) ::shutdown(fd_.get(), SHUT_RDWR);
}

bool PeerSocket::HangUpForGood(Disposer* disposer, size_t* messages) {
  HangUp();
  // So that an empty message is told from the end.
  const int on = 1;
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
  // Nothing comes any more, so this ends: the peer's send buffer bounds what lies here, to some hundreds.
  std::byte buffer[64];
  std::vector<UniqueFd> surplus;
  for (; *messages > 0; --*messages) {
    Received received = ReceiveSeqpacket(fd_.get(), buffer, sizeof(buffer), &surplus);
    disposer->Dispose(std::move(received.fd));
    disposer->Dispose(&surplus);
    if (received.outcome == SocketOutcome::kClosed ||
        received.outcome == SocketOutcome::kWouldBlock) {
      return true;
    }
  }
  return false;
}

}  // namespace roost
