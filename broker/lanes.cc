#include "broker/lanes.h"

#include <fmt/core.h>

#include <algorithm>

#include "broker/logging.h"

namespace roost {

using wire::RefusalCode;

void Lanes::Open(Peer& peer, uint64_t number) {
  if (peer.lane != nullptr) {
    turn_->Refuse(peer, number, {RefusalCode::Invalid, "this connection has a lane already"});
    return;
  }
  if (lanes_ >= kLanesMax) {
    turn_->Refuse(peer, number,
                  {RefusalCode::Busy,
                   fmt::format("there are {} lanes, which is the limit; requests over the socket "
                               "are taken as well",
                               lanes_)});
    return;
  }
  Result<MadeLane> made = MakeLane();
  if (!made.ok()) {
    Log(LogLevel::kWarning, "a client got no lane: {}", made.status().message());
    turn_->Refuse(peer, number, {RefusalCode::Busy, made.status().message()});
    return;
  }
  // One a connection, so kLanesMax at most lie unread beside the descriptors of those who have attached.
  if (!peer.socket->TrySend(replies_->LaneOpened(number), made->fd.get())) {
    turn_->Refuse(peer, number,
                  {RefusalCode::Busy,
                   "too many descriptors that this broker has passed were not taken yet; try again"});
    return;
  }
  peer.lane = std::make_unique<PeerLane>(std::move(made->memory), &answered_);
  ++lanes_;
}

void Lanes::OnBell(Peer& peer) {
  if (peer.lane == nullptr || peer.lane->is_awake) return;
  peer.lane->requests.WakeUp();
  peer.lane->is_awake = true;
  awake_.push_back(&peer);
}

void Lanes::Close(Peer& peer) {
  if (peer.lane == nullptr) return;
  std::erase(awake_, &peer);
  std::erase(answered_, &peer);
  peer.lane.reset();
  --lanes_;
}

bool Lanes::HasRequests() {
  return std::any_of(awake_.begin(), awake_.end(),
                     [](Peer* peer) { return !peer->closed && peer->lane->requests.HasMore(); });
}

bool Lanes::FallAsleep() {
  std::erase_if(awake_, [](Peer* peer) {
    peer->lane->is_awake = !peer->closed && !peer->lane->requests.FallAsleep();
    return !peer->lane->is_awake;
  });
  return awake_.empty();
}

void Lanes::Publish() {
  for (Peer* peer : answered_) {
    peer->lane->has_answers = false;
    if (peer->lane->answers.Publish()) peer->socket->Send(replies_->LaneBell());
  }
  answered_.clear();
}

}  // namespace roost
