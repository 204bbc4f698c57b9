// The requests of a session that are not answered yet, in the order of their numbers, which are dense: at
// most kRequestsInFlightMax from the oldest unanswered one to the newest, so that the broker still has
// the answer to each when it is asked again. One thread.
#ifndef ROOST_CLIENT_REQUEST_WINDOW_H_
#define ROOST_CLIENT_REQUEST_WINDOW_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "base/status.h"
#include "ipc/messages.h"
#include "schemas/control_generated.h"

namespace roost {

struct PendingRequest {
  enum class State {
    kQueued,     // to be sent on this connection
    kSent,       // its answer will come on this connection
    kAbandoned,  // the same, but nobody wants it any more
    kDone,       // keeps its number's place only
  };
  // Either the status is not ok, or the reply is the broker's and lives until this returns.
  using Done = std::function<void(const Status&, const wire::Reply*)>;

  uint64_t number = 0;
  State state = State::kQueued;
  bool was_sent = false;       // on this or an earlier connection of the session: it may be done
  bool is_repeatable = true;   // doing it twice does no harm, or cannot happen
  uint64_t deadline_ns = 0;    // CLOCK_MONOTONIC
  uint64_t wait_until_ns = 0;  // the broker may say Queued and answer until then; 0: it may not
  // Names it to its owner, whatever becomes of its number; 0: nobody will ask, and nothing is granted to it.
  uint64_t ticket = 0;
  uint32_t renumbered = 0;  // how often it got a new number within its session
  OwnedRequest bytes;
  Done done;
};

class RequestWindow {
 public:
  bool HasRoom() const;
  uint64_t next_number() const { return next_number_; }
  bool empty() const { return live_ == 0; }  // nobody waits for an answer
  size_t live() const { return live_; }

  // REQUIRES: HasRoom(). `request.number` is next_number().
  void Add(PendingRequest request);

  // One whose answer is waited for, or nullptr.
  const PendingRequest* Find(uint64_t number);
  // The same by its ticket.
  const PendingRequest* FindTicket(uint64_t ticket);
  // Its answer will come, and nobody wants it.
  bool IsAbandoned(uint64_t number);
  // The oldest that is queued, or nullptr.
  PendingRequest* FirstQueued();

  // REQUIRES: it is live.
  bool WasSent(uint64_t number);
  bool IsRepeatable(uint64_t number);

  // Takes a request out, for its `done` to be called. An abandoned one gives up its place only.
  PendingRequest::Done Finish(uint64_t number);
  // Takes a live request out, to be kept elsewhere; its place is free.
  PendingRequest Park(uint64_t number);
  // The caller no longer waits; the answer may still come.
  PendingRequest::Done Abandon(uint64_t number);

  uint64_t EarliestDeadline() const;
  // The numbers of live requests for which `predicate` holds, oldest first.
  template <typename Predicate>
  std::vector<uint64_t> NumbersWhere(Predicate predicate) const {
    std::vector<uint64_t> numbers;
    for (const PendingRequest& request : requests_) {
      if (IsLive(request) && predicate(request)) numbers.push_back(request.number);
    }
    return numbers;
  }

  // The connection was lost: what was sent must be sent again.
  void ConnectionLost();
  // The session was lost: what is live gets new numbers, from 1 on, and was not sent in the new session.
  void SessionLost();

 private:
  static bool IsLive(const PendingRequest& request) {
    return request.state == PendingRequest::State::kQueued ||
           request.state == PendingRequest::State::kSent;
  }
  PendingRequest* At(uint64_t number);
  void DropDone();

  std::deque<PendingRequest> requests_;
  uint64_t next_number_ = 1;
  size_t live_ = 0;
};

}  // namespace roost

#endif  // ROOST_CLIENT_REQUEST_WINDOW_H_
