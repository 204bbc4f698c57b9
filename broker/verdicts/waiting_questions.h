// Requests that wait until others have decided what they ask, in the order in which they came.
//
// Sequencer thread. How many there may be: broker/coordination/waiting_budget.h, with up to 64 questions each.
#ifndef ROOST_BROKER_VERDICTS_WAITING_QUESTIONS_H_
#define ROOST_BROKER_VERDICTS_WAITING_QUESTIONS_H_

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "broker/append_request.h"
#include "broker/coordination/room.h"
#include "broker/verdicts/question_event.h"
#include "broker/verdicts/verdict_replies.h"

namespace roost {

// What a request knows of one of its questions: the answer, or that the table has it.
struct QuestionSlot {
  bool is_answered = false;
  QuestionAnswer answer = {};        // is_answered
  uint64_t expires_ns = UINT64_MAX;  // CLOCK_MONOTONIC; of the answer
  // It had to be written down and could not be; the answer says so, too.
  std::optional<Refusal> refused = std::nullopt;
  QuestionId id = {};  // not is_answered
};

struct WaitingRequest {
  Peer* peer = nullptr;
  Session* session = nullptr;
  uint64_t number = 0;
  uint64_t received_ns = 0;  // CLOCK_MONOTONIC
  uint64_t deadline_ns = 0;  // CLOCK_MONOTONIC
  std::vector<QuestionSlot> slots;
  std::set<QuestionId> open;  // of the slots: what it waits for
  uint64_t place = 0;         // in the order of all; given by Add

  Asked asked() const { return {*peer, *session, number, received_ns}; }
};

class WaitingQuestions {
 public:
  using Place = std::list<WaitingRequest>::iterator;

  void Add(WaitingRequest request);
  // Takes it out.
  WaitingRequest Take(Place place);

  bool Has(Place place) const { return place != requests_.end(); }
  // Has() is false where there is none.
  Place Find(const Session& session, uint64_t number);
  Place FirstFor(const QuestionId& id);
  Place FirstOf(const Session& session);
  Place FirstLate(uint64_t now_ns);  // whose deadline is over
  Place First() { return requests_.begin(); }

  // It waits for this one no longer.
  void StopWaiting(Place place, const QuestionId& id);

  uint64_t NextDeadlineNs() const;  // UINT64_MAX: none

 private:
  std::list<WaitingRequest> requests_;  // longest here first
  std::map<QuestionId, std::map<uint64_t, Place>> by_question_;
  std::map<std::pair<uint64_t, uint64_t>, Place> by_number_;    // session and number
  std::map<std::pair<uint64_t, uint64_t>, Place> by_deadline_;  // deadline and place
  uint64_t next_place_ = 0;
};

}  // namespace roost

#endif  // ROOST_BROKER_VERDICTS_WAITING_QUESTIONS_H_
