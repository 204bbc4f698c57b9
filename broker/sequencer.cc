#include "broker/sequencer.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "broker/logging.h"
#include "ipc/protocol.h"

namespace roost {

Sequencer::Sequencer(const Parts& parts, int listener, uint64_t spin_ns)
    : parts_(parts),
      spin_(spin_ns),
      acceptor_(listener),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      buffer_(kInlineRequestBytesMax) {
  ROOST_CHECK(epoll_.valid() && stop_.valid(), "errno={}", errno);
  bulk_.reserve(kReadyMax + Lanes::kLanesMax);
  leaving_.reserve(kLeavesPerTurn);
}

Sequencer::~Sequencer() = default;

void Sequencer::RequestStop() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_.get(), &one, sizeof(one));
}

Status Sequencer::Watch(int fd, void* tag) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = tag;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return Status::FromErrno(errno, "epoll_ctl");
  }
  return {};
}

Status Sequencer::Run(int signal_fd) {
  ROOST_RETURN_IF_ERROR(Begin(signal_fd));
  while (Turn(/*may_wait=*/true)) {
  }
  return {};
}

Status Sequencer::Begin(int signal_fd) {
  signal_fd_ = signal_fd;
  // Addresses of members tell these apart from peers.
  ROOST_RETURN_IF_ERROR(Watch(stop_.get(), &stop_));
  ROOST_RETURN_IF_ERROR(Watch(acceptor_.fd(), &acceptor_));
  if (signal_fd_ >= 0) ROOST_RETURN_IF_ERROR(Watch(signal_fd_, &signal_fd_));
  for (const WakeSource& source : parts_.wake_sources) {
    ROOST_RETURN_IF_ERROR(Watch(source.fd, const_cast<WakeSource*>(&source)));
  }
  return {};
}

bool Sequencer::Turn(bool may_wait) {
  std::array<epoll_event, kReadyMax> ready;
  const int count = Poll(ready.data(), may_wait);
  TakeTurn(ready.data(), count);
  return !stopping_;
}

