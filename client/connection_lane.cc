// The lane of a connection that wants one: opened after each attachment; then requests go through it and answers come through
// it, as well as through the socket.
#include <utility>

#include "base/clock.h"
#include "client/connection_core.h"
#include "ipc/protocol.h"

namespace roost {
namespace {

// More than can lie in it.
constexpr size_t kAnswersPerLook = kLaneAnswerBytes / 16;
// A broker that is there answers at once, with a lane or with none.
constexpr uint64_t kOpenNs = 10 * kNsPerSecond;

}  // namespace

void ConnectionCore::AskForLane() {
  if (!options_.lane || lane_asked_ || !requests_.HasRoom()) return;
  lane_asked_ = true;
  AddRequest(encoder_.OpenLane(next_number()), {.deadline_ns = MonotonicNs() + kOpenNs}, 0,
             [this](const Status& status, const wire::Reply* reply) {
               lane_asked_ = false;
               if (status.ok() && reply->body_as_LaneOpened() != nullptr) TakeLane();
             });
}

// Without a lane it goes on over the socket.
void ConnectionCore::TakeLane() {
  Result<Mapping> memory = OpenLane(TakeReceivedFd());
  if (!memory.ok()) return;
  if (lane_buffer_ == nullptr) {
    lane_buffer_ = std::make_unique_for_overwrite<uint64_t[]>(kLaneAnswerMax / sizeof(uint64_t));
  }
  lane_.emplace(*std::move(memory));
}

SocketOutcome ConnectionCore::SendByLane(Bytes bytes) {
  if (socket_request_ != 0) return HoldLane();
  switch (lane_->requests.Put(bytes)) {
    case LaneOutcome::kDone:
      sent_ns_ = MonotonicNs();
      return SocketOutcome::kDone;
    case LaneOutcome::kNothing:
      return HoldLane();
    case LaneOutcome::kBroken:
      break;
  }
  return SocketOutcome::kClosed;
}

SocketOutcome ConnectionCore::HoldLane() {
  lane_held_until_ns_ = MonotonicNs() + kNsPerMs;
  return SocketOutcome::kWouldBlock;
}

// The broker takes from the lane and from the socket in any order. What has to go through the socket, since it is too large,
// waits until the lane was emptied, and the lane then waits until that was answered.
bool ConnectionCore::MayUseSocket() {
  if (!lane_.has_value()) return true;
  PublishLane();
  return lane_.has_value() && lane_->requests.IsTaken();
}

void ConnectionCore::PublishLane() {
  if (lane_.has_value() && lane_->requests.Publish()) owes_bell_ = true;
  if (!owes_bell_ || send_blocked_) return;
  const SocketOutcome outcome = SendSeqpacket(socket_.get(), encoder_.LaneBell());
  if (outcome == SocketOutcome::kDone) owes_bell_ = false;
  TakeOutcome(outcome);
}

bool ConnectionCore::TakeFromLane() {
  if (!DrainLane()) return false;
  SendAll();
  return true;
}

// True: there was something.
bool ConnectionCore::DrainLane() {
  auto* const bytes = reinterpret_cast<std::byte*>(lane_buffer_.get());
  size_t taken = 0;
  while (lane_.has_value() && taken < kAnswersPerLook) {
    size_t size = 0;
    const LaneOutcome outcome = lane_->answers.Take(bytes, kLaneAnswerMax, &size);
    if (outcome == LaneOutcome::kNothing) break;
    const wire::Reply* reply =
        outcome == LaneOutcome::kDone ? DecodeReply(Bytes(bytes, size)) : nullptr;
    ++taken;
    if (reply == nullptr) {
      ConnectionLost("the broker sent what is no reply");
    } else {
      Handle(*reply, UniqueFd());
    }
  }
  if (taken > 0) lane_held_until_ns_ = 0;
  return taken > 0;
}

bool ConnectionCore::LaneFallsAsleep() { return !lane_.has_value() || lane_->answers.FallAsleep(); }

void ConnectionCore::LaneWakesUp() {
  if (lane_.has_value()) lane_->answers.WakeUp();
}

void ConnectionCore::CloseLane() {
  lane_.reset();
  owes_bell_ = false;
  lane_held_until_ns_ = 0;
  socket_request_ = 0;
}

}  // namespace roost
