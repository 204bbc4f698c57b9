#include "broker/verdicts/waiting_questions.h"

#include "base/check.h"

namespace roost {

void WaitingQuestions::Add(WaitingRequest request) {
  request.place = next_place_++;
  const Place place = requests_.insert(requests_.end(), std::move(request));
  for (const QuestionId& id : place->open) by_question_[id][place->place] = place;
  const bool is_new = by_number_.insert({{place->session->number, place->number}, place}).second;
  ROOST_CHECK(is_new, "session={} number={}", place->session->number, place->number);
  by_deadline_[{place->deadline_ns, place->place}] = place;
}

WaitingRequest WaitingQuestions::Take(Place place) {
  while (!place->open.empty()) StopWaiting(place, *place->open.begin());
  by_number_.erase({place->session->number, place->number});
  by_deadline_.erase({place->deadline_ns, place->place});
  WaitingRequest request = std::move(*place);
  requests_.erase(place);
  return request;
}

void WaitingQuestions::StopWaiting(Place place, const QuestionId& id) {
  const auto waiting = by_question_.find(id);
  if (waiting != by_question_.end()) {
    waiting->second.erase(place->place);
    if (waiting->second.empty()) by_question_.erase(waiting);
  }
  place->open.erase(QuestionId(id));  // `id` may be the element itself
}

WaitingQuestions::Place WaitingQuestions::Find(const Session& session, uint64_t number) {
  const auto found = by_number_.find({session.number, number});
  return found == by_number_.end() ? requests_.end() : found->second;
}

WaitingQuestions::Place WaitingQuestions::FirstFor(const QuestionId& id) {
  const auto found = by_question_.find(id);
  return found == by_question_.end() ? requests_.end() : found->second.begin()->second;
}

WaitingQuestions::Place WaitingQuestions::FirstOf(const Session& session) {
  const auto found = by_number_.lower_bound({session.number, 0});
  const bool is_its = found != by_number_.end() && found->first.first == session.number;
  return is_its ? found->second : requests_.end();
}

WaitingQuestions::Place WaitingQuestions::FirstLate(uint64_t now_ns) {
  return NextDeadlineNs() <= now_ns && !requests_.empty() ? by_deadline_.begin()->second
                                                          : requests_.end();
}

uint64_t WaitingQuestions::NextDeadlineNs() const {
  return by_deadline_.empty() ? UINT64_MAX : by_deadline_.begin()->first.first;
}

}  // namespace roost
