// The requests that wait for their answer in the broker (it said Queued), from then on until they are answered,
// cancelled or late. They take no place among the 64 unanswered ones. The broker forgets them with the connection,
// so they are asked again over the next one: under their own number while the broker still tells answers to it,
// else under a new one.
//
// Bounded by whoever adds. One thread.
#ifndef ROOST_CLIENT_PARKED_REQUESTS_H_
#define ROOST_CLIENT_PARKED_REQUESTS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "client/request_window.h"

namespace roost {

class ParkedRequests {
 public:
  bool empty() const { return numbered_.empty() && numberless_.empty(); }
  size_t size() const { return numbered_.size() + numberless_.size(); }

  // The broker said Queued to it. REQUIRES: !Has(request.number).
  void Add(PendingRequest request);

  // Whether a request with this number is here, and not one that needs a new number.
  bool Has(uint64_t number) const { return numbered_.count(number) != 0; }
  // Takes it out. REQUIRES: Has(number).
  PendingRequest Take(uint64_t number);
  // Its number is of no use any more. REQUIRES: Has(number).
  void LoseNumber(uint64_t number);

  // Takes out the one with this ticket; `*is_known`: the broker knows it on this connection. Its number is 0 if it
  // was to get a new one.
  std::optional<PendingRequest> TakeTicket(uint64_t ticket, bool* is_known);
  std::vector<PendingRequest> TakeAll();

  // One that is to be asked again under its own number, or nullptr. Its state becomes kSent when it was.
  PendingRequest* FirstUnsent();
  // One that is to be asked again under a new number.
  bool HasNumberless() const { return !numberless_.empty(); }
  // REQUIRES: HasNumberless().
  PendingRequest TakeNumberless();

  // All must be asked again.
  void ConnectionLost();
  // The session was lost: all need new numbers.
  void SessionLost();

  uint64_t EarliestDeadline() const;
  // The tickets of those whose deadline has come.
  std::vector<uint64_t> LateTickets(uint64_t now_ns) const;

 private:
  std::map<uint64_t, PendingRequest> numbered_;
  std::deque<PendingRequest> numberless_;
};

}  // namespace roost

#endif  // ROOST_CLIENT_PARKED_REQUESTS_H_