int Sequencer::Poll(epoll_event* ready, bool may_wait) {
  // Little is done behind the answers of a turn: the clock need not be read again.
  const uint64_t answered_ns = std::exchange(answered_ns_, 0);
  uint64_t now_ns = answered_ns != 0 ? answered_ns : MonotonicNs();
  if (parts_.lanes->HasAwake() && LanesBring(&now_ns)) {
    parts_.counters->SetBeat(Doing::kWorking, now_ns);
    return 0;
  }
  looked_ns_ = now_ns;
  int timeout_ms = 0;
  if (may_wait && !spin_.LooksOn(now_ns)) {
    const uint64_t timer_ns = NextTimerNs();
    if (timer_ns == UINT64_MAX) {
      timeout_ms = -1;
    } else if (timer_ns > now_ns) {
      timeout_ms = static_cast<int>(std::min<uint64_t>((timer_ns - now_ns) / kNsPerMs + 1, 60'000));
    }
  }
  // Last of all, since from here on it is the bell that tells.
  const bool may_sleep = timeout_ms != 0 || !may_wait;
  if (may_sleep && !parts_.lanes->FallAsleep()) timeout_ms = 0;
  parts_.counters->SetBeat(timeout_ms == 0 ? Doing::kWorking : Doing::kAsleep, now_ns);
  const int count = ::epoll_wait(epoll_.get(), ready, kReadyMax, timeout_ms);
  ROOST_CHECK(count >= 0 || errno == EINTR, "epoll_wait: errno={}", errno);
  if (timeout_ms == 0 && count <= 0) return 0;
  const uint64_t woken_ns = MonotonicNs();
  parts_.counters->SetBeat(Doing::kWorking, woken_ns);
  if (count > 0) spin_.OnWork(woken_ns);
  return std::max(count, 0);
}

// While there are lanes that are awake the kernel is asked for the others now and then only.
bool Sequencer::LanesBring(uint64_t* now_ns) {
  while (*now_ns - looked_ns_ < kLookGapNs) {
    if (parts_.lanes->HasRequests()) return true;
    *now_ns = MonotonicNs();
  }
  return false;
}

void Sequencer::TakeTurn(const epoll_event* ready, int count) {
  if (count == 0 && !HasLeavers() && !parts_.lanes->HasRequests() &&
      spin_.LooksOn(MonotonicNs())) {
    return;
  }
  ++turn_;
  unread_left_ = kUnreadPerTurn;
  parts_.own_events->StageWaiting();
  bool somebody_comes = false;
  for (int i = 0; i < count; ++i) {
    void* const tag = ready[i].data.ptr;
    if (tag == &acceptor_) {
      somebody_comes = true;
    } else if (tag == &stop_) {
      stopping_ = true;
    } else if (tag == &signal_fd_) {
      ReadSignal();
    } else if (!Wake(tag)) {
      ServeLight({static_cast<Peer*>(tag), /*is_lane=*/false});
    }
  }
  const bool lanes_had_some = ServeLanes();
  if (count == 0 && lanes_had_some) spin_.OnWork(MonotonicNs());
  const bool syncs = parts_.log->options().durability == Durability::kPower;
  if (somebody_comes || !bulk_.empty()) {
    // A sync takes longer than all that waits here: it is done once a turn.
    if (!syncs) {
      parts_.turn->Finish();
      parts_.lanes->Publish();
    }
    if (somebody_comes) AcceptSome();
    ServeBulk();
  }
  RunTimers();
  LeaveClosed();
  // What was posted to the waker needs no sync.
  if (syncs) parts_.waker->OnTurnEnd(requests_in_turn_);
  parts_.turn->Finish(turn_ns_);
  answered_ns_ = parts_.turn->answered_ns();
  parts_.coordinator->ServeWaiting();
  parts_.lanes->Publish();
  DestroyClosed();
  Announce();
  CountTurn();
}

bool Sequencer::Wake(const void* tag) {
  for (const WakeSource& source : parts_.wake_sources) {
    if (tag != &source) continue;
    source.on_ready();
    return true;
  }
  return false;
}

void Sequencer::ReadSignal() {
  signalfd_siginfo signal{};
  const bool is_reload = ::read(signal_fd_, &signal, sizeof(signal)) == sizeof(signal) &&
                         signal.ssi_signo == SIGHUP && parts_.on_reload_signal;
  if (is_reload) {
    parts_.on_reload_signal();
  } else {
    stopping_ = true;
  }
}

void Sequencer::AcceptSome() {
  // Of those that were turned away and have filled their sockets no more are taken than can be got rid of.
  for (size_t i = turned_away_.size(); i < kAcceptsPerTurn; ++i) {
    std::shared_ptr<PeerSocket> socket;
    switch (acceptor_.Accept(&socket)) {
      case Acceptor::Outcome::kNone:
        return;
      case Acceptor::Outcome::kRefused:
        TurnAway(std::move(socket));
        continue;
      case Acceptor::Outcome::kExhausted:
        PauseAccepting(MonotonicNs());
        return;
      case Acceptor::Outcome::kAccepted:
        break;
    }
    if (newcomers_.size() >= kNewcomersMax) RunNewcomerTimer(MonotonicNs());
    if (newcomers_.size() >= kNewcomersMax) {
      SendBusy(socket->fd(), "too many clients are connected and not attached; try again");
      TurnAway(std::move(socket));
      continue;
    }
    auto peer = std::make_unique<Peer>();
    peer->socket = std::move(socket);
    peer->accepted_ns = MonotonicNs();
    if (const Status status = Watch(peer->socket->fd(), peer.get()); !status.ok()) {
      Log(LogLevel::kWarning, "a client was turned away: {}", status.message());
      continue;
    }
    Peer& added = *peer;
    added.place = newcomers_.insert(newcomers_.end(), std::move(peer));
  }
}

void Sequencer::PauseAccepting(uint64_t now_ns) {
  // Left in, the listening socket would be ready for ever and keep the thread from sleeping.
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, acceptor_.fd(), nullptr);
  accept_again_ns_ = now_ns + kAcceptPauseNs;
}

void Sequencer::ServeLight(const Inlet& inlet) {
  if (inlet.is_bulk()) {
    bulk_.push_back(inlet);
    return;
  }
  Taken taken;
  Receive(inlet, kLightMessages, &taken);
}

bool Sequencer::ServeLanes() {
  const uint64_t before = requests_in_turn_;
  for (Peer* peer : parts_.lanes->awake()) {
    if (peer->lane->requests.HasMore()) ServeLight({peer, /*is_lane=*/true});
  }
  return requests_in_turn_ != before || !bulk_.empty();
}

void Sequencer::ServeBulk() {
  std::sort(bulk_.begin(), bulk_.end(), [](const Inlet& one, const Inlet& other) {
    return std::tie(one.peer->served_turn, one.peer->accepted_ns) <
           std::tie(other.peer->served_turn, other.peer->accepted_ns);
  });
  Taken taken;
  for (const Inlet& inlet : bulk_) {
    if (taken.messages >= kBulkMessagesPerTurn || taken.bytes >= kBulkBytesPerTurn) break;
    inlet.peer->served_turn = turn_;
    Receive(inlet, kMessagesPerTurn, &taken);
  }
  bulk_.clear();
}

void Sequencer::Receive(const Inlet& inlet, size_t messages_max, Taken* taken) {
  Peer& peer = *inlet.peer;
  uint64_t bytes = 0;
  peer.work = 0;
  // Not in every turn, since it is a system call. Answers lie in the socket only of a client whose lane has no room for them.
  const bool look = inlet.is_lane ? peer.lane->is_full : ++peer.turns % kTurnsBetweenLooks == 0;
  if (peer.is_behind || look) peer.is_behind = peer.socket->IsBehind();
  bool may_have_more = true;
  for (size_t i = 0; i < messages_max && bytes + peer.work < kBytesPerTurn; ++i) {
    may_have_more = ReceiveOne(inlet, &bytes);
    if (!may_have_more) break;
    ++taken->messages;
  }
  bytes += peer.work;
  taken->bytes += bytes;
  inlet.is_bulk() = may_have_more || bytes > kLightBytes || peer.session == nullptr;
}

bool Sequencer::ReceiveOne(const Inlet& inlet, uint64_t* bytes) {
  Peer& peer = *inlet.peer;
  // Behind an Attach comes what its session asks; there is none before the commit.
  if (peer.attaching || peer.closed) return false;
  if (peer.socket->hung_up()) {
    Close(peer);
    return false;
  }
  return inlet.is_lane ? ReceiveFromLane(peer, bytes) : ReceiveFromSocket(peer, bytes);
}

bool Sequencer::ReceiveFromSocket(Peer& peer, uint64_t* bytes) {
  Received received =
      ReceiveSeqpacket(peer.socket->fd(), buffer_.data(), buffer_.size(), &surplus_);
  switch (received.outcome) {
    case SocketOutcome::kWouldBlock:
      return false;
    case SocketOutcome::kMalformed:
      parts_.disposer->Dispose(&surplus_);
      [[fallthrough]];
    case SocketOutcome::kClosed:
      Close(peer);
      return false;
    case SocketOutcome::kDone:
      break;
  }
  *bytes += Take(peer, Bytes(buffer_.data(), received.size), received.fd);
  parts_.disposer->Dispose(std::move(received.fd));
  return true;
}

bool Sequencer::ReceiveFromLane(Peer& peer, uint64_t* bytes) {
  size_t size = 0;
  switch (peer.lane->requests.Take(buffer_.data(), buffer_.size(), &size)) {
    case LaneOutcome::kNothing:
      return false;
    case LaneOutcome::kBroken:
      Log(LogLevel::kDebug, "pid {} uid {} has nonsense in its lane; hung up",
          peer.socket->credentials().pid, peer.socket->credentials().uid);
      peer.socket->HangUp();
      Close(peer);
      return false;
    case LaneOutcome::kDone:
      break;
  }
  if (peer.session != nullptr) {
    parts_.counters->sessions().Add(peer.session->counters_row, SessionCounter::kLaneRequests);
  }
  *bytes += Take(peer, Bytes(buffer_.data(), size), UniqueFd());
  return true;
}

uint64_t Sequencer::Take(Peer& peer, Bytes message, const UniqueFd& fd) {
  if (parts_.turn->Full()) parts_.turn->Finish();
  ++requests_in_turn_;
  return parts_.handler->Handle(peer, message, fd, MonotonicNs());
}

void Sequencer::Close(Peer& peer) {
  if (peer.closed) return;
  peer.closed = true;
  closed_.push_back(&peer);
  // It may have to wait for its turn to leave, and is not to be ready all the time until then.
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, peer.socket->fd(), nullptr);
}

