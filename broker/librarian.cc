#include "broker/librarian.h"

#include <fmt/core.h>

#include <utility>

#include "base/clock.h"
#include "broker/logging.h"

namespace roost {

using wire::RefusalCode;

namespace {

// How often it is looked whether a peer has read.
constexpr uint64_t kLookAgainNs = 5 * kNsPerMs;
// A round asks the kernel about each part of the ring that is not condensed, most of which stay empty for ever: under full load
// one a housekeeping would cost more than a twentieth of what an append does.
constexpr uint64_t kCondenseIntervalNs = kNsPerSecond;

}  // namespace

Librarian::Librarian(LogWriter* log, const RingReader* ring, Sweeper* sweeper)
    : log_(log),
      ring_(ring),
      sweeper_(sweeper),
      maintain_bytes_(log->options().segment_bytes / 32),
      requests_(kRequestsMax) {}

Librarian::~Librarian() { loop_.Stop(); }

bool Librarian::PostFindSegment(std::shared_ptr<PeerSocket> socket, uint64_t number,
                                uint64_t sequence, uint64_t position) {
  PeerSocket& peer = *socket;
  if (peer.segment_requests.load(std::memory_order_relaxed) >= kRequestsPerPeerMax) return false;
  peer.segment_requests.fetch_add(1, std::memory_order_relaxed);
  if (!requests_.push(FindRequest{std::move(socket), number, sequence, position})) {
    peer.segment_requests.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  loop_.Ring();
  return true;
}

void Librarian::OnCommit(uint64_t bytes) {
  bytes_since_ += bytes;
  if (bytes_since_ < maintain_bytes_) return;
  bytes_since_ = 0;
  maintain_.store(true, std::memory_order_release);
  loop_.Ring();
}

bool Librarian::HasWork() {
  return requests_.read_available() > 0 || maintain_.load(std::memory_order_acquire) || condensing_;
}

void Librarian::Work() {
  FindRequest request;
  if (!deferred_.empty()) ServeDeferred(MonotonicNs());
  BeginToCondense();
  if (maintain_.exchange(false, std::memory_order_acq_rel)) {
    Maintain();
  } else if (requests_.pop(request)) {
    Take(std::move(request));
  } else if (condensing_) {
    // A piece at a time, so that nobody waits for more than one.
    condensing_ = log_->CondenseRing();
    if (!condensing_) condensed_ns_ = MonotonicNs();
  }
}

void Librarian::BeginToCondense() {
  if (condense_due_ns_ == UINT64_MAX || MonotonicNs() < condense_due_ns_) return;
  condense_due_ns_ = UINT64_MAX;
  condensing_ = true;
}

void Librarian::Maintain() {
  if (condense_due_ns_ == UINT64_MAX && !condensing_) condense_due_ns_ = condensed_ns_ + kCondenseIntervalNs;
  if (const Status status = log_->MaintainJournal(); !status.ok()) {
    Log(LogLevel::kError, "housekeeping of the journal failed: {}", status.message());
  }
  if (sweeper_ != nullptr) sweeper_->Ring();
}

void Librarian::Take(FindRequest request) {
  if (request.socket->HasTakenDescriptor()) return Find(request);
  if (deferred_.size() >= kRequestsMax) return RefuseDeferred(request);
  const uint64_t now_ns = MonotonicNs();
  request.deferred_until_ns = now_ns + kPatienceNs;
  deferred_.push_back(std::move(request));
  if (look_again_ns_ == UINT64_MAX) look_again_ns_ = now_ns + kLookAgainNs;
}

void Librarian::ServeDeferred(uint64_t now_ns) {
  if (now_ns < look_again_ns_) return;
  for (FindRequest& request : std::exchange(deferred_, {})) {
    if (request.socket->hung_up() || request.socket->HasTakenDescriptor()) {
      Find(request);
    } else if (now_ns >= request.deferred_until_ns) {
      RefuseDeferred(request);
    } else {
      deferred_.push_back(std::move(request));
    }
  }
  look_again_ns_ = deferred_.empty() ? UINT64_MAX : now_ns + kLookAgainNs;
}

void Librarian::RefuseDeferred(const FindRequest& request) {
  request.socket->segment_requests.fetch_sub(1, std::memory_order_relaxed);
  request.socket->Send(replies_.Refused(
      request.number,
      {RefusalCode::Busy, "a segment that was sent before was not read yet; read it first"}));
}

void Librarian::Find(const FindRequest& request) {
  request.socket->segment_requests.fetch_sub(1, std::memory_order_relaxed);
  if (request.socket->hung_up()) return;
  const Result<SegmentPlace> place = log_->FindSegment(request.sequence, request.position);
  if (place.ok() && place->next_sequence != 0) {
    request.socket->Send(replies_.Gone(request.number, place->next_sequence));
    return;
  }
  if (place.ok()) {
    request.socket->Send(replies_.Segment(request.number, *place), place->fd.get());
    return;
  }
  switch (place.status().code()) {
    case StatusCode::kGone:
      request.socket->Send(replies_.Gone(request.number, ring_->log_oldest()));
      break;
    case StatusCode::kNotFound:
      // Without a journal what the ring has overwritten is nowhere.
      if (request.sequence != 0 && request.sequence < ring_->log_oldest()) {
        request.socket->Send(replies_.Gone(request.number, ring_->log_oldest()));
        return;
      }
      request.socket->Send(replies_.Refused(
          request.number, {RefusalCode::Invalid, "no segment: " + place.status().message()}));
      break;
    default:
      Log(LogLevel::kError, "can't hand out a segment: {}", place.status().message());
      request.socket->Send(replies_.Refused(
          request.number,
          {RefusalCode::Busy, "the segment can't be opened: " + place.status().message()}));
  }
}

}  // namespace roost
