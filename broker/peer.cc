#include "broker/peer.h"

namespace roost {

void Peer::Send(Bytes message) {
  if (lane == nullptr) {
    socket->Send(message);
    return;
  }
  if (message.size() <= kLaneAnswerMax) {
    switch (lane->answers.Put(message)) {
      case LaneOutcome::kDone:
        if (!lane->has_answers) lane->answered->push_back(this);
        lane->has_answers = true;
        lane->is_full = false;
        return;
      case LaneOutcome::kBroken:
        return socket->HangUp();
      case LaneOutcome::kNothing:
        lane->is_full = true;
        break;
    }
  }
  // A client looks into its lane before it looks at a message: what was put there comes first.
  lane->answers.Publish();
  socket->Send(message);
}

}  // namespace roost
