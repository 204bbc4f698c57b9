// A client's end of its lane (ipc/lane_format.h). One thread.
#ifndef ROOST_CLIENT_CLIENT_LANE_H_
#define ROOST_CLIENT_CLIENT_LANE_H_

#include <utility>

#include "base/mapping.h"
#include "ipc/lane.h"

namespace roost {

struct ClientLane {
  explicit ClientLane(Mapping shared)
      : memory(std::move(shared)),
        requests(RequestProducer(memory)),
        answers(AnswerConsumer(memory)) {}

  Mapping memory;
  LaneProducer requests;
  LaneConsumer answers;
};

}  // namespace roost

#endif  // ROOST_CLIENT_CLIENT_LANE_H_
