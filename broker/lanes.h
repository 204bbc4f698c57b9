// The lanes of all clients that asked for one (ipc/lane_format.h): which are looked at, and when they are not any more. A lane is
// awake from its bell on until the sequencer sleeps; one that is asleep costs nothing.
//
// Sequencer thread. At most kLanesMax, kLaneBytes each.
#ifndef ROOST_BROKER_LANES_H_
#define ROOST_BROKER_LANES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "broker/peer.h"
#include "broker/reply_builder.h"
#include "broker/sequencer_turn.h"

namespace roost {

class Lanes {
 public:
  static constexpr size_t kLanesMax = 128;

  Lanes(SequencerTurn* turn, ReplyBuilder* replies) : turn_(turn), replies_(replies) {}

  // Gives the client a lane, or says why not. REQUIRES: it has a session.
  void Open(Peer& peer, uint64_t number);
  void OnBell(Peer& peer);
  // With the peer, whose lane goes with it.
  void Close(Peer& peer);

  bool HasAwake() const { return !awake_.empty(); }
  // Some client has put something into its lane.
  bool HasRequests();
  // Those that are awake.
  const std::vector<Peer*>& awake() const { return awake_; }

  // All of them, before the sequencer sleeps. False: there is something in one of them, and those stay awake.
  bool FallAsleep();
  // Shows the clients what the turn has put into their lanes, and wakes those who sleep.
  void Publish();

 private:
  SequencerTurn* const turn_;
  ReplyBuilder* const replies_;
  size_t lanes_ = 0;
  std::vector<Peer*> awake_;
  std::vector<Peer*> answered_;
};

}  // namespace roost

#endif  // ROOST_BROKER_LANES_H_
