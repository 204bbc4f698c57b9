#include "broker/peer_socket.h"

#include <sys/socket.h>

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

}  // namespace roost