void Sequencer::TurnAway(std::shared_ptr<PeerSocket> socket) {
  // At once if that can be: its descriptor may be the last one.
  if (!socket->HangUpForGood(parts_.disposer, &unread_left_)) {
    turned_away_.push_back(std::move(socket));
  }
}

void Sequencer::LeaveClosed() {
  for (; !turned_away_.empty(); turned_away_.pop_front()) {
    if (!turned_away_.front()->HangUpForGood(parts_.disposer, &unread_left_)) break;
  }
  size_t messages = kUnreadPerTurn;
  for (; !closed_.empty() && leaving_.size() < kLeavesPerTurn; closed_.pop_front()) {
    Peer* const peer = closed_.front();
    parts_.attacher->Leave(*peer);
    if (!peer->socket->HangUpForGood(parts_.disposer, &messages)) break;
    parts_.waker->PostGone(peer->socket);
    leaving_.push_back(peer);
  }
}

void Sequencer::DestroyClosed() {
  for (Peer* peer : leaving_) {
    ROOST_CHECK(peer->session == nullptr && !peer->attaching);
    parts_.lanes->Close(*peer);
    (peer->is_newcomer ? newcomers_ : peers_).erase(peer->place);
  }
  leaving_.clear();
}

void Sequencer::Announce() {
  if (parts_.log->degraded()) parts_.counters->SetDegraded(parts_.log->degradation());
  const uint64_t head = parts_.log->head();
  parts_.waker->OnTurnEnd(requests_in_turn_);
  if (head == announced_head_) return;
  announced_head_ = head;
  parts_.gauges->NoteWork();
  parts_.syncer->OnCommit();
  const uint64_t bytes = parts_.turn->bytes_committed();
  parts_.librarian->OnCommit(bytes - announced_bytes_);
  announced_bytes_ = bytes;
  parts_.counters->Set(Counter::kHead, head);
}

