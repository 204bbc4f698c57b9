#include "client/connection_core.h"

#include <fmt/core.h>
#include <poll.h>

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "client/batch_check.h"
#include "client/lost_answer.h"
#include "ipc/protocol.h"
#include "ipc/socket_path.h"

namespace roost {

ConnectionCore::ConnectionCore(ConnectionOptions options)
    : options_(std::move(options)), attachment_(options_.socket, options_.agent) {}

ConnectionCore::~ConnectionCore() { SendReport(); }

// ---- the outside ----

short ConnectionCore::events() const {
  return static_cast<short>(POLLIN | (send_blocked_ ? POLLOUT : 0));
}

void ConnectionCore::OnReady() {
  if (!socket_.valid()) return;
  Receive();
  send_blocked_ = false;
  lane_held_until_ns_ = 0;
  SendAll();
}

uint64_t ConnectionCore::NextTimerNs() const {
  uint64_t next = std::min(requests_.EarliestDeadline(), parked_.EarliestDeadline());
  for (const AttachWaiter& waiter : attach_waiters_) next = std::min(next, waiter.deadline_ns);
  next = std::min(next, ReportDueNs());
  const uint64_t attempt_ns = schedule_.next_ns();
  if (lane_held_until_ns_ != 0) next = std::min(next, lane_held_until_ns_);
  if (state_ == State::kDetached && attempt_ns != 0 && NeedsBroker(attempt_ns)) {
    next = std::min(next, attempt_ns);
  }
  return next;
}

void ConnectionCore::OnTimer() {
  const uint64_t now_ns = MonotonicNs();
  ExpireAttachWaiters(now_ns);
  ExpireRequests(now_ns);
  ExpireParked(now_ns);
  if (now_ns >= lane_held_until_ns_) lane_held_until_ns_ = 0;
  if (state_ == State::kDetached && now_ns >= schedule_.next_ns()) {
    if (NeedsBroker(now_ns)) {
      TryConnect();
    } else {
      schedule_.GiveUp();  // this attempt comes so late that nobody wants it any more
    }
  }
  if (now_ns >= ReportDueNs()) SendReport();
  SendAll();
}

void ConnectionCore::Attach(uint64_t deadline_ns, Connection::AttachDone done) {
  if (state_ == State::kAttached) return done(Status());
  if (const Status label = CheckAgentLabel(options_.agent); !label.ok()) return done(label);
  attach_waiters_.push_back({deadline_ns, std::move(done)});
  Reach();
}

uint64_t ConnectionCore::Wait(const Filter& filter, uint64_t after, Connection::WaitDone done) {
  if (!waits_.HasRoom()) {
    done({StatusCode::kBusy,
          fmt::format("{} waits are registered, which is the limit", kWaitsPerSessionMax)});
    return 0;
  }
  const uint64_t registration = waits_.Add(filter, after, std::move(done));
  Reach();
  SendAll();
  return waits_.Has(registration) ? registration : 0;
}

void ConnectionCore::CancelWait(uint64_t registration) {
  if (!waits_.Cancel(registration)) return;
  cancelled_waits_.push_back(registration);
  SendAll();
}

void ConnectionCore::NoteActivity() {
  if (!MaySend() || MonotonicNs() - sent_ns_ < options_.activity_ns) return;
  SendActive();
}

// ---- reaching the broker ----

// Somebody wants something of the broker. One that was lost a moment ago is being restarted, perhaps: the
// next attempt comes in its time. Otherwise there is one now.
void ConnectionCore::Reach() {
  if (state_ != State::kDetached) return;
  const uint64_t now_ns = MonotonicNs();
  if (!schedule_.ComesBack(now_ns) || now_ns >= schedule_.next_ns()) TryConnect();
}

void ConnectionCore::TryConnect() {
  Result<UniqueFd> connected = ConnectSeqpacket(options_.socket);
  if (!connected.ok()) return OnConnectFailed(connected.status());
  socket_ = std::move(*connected);
  state_ = State::kAttaching;
  send_blocked_ = false;
  const Bytes request = encoder_.Attach(options_.agent, options_.program, attachment_.session(),
                                        attachment_.secret());
  // A socket that was just connected has room for its first message.
  if (SendMessage(request) != SocketOutcome::kDone) {
    ConnectionLost("the broker hung up");
  }
  reported_ns_ = sent_ns_;
}

void ConnectionCore::OnConnectFailed(const Status& status) {
  const uint64_t now_ns = MonotonicNs();
  const bool nobody_there =
      status.code() == StatusCode::kNotFound || status.code() == StatusCode::kUnavailable;
  last_trouble_ = nobody_there ? Status(StatusCode::kUnavailable, NoBrokerMessage(options_.socket))
                               : Status(status.code(), status.message());
  schedule_.Failed(now_ns);
  // A full backlog means that there is a broker.
  if (schedule_.ComesBack(now_ns) || status.code() == StatusCode::kBusy) return;
  FailNew(last_trouble_);
}

void ConnectionCore::Close() {
  socket_.Reset();
  state_ = State::kDetached;
  send_blocked_ = false;
  CloseLane();
  attachment_.SetAttached(false);
  cancelled_waits_.clear();
  cancelled_requests_.clear();
  requests_.ConnectionLost();
  parked_.ConnectionLost();
  waits_.ConnectionLost();
}

void ConnectionCore::ConnectionLost(const std::string& reason) {
  const bool was_attached = state_ == State::kAttached;
  Close();
  last_trouble_ = {StatusCode::kUnavailable,
                   fmt::format("{} ({}); see that roostd runs there", reason, options_.socket)};
  if (was_attached) {
    schedule_.Lost(MonotonicNs());
  } else {
    schedule_.Failed(MonotonicNs());
  }
}

// Those whom a broker knows (a request that was sent may be done, a wait may be about to wake) stay.
void ConnectionCore::FailNew(const Status& status) {
  std::vector<AttachWaiter> waiters = std::exchange(attach_waiters_, {});
  const std::vector<uint64_t> unsent =
      requests_.NumbersWhere([](const PendingRequest& request) { return !request.was_sent; });
  const std::vector<uint64_t> unknown = waits_.Registrations(/*never_sent_only=*/true);
  std::vector<PendingRequest::Done> dones;
  for (const uint64_t number : unsent) dones.push_back(requests_.Finish(number));
  std::vector<WaitTable::Done> wait_dones;
  for (const uint64_t registration : unknown) wait_dones.push_back(waits_.Take(registration));
  for (AttachWaiter& waiter : waiters) waiter.done(status);
  for (PendingRequest::Done& done : dones) done(status, nullptr);
  for (WaitTable::Done& done : wait_dones) done(status);
}

void ConnectionCore::FailEverything(const Status& status) {
  Close();
  last_trouble_ = status;
  schedule_.GiveUp();
  const std::vector<uint64_t> sent =
      requests_.NumbersWhere([](const PendingRequest& request) { return request.was_sent; });
  std::vector<std::pair<PendingRequest::Done, Status>> dones;
  for (const uint64_t number : sent) {
    const bool repeatable = requests_.IsRepeatable(number);
    if (requests_.Find(number)->ticket != 0) GiveUp(number);
    dones.emplace_back(requests_.Finish(number), repeatable ? status : LostAnswer());
  }
  std::vector<PendingRequest> parked = parked_.TakeAll();
  for (const PendingRequest& request : parked) {
    if (request.number != 0) GiveUp(request.number);
  }
  std::vector<WaitTable::Done> wait_dones;
  for (const uint64_t registration : waits_.Registrations(/*never_sent_only=*/false)) {
    wait_dones.push_back(waits_.Take(registration));
  }
  FailNew(status);
  for (auto& [done, why] : dones) done(why, nullptr);
  for (PendingRequest& request : parked) request.done(status, nullptr);
  for (WaitTable::Done& done : wait_dones) done(status);
}

bool ConnectionCore::NeedsBroker(uint64_t now_ns) const {
  return !attach_waiters_.empty() || !requests_.empty() || !parked_.empty() || !waits_.empty() ||
         schedule_.ComesBack(now_ns);
}

// ---- time ----

void ConnectionCore::ExpireAttachWaiters(uint64_t now_ns) {
  std::vector<AttachWaiter> late;
  std::vector<AttachWaiter> rest;
  for (AttachWaiter& waiter : attach_waiters_) {
    (waiter.deadline_ns <= now_ns ? late : rest).push_back(std::move(waiter));
  }
  attach_waiters_ = std::move(rest);
  for (AttachWaiter& waiter : late) waiter.done(WhyTimedOut(false));
}

void ConnectionCore::ExpireRequests(uint64_t now_ns) {
  const std::vector<uint64_t> late = requests_.NumbersWhere(
      [now_ns](const PendingRequest& request) { return request.deadline_ns <= now_ns; });
  std::vector<std::pair<PendingRequest::Done, bool>> dones;
  for (const uint64_t number : late) {
    const bool was_sent = requests_.WasSent(number);
    if (was_sent && requests_.Find(number)->ticket != 0) GiveUp(number);
    dones.emplace_back(requests_.Abandon(number), was_sent);
  }
  for (auto& [done, was_sent] : dones) done(WhyTimedOut(was_sent), nullptr);
}

void ConnectionCore::ExpireParked(uint64_t now_ns) {
  std::vector<std::pair<PendingRequest::Done, bool>> dones;
  for (const uint64_t ticket : parked_.LateTickets(now_ns)) {
    bool is_known = false;
    std::optional<PendingRequest> request = parked_.TakeTicket(ticket, &is_known);
    if (request->number != 0) GiveUp(request->number);
    dones.emplace_back(std::move(request->done), is_known);
  }
  for (auto& [done, was_sent] : dones) done(WhyTimedOut(was_sent), nullptr);
}

void ConnectionCore::GiveUp(uint64_t number) {
  late_.GiveUp(number);
  if (state_ == State::kAttached) cancelled_requests_.push_back(number);
}

Status ConnectionCore::WhyTimedOut(bool was_sent) const {
  if (was_sent) {
    return {StatusCode::kTimedOut,
            "the broker has not answered in time; what was asked may still be done (an append with "
            "an id can be asked again without being done twice)"};
  }
  if (state_ == State::kDetached) {
    return {StatusCode::kUnavailable,
            last_trouble_.ok() ? NoBrokerMessage(options_.socket) : last_trouble_.message()};
  }
  return {
      StatusCode::kTimedOut,
      fmt::format("the broker at {} does not answer; nothing was asked of it", options_.socket)};
}

}  // namespace roost
