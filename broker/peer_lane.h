// The broker's end of one client's lane (ipc/lane_format.h). Sequencer thread.
#ifndef ROOST_BROKER_PEER_LANE_H_
#define ROOST_BROKER_PEER_LANE_H_

#include <utility>
#include <vector>

#include "base/mapping.h"
#include "ipc/lane.h"

namespace roost {

struct Peer;

struct PeerLane {
  // `to_publish` outlives it: where peers go whose lane has answers that their client was not shown yet.
  PeerLane(Mapping shared, std::vector<Peer*>* to_publish)
      : memory(std::move(shared)),
        requests(RequestConsumer(memory)),
        answers(AnswerProducer(memory)),
        answered(to_publish) {}

  Mapping memory;
  LaneConsumer requests;
  LaneProducer answers;
  std::vector<Peer*>* answered;
  bool has_answers = false;  // is in `answered`
  bool is_awake = false;     // is looked at in each turn; else its bell says when
  bool is_full = false;      // the last answer found no room: the client reads slowly, or not at all
  bool is_bulk = false;      // as a peer's (broker/peer.h), for what comes through the lane
};

}  // namespace roost

#endif  // ROOST_BROKER_PEER_LANE_H_
