// What comes for requests that nobody waits for any more: a claim that was granted and events that were taken all
// the same must go back at once. Knows which requests those are, and what has to be given back. One thread.
//
// Bounded: of the requests given up while the broker may still answer them the newest 256 are known; what is
// granted to an older one ends with its lease.
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
  static constexpr size_t kExpectedMax = 256;

  // What is to be given back: a claim, or events.
  struct Return {
    uint64_t token = 0;  // of a claim; 0: it is events
    std::vector<wire::ItemToken> items = {};
  };

  // The request was given up; the broker has been told, and its answer may be under way.
  void Expect(uint64_t number);
  // False: the request was not given up.
  bool Take(uint64_t number);
  // The connection was lost, and with it what was under way.
  void ConnectionLost() { expected_.clear(); }
  // The session was lost, and with it all that was granted.
  void SessionLost() { returns_.clear(); }

  // Notes what must go back of an answer that nobody waited for.
  void Note(const wire::Reply& reply);
  bool HasReturn() const { return !returns_.empty(); }
  // REQUIRES: HasReturn().
  Return NextReturn();

 private:
  std::deque<uint64_t> expected_;
  std::deque<Return> returns_;
};

}  // namespace roost

#endif  // ROOST_CLIENT_LATE_ANSWERS_H_
