// What comes for requests that nobody waits for any more: a claim that was granted and events that were taken all
// the same must go back at once. Knows which requests those are, and what has to be given back. One thread.
//
// They are known for as long as the session: a broker may have granted one and have lost its answer, or what was to
// give it back, with a connection, so that each new connection has to say again that they are given up.
//
// Bounded: the newest 256 are known; what is granted to an older one ends with its lease.
#ifndef ROOST_CLIENT_LATE_ANSWERS_H_
#define ROOST_CLIENT_LATE_ANSWERS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "schemas/control_generated.h"

namespace roost {

class LateAnswers {
 public:
  static constexpr size_t kGivenUpMax = 256;

  // What is to be given back: a claim, or events.
  struct Return {
    uint64_t token = 0;  // of a claim; 0: it is events
    std::vector<wire::ItemToken> items = {};
  };

  // The request, a Claim, Take or Validate, was sent in this session; the broker may have granted it.
  void GiveUp(uint64_t number);
  bool IsGivenUp(uint64_t number) const;
  const std::deque<uint64_t>& given_up() const { return given_up_; }
  // The session was lost, and with it all that was granted.
  void SessionLost() {
    given_up_.clear();
    returns_.clear();
  }

  // Notes what must go back of an answer that nobody waited for.
  void Note(const wire::Reply& reply);
  bool HasReturn() const { return !returns_.empty(); }
  // REQUIRES: HasReturn().
  Return NextReturn();

 private:
  std::deque<uint64_t> given_up_;
  std::deque<Return> returns_;
};

}  // namespace roost

#endif  // ROOST_CLIENT_LATE_ANSWERS_H_
