#include "broker/peer_socket.h"

#include <sys/socket.h>

#include <vector>

#include "broker/disposer.h"

namespace roost {

bool PeerSocket::Send(Bytes message, int passed_fd) {
  if (hung_up()) return false;
  if (SendSeqpacket(fd_.get(), message, passed_fd) == SocketOutcome::kDone) return true;
  HangUp();
  return false;
}

void PeerSocket::HangUp() {
  if (!hung_up_.exchange(true, std::memory_order_acq_rel)) ::shutdown(fd_.get(), SHUT_RDWR);
}

void PeerSocket::HangUpForGood(Disposer* disposer) {
  HangUp();
  // So that an empty message is told from the end.
  const int on = 1;
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
  // Nothing comes any more, so this ends: the peer's send buffer bounds what lies here.
  std::byte buffer[64];
  std::vector<UniqueFd> surplus;
  while (true) {
    Received received = ReceiveSeqpacket(fd_.get(), buffer, sizeof(buffer), &surplus);
    disposer->Dispose(std::move(received.fd));
    disposer->Dispose(&surplus);
    if (received.outcome == SocketOutcome::kClosed ||
        received.outcome == SocketOutcome::kWouldBlock) {
      return;
    }
  }
}

}  // namespace roost
