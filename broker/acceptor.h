// Takes new connections from the listening socket, also when there are no descriptors left: then a spare one is
// given up for a moment to tell the client so, instead of leaving it hanging. Sequencer thread.
#ifndef ROOST_BROKER_ACCEPTOR_H_
#define ROOST_BROKER_ACCEPTOR_H_

#include <cstdint>
#include <memory>

#include "base/unique_fd.h"
#include "broker/peer_socket.h"

namespace roost {

class Acceptor {
 public:
  enum class Outcome {
    kAccepted,
    kNone,       // nobody waits
    kRefused,    // one client was told that there is no room
    kExhausted,  // not even that was possible; wait a while
  };

  // `listener` outlives the acceptor.
  explicit Acceptor(int listener);

  int fd() const { return listener_; }
  Outcome Accept(std::shared_ptr<PeerSocket>* socket);

 private:
  static constexpr uint64_t kComplaintNs = 10'000'000'000;  // between two lines in the broker's log

  Outcome RefuseOne();

  const int listener_;
  UniqueFd spare_;
  uint64_t next_complaint_ns_ = 0;
};

// Tells a client that it can't be served, and why.
void SendBusy(int socket, const char* why);

}  // namespace roost

#endif  // ROOST_BROKER_ACCEPTOR_H_
