// One connection as the sequencer sees it. Sequencer thread alone; made when it is accepted, gone at the end
// of the turn in which it left, one of the next after it was found closed.
#ifndef ROOST_BROKER_PEER_H_
#define ROOST_BROKER_PEER_H_

#include <cstdint>
#include <list>
#include <memory>
#include <string>

#include "broker/peer_lane.h"
#include "broker/peer_socket.h"

namespace roost {

struct Session;

struct Peer {
  // What the sequencer says to it: through its lane if it has one and the message finds room there, else through the
  // socket. The client sees both in the order in which they were sent.
  void Send(Bytes message);

  std::shared_ptr<PeerSocket> socket;
  std::unique_ptr<PeerLane> lane;  // if it asked for one
  Session* session = nullptr;  // once attached
  uint64_t accepted_ns = 0;    // CLOCK_MONOTONIC
  bool attaching = false;  // its agent.joined is staged; nothing is received until it is committed
  bool closed = false;     // to be taken away at the end of a turn
  bool is_bulk = true;     // served behind those that ask little (broker/sequencer.h)
  uint64_t served_turn = 0;  // the last in which it was, behind them
  uint32_t turns = 0;      // in which something was received
  bool is_behind = false;  // it leaves its answers unread (broker/peer_socket.h)
  // What its requests of this turn cost beyond their bytes, as so many more bytes.
  uint64_t work = 0;
  // What Attach said, checked.
  std::string agent;
  std::string client;
  bool is_newcomer = true;  // in which of the sequencer's lists it is, and where
  std::list<std::unique_ptr<Peer>>::iterator place;
};

}  // namespace roost

#endif  // ROOST_BROKER_PEER_H_
