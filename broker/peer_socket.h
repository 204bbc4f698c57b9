// One connection of the control socket, as all threads of the broker share it: the sequencer receives
// and answers, the waker and the librarian send what they owe. Held by shared_ptr; the descriptor
// is closed when the last of them lets go, so that its number is never used anew under somebody's feet.
//
// Send() and HangUp() may be called by any thread.
#ifndef ROOST_BROKER_PEER_SOCKET_H_
#define ROOST_BROKER_PEER_SOCKET_H_

#include <atomic>
#include <cstdint>

#include "base/bytes.h"
#include "base/unique_fd.h"
#include "base/unix_socket.h"

namespace roost {

class Disposer;

class PeerSocket {
 public:
  PeerSocket(UniqueFd fd, PeerCredentials credentials);

  int fd() const { return fd_.get(); }
  const PeerCredentials& credentials() const { return credentials_; }

  // Sends or, when the peer is gone or does not take what it asked for, hangs up. False: hung up. A peer
  // whose buffer is full has hundreds of answers lying there; it may attach again and ask again.
  bool Send(Bytes message, int passed_fd = -1);

  // The same without hanging up when it can't be sent. False: it was not sent.
  bool TrySend(Bytes message, int passed_fd = -1);

  // What was sent to the peer and not read by it yet, in bytes as the kernel counts them (a few hundred for the
  // smallest message).
  uint64_t UnreadBytes() const;
  // More than three quarters of what fits lie unread: the peer asks and does not read the answers.
  bool IsBehind() const { return UnreadBytes() > send_buffer_bytes_ / 4 * 3; }
  // Whether the peer has read the last message that a descriptor came with. The kernel bounds how many of a
  // user's descriptors may lie unread; who is given one only then has at most one there.
  bool HasTakenDescriptor() const;

  // Both sides see the end of the connection at once; the sequencer notices and cleans up.
  void HangUp();
  // The same, then takes what the peer has sent and nobody read. Else the kernel would close descriptors
  // that lie there when this socket is closed, by whatever thread closes it. Takes at most `*messages`, and subtracts
  // what it took. False: call it again for the rest. Sequencer thread.
  bool HangUpForGood(Disposer* disposer, size_t* messages);
  bool hung_up() const { return hung_up_.load(std::memory_order_acquire); }

  // What the other threads still have to do for this peer, so that it can be bounded. Counted up by the
  // sequencer, down by who is done.
  std::atomic<uint32_t> waits{0};
  std::atomic<uint32_t> segment_requests{0};

 private:
  UniqueFd fd_;
  PeerCredentials credentials_;
  std::atomic<bool> hung_up_{false};
  uint64_t send_buffer_bytes_ = 0;
  // Bytes of messages sent behind the last descriptor; far more than can lie unread while there was none.
  std::atomic<uint64_t> sent_behind_descriptor_{1ull << 62};
};

}  // namespace roost

#endif  // ROOST_BROKER_PEER_SOCKET_H_
