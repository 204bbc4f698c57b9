// Takes new connections from the listening socket, until only kReserved descriptors are left: those are for the
// broker's own files and for what attached clients pass, and to tell a new client that there is no room instead of
// leaving it hanging. For when even they are taken there is a spare one, given up for a moment. Sequencer thread.
#ifndef ROOST_BROKER_ACCEPTOR_H_
#define ROOST_BROKER_ACCEPTOR_H_

#include <cstdint>
#include <memory>

#include "base/unique_fd.h"
#include "broker/peer_socket.h"

namespace roost {

class Acceptor {
 public:
  static constexpr uint64_t kReserved = 32;

  enum class Outcome {
    kAccepted,
    kNone,       // nobody waits
    kRefused,    // one client was told that there is no room, and is to be hung up on
    kExhausted,  // not even that was possible; wait a while
  };

  // `listener` outlives the acceptor.
  explicit Acceptor(int listener);

  int fd() const { return listener_; }
  // `*socket` is set if the outcome is kAccepted or kRefused.
  Outcome Accept(std::shared_ptr<PeerSocket>* socket);

 private:
  Outcome AcceptWithSpare(std::shared_ptr<PeerSocket>* socket);
  std::shared_ptr<PeerSocket> TurnAway(UniqueFd fd);

  const int listener_;
  UniqueFd spare_;
};

// Tells a client that it can't be served, and why.
void SendBusy(int socket, const char* why);

}  // namespace roost

#endif  // ROOST_BROKER_ACCEPTOR_H_