void Sequencer::CountTurn() {
  if (requests_in_turn_ > 0) {
    parts_.counters->Record(Size::kRequestsPerTurn, requests_in_turn_);
    parts_.gauges->NoteWork();
    requests_in_turn_ = 0;
  }
  // The monitor's come without a request, and wait while the disk is full.
  if (const size_t waiting = parts_.own_events->waiting(); waiting != own_events_waiting_) {
    own_events_waiting_ = waiting;
    parts_.gauges->NoteWork();
  }
  if (parts_.gauges->NextTimerNs() <= turn_ns_) UpdateGauges();
}

void Sequencer::UpdateGauges() {
  parts_.counters->Set(Counter::kStreams, parts_.ring->stream_count());
  // Of those who attached some are still in that list, behind one who has not.
  parts_.counters->Set(Counter::kNewcomers, std::ranges::count_if(newcomers_, [](const auto& peer) {
                         return peer->session == nullptr;
                       }));
  parts_.gauges->OnTurnEnd(turn_ns_);
}

void Sequencer::RunTimers() {
  const uint64_t now_ns = MonotonicNs();
  turn_ns_ = now_ns;
  parts_.waker->PostOverflow();
  RunNewcomerTimer(now_ns);
  parts_.coordinator->OnTimer(now_ns);
  parts_.presence->OnTimer(now_ns);
  if (now_ns >= away_timer_ns_) away_timer_ns_ = parts_.attacher->EndAway(now_ns);
  if (now_ns >= parts_.sessions->NextExpiryNs()) parts_.sessions->Expire(now_ns);
  if (parts_.handler->HoldsMemory()) {
    if (release_ns_ == UINT64_MAX) release_ns_ = now_ns + kReleaseNs;
    if (now_ns >= release_ns_) parts_.handler->Release();
  }
  if (!parts_.handler->HoldsMemory()) release_ns_ = UINT64_MAX;
  if (accept_again_ns_ != 0 && now_ns >= accept_again_ns_) {
    accept_again_ns_ = 0;
    if (!Watch(acceptor_.fd(), &acceptor_).ok()) accept_again_ns_ = now_ns + kAcceptPauseNs;
  }
}

void Sequencer::RunNewcomerTimer(uint64_t now_ns) {
  for (auto next = newcomers_.begin(); next != newcomers_.end();) {
    Peer& peer = **next++;
    if (peer.session != nullptr) {
      peer.is_newcomer = false;
      peers_.splice(peers_.end(), newcomers_, peer.place);
    } else if (now_ns < peer.accepted_ns + kNewcomerNsMax) {
      return;  // those behind it came later
    } else if (!peer.attaching) {
      Close(peer);
    }
  }
}

uint64_t Sequencer::NextTimerNs() {
  if (HasLeavers() || parts_.lanes->HasRequests()) return 0;
  uint64_t next_ns = parts_.own_events->NextTryNs();
  if (!newcomers_.empty()) {
    next_ns = std::min(next_ns, newcomers_.front()->accepted_ns + kNewcomerNsMax);
  }
  if (!parts_.waker->PostOverflow()) next_ns = std::min(next_ns, MonotonicNs() + kNsPerMs);
  next_ns = std::min({next_ns, parts_.sessions->NextExpiryNs(), release_ns_,
                      parts_.coordinator->NextTimerNs(), parts_.presence->NextTimerNs(),
                      parts_.gauges->NextTimerNs()});
  if (accept_again_ns_ != 0) next_ns = std::min(next_ns, accept_again_ns_);
  return std::min(next_ns, away_timer_ns_);
}

}  // namespace roost
