// What the broker says to a connection, and who is told.
#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "client/connection_core.h"
#include "client/coordination_replies.h"
#include "client/lost_answer.h"
#include "client/refusal.h"
#include "ipc/protocol.h"

namespace roost {
namespace {

constexpr int kMessagesPerReady = 64;
// A broker that finds every number too old is not asked for ever.
constexpr uint32_t kRenumberedMax = 8;

}  // namespace

void ConnectionCore::Receive() {
  if (buffer_ == nullptr) {
    buffer_ = std::make_unique_for_overwrite<uint64_t[]>(kReplyBytesMax / sizeof(uint64_t));
  }
  auto* bytes = reinterpret_cast<std::byte*>(buffer_.get());
  for (int i = 0; i < kMessagesPerReady && socket_.valid(); ++i) {
    Received received = ReceiveSeqpacket(socket_.get(), bytes, kReplyBytesMax);
    if (received.outcome == SocketOutcome::kWouldBlock) return;
    // What was put into the lane before this was sent comes first.
    DrainLane();
    if (!socket_.valid()) return;
    if (received.outcome == SocketOutcome::kClosed) return ConnectionLost("the broker hung up");
    const wire::Reply* reply = received.outcome == SocketOutcome::kDone
                                   ? DecodeReply(Bytes(bytes, received.size))
                                   : nullptr;
    if (reply == nullptr) return ConnectionLost("the broker sent what is no reply");
    Handle(*reply, std::move(received.fd));
  }
}

void ConnectionCore::Handle(const wire::Reply& reply, UniqueFd fd) {
  const wire::Refused* refused = reply.body_as_Refused();
  if (state_ == State::kAttaching) {
    if (const wire::Attached* attached = reply.body_as_Attached()) return OnAttached(*attached, fd);
    if (refused != nullptr) return OnAttachRefused(*refused);
    return ConnectionLost("the broker answered an attachment with something else");
  }
  if (const wire::Woken* woken = reply.body_as_Woken()) {
    if (const WaitTable::Done done = waits_.Take(woken->registration())) done(Status());
    return;
  }
  if (const wire::LeaseEnded* ended = reply.body_as_LeaseEnded()) {
    return claims_.Ended(EndedLeaseOf(*ended));
  }
  if (reply.body_type() == wire::ReplyBody::LaneBell) return;  // who heard it looks into the lane
  if (reply.number() == socket_request_) socket_request_ = 0;
  received_fd_ = std::move(fd);
  if (refused != nullptr) {
    OnRefused(reply, *refused);
  } else if (reply.body_type() == wire::ReplyBody::Queued) {
    OnQueued(reply);
  } else {
    OnAnswer(reply.number(), Status(), &reply);
  }
  received_fd_.Reset();
}

void ConnectionCore::OnAttached(const wire::Attached& attached, const UniqueFd& ring_fd) {
  const bool had_session = attachment_.session() != 0;
  const bool same_session = attached.resumed() && attached.session() == attachment_.session();
  const Result<Attachment::Change> change = attachment_.Take(attached, ring_fd);
  if (!change.ok()) return FailEverything(change.status());
  state_ = State::kAttached;
  attachment_.SetAttached(true);
  schedule_.Attached();
  if (*change != Attachment::Change::kNone) segments_.Clear();

  std::vector<AttachWaiter> waiters = std::exchange(attach_waiters_, {});
  std::vector<WaitTable::Done> woken;
  if (had_session && *change == Attachment::Change::kLog) {
    // What they have looked at is of another log.
    for (const uint64_t registration : waits_.Registrations(/*never_sent_only=*/false)) {
      woken.push_back(waits_.Take(registration));
    }
  }
  if (had_session && !same_session) RepeatInNewSession();
  cancelled_requests_.assign(late_.given_up().begin(), late_.given_up().end());
  WantClaimCheck(*change == Attachment::Change::kNone ? "connection lost" : "broker restarted");
  AskForLane();
  for (AttachWaiter& waiter : waiters) waiter.done(Status());
  for (WaitTable::Done& done : woken) done(Status());
  SendAll();
}

// The broker does not know whether it did what it was asked in the old session.
void ConnectionCore::RepeatInNewSession() {
  std::vector<PendingRequest::Done> unknown;
  for (const uint64_t number : requests_.NumbersWhere([](const PendingRequest& request) {
         return request.was_sent && !request.is_repeatable;
       })) {
    unknown.push_back(requests_.Finish(number));
  }
  requests_.SessionLost();
  parked_.SessionLost();
  late_.SessionLost();
  claims_.AllEnded("connection lost");
  for (PendingRequest::Done& done : unknown) done(LostAnswer(), nullptr);
}

void ConnectionCore::OnAttachRefused(const wire::Refused& refused) {
  const Status status = StatusOfRefusal(refused);
  if (status.code() != StatusCode::kBusy && status.code() != StatusCode::kUnavailable) {
    return FailEverything(status);
  }
  Close();
  last_trouble_ = status;
  schedule_.Failed(MonotonicNs());
}

void ConnectionCore::OnRefused(const wire::Reply& reply, const wire::Refused& refused) {
  if (refused.registration() != 0) {
    if (const WaitTable::Done done = waits_.Take(refused.registration())) {
      done(StatusOfRefusal(refused));
    }
    return;
  }
  // A broker that ends has not done it; the next one will be asked.
  if (refused.code() == wire::RefusalCode::ShuttingDown) return;
  if (reply.number() == 0) return ConnectionLost(refused.message()->str());
  if (refused.code() == wire::RefusalCode::TooOld && TakeNewNumber(reply.number())) return;
  OnAnswer(reply.number(), StatusOfRefusal(refused), nullptr);
}

// What may wait in the broker is asked again under a new number rather than given up.
bool ConnectionCore::TakeNewNumber(uint64_t number) {
  if (!parked_.Has(number)) {
    const PendingRequest* request = requests_.Find(number);
    if (request == nullptr || request->wait_until_ns == 0) return false;
    if (request->renumbered >= kRenumberedMax) return false;
    parked_.Add(requests_.Park(number));
  }
  parked_.LoseNumber(number);
  GiveUp(number);
  return true;
}

void ConnectionCore::OnQueued(const wire::Reply& reply) {
  const uint64_t number = reply.number();
  if (parked_.Has(number)) return;  // asked again, it waits again
  if (requests_.IsAbandoned(number)) {
    requests_.Finish(number);
    return;
  }
  const PendingRequest* request = requests_.Find(number);
  const bool may_wait = request != nullptr && request->wait_until_ns != 0 &&
                        request->state == PendingRequest::State::kSent;
  if (!may_wait) return OnAnswer(number, Status(), &reply);
  parked_.Add(requests_.Park(number));
}

void ConnectionCore::OnAnswer(uint64_t number, const Status& status, const wire::Reply* reply) {
  if (parked_.Has(number)) return parked_.Take(number).done(status, reply);
  if (late_.IsGivenUp(number) || requests_.IsAbandoned(number)) {
    if (reply != nullptr) late_.Note(*reply);
  }
  // Of an abandoned one only the place is given up.
  if (const PendingRequest::Done done = requests_.Finish(number)) done(status, reply);
}

}  // namespace roost
