#include "broker/groups/take_queue.h"

#include <algorithm>

#include "base/check.h"

namespace roost {

std::optional<Refusal> TakeQueue::Add(const WaitingTake& take) {
  const Key key{take.session->number, take.number};
  if (takes_.contains(key)) return std::nullopt;
  if (take.deadline_ns == 0) {
    at_once_.insert(key);
  } else {
    if (auto refusal = budget_->Spend(*take.session)) return refusal;
    deadlines_.emplace(take.deadline_ns, key);
  }
  Queue& queue = queues_[take.group];
  if (queue.takes.empty()) streams_[take.group->stream].groups.push_back(take.group);
  takes_.emplace(key, queue.takes.insert(queue.takes.end(), take));
  return std::nullopt;
}

void TakeQueue::Remove(Session& session, uint64_t number) {
  const auto found = takes_.find({session.number, number});
  if (found != takes_.end()) RemoveAt(found);
}

void TakeQueue::RemoveAll(Session& session) {
  for (auto next = takes_.lower_bound({session.number, 0});
       next != takes_.end() && next->first.first == session.number;) {
    RemoveAt(next++);
  }
}

void TakeQueue::RemoveAt(std::map<Key, std::list<WaitingTake>::iterator>::iterator place) {
  const Key key = place->first;
  const auto in_queue = place->second;
  Group* const group = in_queue->group;
  if (in_queue->deadline_ns == 0) {
    at_once_.erase(key);
  } else {
    deadlines_.erase({in_queue->deadline_ns, key});
    budget_->GiveBack(*in_queue->session);
  }
  takes_.erase(place);
  const auto queue = queues_.find(group);
  queue->second.takes.erase(in_queue);
  if (!queue->second.takes.empty()) return;
  queues_.erase(queue);
  LeaveStream(group);
}

void TakeQueue::LeaveStream(Group* group) {
  const auto stream = streams_.find(group->stream);
  ROOST_CHECK(stream != streams_.end(), "group={}", group->log_stream);
  std::erase(stream->second.groups, group);
  if (stream->second.groups.empty()) streams_.erase(stream);
}

size_t TakeQueue::Count(const Group* group) const {
  const auto queue = queues_.find(group);
  return queue == queues_.end() ? 0 : queue->second.takes.size();
}

bool TakeQueue::Has(const Session& session, uint64_t number) const {
  return takes_.contains({session.number, number});
}

const WaitingTake* TakeQueue::First(const Group* group) const {
  const auto queue = queues_.find(group);
  return queue == queues_.end() ? nullptr : &queue->second.takes.front();
}

void TakeQueue::NoteStream(std::string_view stream) {
  const auto found = streams_.find(stream);
  if (found == streams_.end() || found->second.is_noted) return;
  found->second.is_noted = true;
  noted_streams_.emplace_back(stream);
}

void TakeQueue::NoteGroup(Group* group) {
  const auto queue = queues_.find(group);
  if (queue == queues_.end() || queue->second.is_noted) return;
  queue->second.is_noted = true;
  noted_groups_.push_back(group);
}

std::vector<Group*> TakeQueue::TakeNoted() {
  for (const std::string& name : noted_streams_) {
    const auto stream = streams_.find(name);
    if (stream == streams_.end()) continue;
    stream->second.is_noted = false;
    for (Group* group : stream->second.groups) NoteGroup(group);
  }
  noted_streams_.clear();
  std::vector<Group*> groups;
  for (Group* group : noted_groups_) {
    // It may be gone by now, and then is no key here.
    const auto queue = queues_.find(group);
    if (queue == queues_.end() || !queue->second.is_noted) continue;
    queue->second.is_noted = false;
    groups.push_back(group);
  }
  noted_groups_.clear();
  return groups;
}

const WaitingTake* TakeQueue::FirstAtOnce() const {
  return at_once_.empty() ? nullptr : &*takes_.at(*at_once_.begin());
}

uint64_t TakeQueue::NextDeadlineNs() const {
  return deadlines_.empty() ? UINT64_MAX : deadlines_.begin()->first;
}

const WaitingTake& TakeQueue::FirstToEnd() const { return *takes_.at(deadlines_.begin()->second); }

}  // namespace roost
