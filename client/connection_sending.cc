// What a connection says to the broker, and in which order.
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "client/connection_core.h"
#include "ipc/protocol.h"
#include "ipc/request_memfd.h"

namespace roost {
namespace {

// Nobody waits for the answer to what goes back.
constexpr uint64_t kReturnNs = 10 * kNsPerSecond;

uint32_t WaitLeftMs(uint64_t wait_until_ns) {
  const uint64_t now_ns = MonotonicNs();
  return wait_until_ns <= now_ns ? 0
                                 : static_cast<uint32_t>(std::min<uint64_t>(
                                       (wait_until_ns - now_ns) / kNsPerMs, UINT32_MAX));
}

}  // namespace

Status ConnectionCore::CheckRoom() const {
  if (requests_.HasRoom()) return {};
  return {StatusCode::kBusy,
          fmt::format("{} requests are unanswered, which is the limit; wait for an "
                      "answer first",
                      kRequestsInFlightMax)};
}

void ConnectionCore::Submit(Bytes bytes, const Terms& terms, Done done) {
  AddRequest(bytes, terms, 0, std::move(done));
  Reach();
  SendAll();
}

uint64_t ConnectionCore::SubmitCancellable(Bytes bytes, const Terms& terms, Done done) {
  if (terms.wait_until_ns != 0 && parked_.size() >= kWaitingRequestsMax) {
    encoder_.Shrink();
    done({StatusCode::kBusy,
          fmt::format("{} requests wait in the broker already, which is the limit; cancel one, or "
                      "ask without waiting",
                      kWaitingRequestsMax)},
         nullptr);
    return 0;
  }
  const uint64_t ticket = ++last_ticket_;
  AddRequest(bytes, terms, ticket, std::move(done));
  Reach();
  SendAll();
  return requests_.FindTicket(ticket) != nullptr ? ticket : 0;
}

void ConnectionCore::AddRequest(Bytes bytes, const Terms& terms, uint64_t ticket, Done done) {
  PendingRequest request;
  request.number = requests_.next_number();
  request.is_repeatable = terms.is_repeatable;
  request.deadline_ns = terms.deadline_ns;
  request.wait_until_ns = terms.wait_until_ns;
  request.ticket = ticket;
  request.bytes = encoder_.HandOver();
  ROOST_CHECK(request.bytes.begin() == bytes.data() && request.bytes.size() == bytes.size(),
              "another request was made since");
  request.done = std::move(done);
  requests_.Add(std::move(request));
  encoder_.Shrink();
}

void ConnectionCore::Cancel(uint64_t ticket) {
  if (ticket == 0) return;
  // What a callback holds is let go of when everything is in order again.
  Done dropped;
  if (const PendingRequest* request = requests_.FindTicket(ticket)) {
    const uint64_t number = request->number;
    if (request->was_sent) GiveUp(number);
    dropped = requests_.Abandon(number);
  } else {
    bool is_known = false;
    std::optional<PendingRequest> parked = parked_.TakeTicket(ticket, &is_known);
    if (!parked.has_value()) return;
    if (parked->number != 0) GiveUp(parked->number);
    dropped = std::move(parked->done);
  }
  SendAll();
}

// Cancellations first: what is cancelled may stand in the way of what is asked, also of the same request under its
// new number. Then what waited, while its numbers are not too old.
void ConnectionCore::SendAll() {
  const uint64_t sent_before_ns = sent_ns_;
  RenumberParked();
  SendCancellations();
  SendParked();
  SubmitReturns();
  SubmitClaimCheck();
  SendRequests();
  SendWaits();
  PublishLane();
  const bool woke_broker = sent_ns_ != sent_before_ns;
  if (woke_broker && sent_ns_ - reported_ns_ >= options_.report_ns) SendReport();
}

void ConnectionCore::RenumberParked() {
  while (MaySend()) {
    const PendingRequest* request = parked_.FirstUnsent();
    if (request == nullptr || request->number + kRequestsInFlightMax >= requests_.next_number()) {
      return;
    }
    const uint64_t number = request->number;
    parked_.LoseNumber(number);
    GiveUp(number);
  }
}

void ConnectionCore::SendCancellations() {
  while (MaySend() && !cancelled_waits_.empty()) {
    if (!TakeOutcome(SendMessage(encoder_.CancelWait(cancelled_waits_.back())))) return;
    cancelled_waits_.pop_back();
  }
  while (MaySend() && !cancelled_requests_.empty()) {
    if (!TakeOutcome(SendMessage(encoder_.CancelRequest(cancelled_requests_.back())))) return;
    cancelled_requests_.pop_back();
  }
}

void ConnectionCore::SendParked() {
  while (MaySend()) {
    PendingRequest* request = parked_.FirstUnsent();
    if (request == nullptr) break;
    if (!TakeOutcome(SendRequest(request))) return;
  }
  while (MaySend() && parked_.HasNumberless() && requests_.HasRoom()) {
    PendingRequest request = parked_.TakeNumberless();
    request.number = requests_.next_number();
    RenumberRequest(request.bytes, request.number);
    request.state = PendingRequest::State::kQueued;
    ++request.renumbered;
    requests_.Add(std::move(request));
  }
}

void ConnectionCore::SubmitReturns() {
  while (MaySend() && late_.HasReturn() && requests_.HasRoom()) {
    const LateAnswers::Return back = late_.NextReturn();
    const Bytes request = back.token != 0 ? encoder_.Release(next_number(), back.token, "given up")
                                          : encoder_.Settle(next_number(), back.items,
                                                            wire::Outcome::Retry, "given up");
    // A claim may have renewed one that is still held here, which went back with it.
    if (back.token != 0) WantClaimCheck("released with a claim that was given up");
    AddRequest(request, {.deadline_ns = MonotonicNs() + kReturnNs}, 0,
               [](const Status&, const wire::Reply*) {});
  }
}

void ConnectionCore::SendRequests() {
  while (MaySend()) {
    PendingRequest* request = requests_.FirstQueued();
    if (request == nullptr) break;
    if (!TakeOutcome(SendRequest(request))) return;
  }
}

void ConnectionCore::SendWaits() {
  while (MaySend()) {
    uint64_t registration;
    WaitTable::Entry* entry = waits_.FirstUnsent(&registration);
    if (entry == nullptr) break;
    if (!TakeOutcome(SendWait(registration, entry))) return;
  }
}

void ConnectionCore::SendReport() {
  if (MaySend() && !own_work_.empty()) SendActive();
}

// Through the socket, lane or not: it is read there even when this process is gone, and depends on no other message.
void ConnectionCore::SendActive() {
  if (!TakeOutcome(SendBySocket(encoder_.Active(own_work_.Fields())))) return;
  own_work_.Clear();
  reported_ns_ = sent_ns_;
}

// For a client that asks the broker for nothing. Whoever has done nothing since has nothing to say, and no timer.
uint64_t ConnectionCore::ReportDueNs() const {
  const uint64_t since_ns = own_work_.since_ns();
  return MaySend() && since_ns != UINT64_MAX ? since_ns + options_.report_ns : UINT64_MAX;
}

// True: it was sent.
bool ConnectionCore::TakeOutcome(SocketOutcome outcome) {
  if (outcome == SocketOutcome::kWouldBlock && lane_held_until_ns_ == 0) send_blocked_ = true;
  if (outcome == SocketOutcome::kClosed) ConnectionLost("the broker hung up");
  return outcome == SocketOutcome::kDone;
}

SocketOutcome ConnectionCore::SendMessage(Bytes bytes) {
  return lane_.has_value() ? SendByLane(bytes) : SendBySocket(bytes);
}

SocketOutcome ConnectionCore::SendBySocket(Bytes bytes, int fd) {
  const SocketOutcome outcome = SendSeqpacket(socket_.get(), bytes, fd);
  if (outcome == SocketOutcome::kDone) sent_ns_ = MonotonicNs();
  return outcome;
}

SocketOutcome ConnectionCore::SendRequest(PendingRequest* request) {
  if (request->wait_until_ns != 0) {
    SetRequestWait(request->bytes, WaitLeftMs(request->wait_until_ns));
  }
  SocketOutcome outcome;
  if (request->bytes.size() <= kInlineRequestBytesMax) {
    outcome = SendMessage(request->bytes);
  } else if (!MayUseSocket()) {
    outcome = HoldLane();
  } else {
    const Result<UniqueFd> memfd = MakeRequestMemfd(request->bytes);
    if (!memfd.ok()) {
      OnAnswer(request->number, memfd.status(), nullptr);
      return SocketOutcome::kDone;
    }
    outcome = SendBySocket(encoder_.InMemory(request->number, request->bytes.size()), memfd->get());
    if (outcome == SocketOutcome::kDone && lane_.has_value()) socket_request_ = request->number;
  }
  if (outcome == SocketOutcome::kDone) {
    request->state = PendingRequest::State::kSent;
    request->was_sent = true;
  }
  return outcome;
}

SocketOutcome ConnectionCore::SendWait(uint64_t registration, WaitTable::Entry* entry) {
  const SocketOutcome outcome =
      SendMessage(encoder_.Wait({.registration = registration,
                                 .after = entry->after,
                                 .stream = entry->filter.stream,
                                 .stream_prefix = entry->filter.stream_prefix,
                                 .types = entry->filter.types,
                                 .agent = entry->filter.agent}));
  if (outcome == SocketOutcome::kDone) entry->sent = entry->was_sent = true;
  return outcome;
}

}  // namespace roost
