#include "broker/verdicts/examination_queue.h"

#include <utility>

namespace roost {
namespace {

// The one after `last` in the map, round and round.
template <typename Map>
typename Map::iterator InTurn(Map& map, const typename Map::key_type& last) {
  const auto next = map.upper_bound(last);
  return next == map.end() ? map.begin() : next;
}

}  // namespace

uint64_t ExaminationJob::bytes() const {
  uint64_t bytes = 0;
  for (const AskedQuestion& question : questions) {
    bytes += question.kind.size() + question.input.size();
  }
  return bytes;
}

void ExaminationQueue::Add(Job job) {
  Line& line = job->is_small() ? small_ : large_;
  line.users[job->uid].sessions[job->session].push_back(std::move(job));
}

ExaminationQueue::Job ExaminationQueue::Next() {
  const bool is_large_due = !large_.empty() && small_in_a_row_ >= kSmallInARowMax;
  if (!small_.empty() && !is_large_due) {
    ++small_in_a_row_;
    return small_.Next();
  }
  small_in_a_row_ = 0;
  return large_.empty() ? nullptr : large_.Next();
}

ExaminationQueue::Job ExaminationQueue::Line::Next() {
  const auto user = InTurn(users, last_user);
  last_user = user->first;
  const auto session = InTurn(user->second.sessions, user->second.last_session);
  user->second.last_session = session->first;
  Job job = std::move(session->second.front());
  session->second.pop_front();
  if (session->second.empty()) user->second.sessions.erase(session);
  if (user->second.sessions.empty()) users.erase(user);
  return job;
}

}  // namespace roost
