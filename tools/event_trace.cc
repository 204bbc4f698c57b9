#include "tools/event_trace.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace roost {

EventTrace::EventTrace(std::string_view id) {
  correlations_.emplace(id);
  ids_.emplace(id);
  causes_.emplace(id);
}

void EventTrace::AddRoot(const EventView& event) {
  causes_.emplace(fmt::format("{}", event.sequence));
  if (!event.id.empty()) ids_.emplace(event.id);
  if (!event.id.empty()) causes_.emplace(event.id);
  if (!event.correlation_id.empty()) correlations_.emplace(event.correlation_id);
  ids_.emplace(fmt::format("{}", event.sequence));
}

bool EventTrace::Belongs(const EventView& event) const {
  if (!event.correlation_id.empty() && correlations_.contains(event.correlation_id)) return true;
  if (!event.causation_id.empty() && causes_.contains(event.causation_id)) return true;
  return (!event.id.empty() && ids_.contains(event.id)) ||
         ids_.contains(fmt::format("{}", event.sequence));
}

bool EventTrace::Take(const EventView& event) {
  if (!Belongs(event)) return false;
  const size_t index = parents_.size();
  const auto cause = event.causation_id.empty() ? places_.end() : places_.find(event.causation_id);
  parents_.push_back(cause == places_.end() ? kNone : cause->second);
  const std::string sequence = fmt::format("{}", event.sequence);
  places_.emplace(sequence, index);
  causes_.emplace(sequence);
  if (event.id.empty()) return true;
  places_.emplace(event.id, index);
  causes_.emplace(event.id);
  return true;
}

std::vector<EventTrace::Place> EventTrace::Tree() const {
  std::vector<std::vector<size_t>> children(parents_.size());
  std::vector<Place> open;  // to be visited, the next one last
  for (size_t i = parents_.size(); i-- > 0;) {
    if (parents_[i] == kNone) {
      open.push_back({i, 0});
    } else {
      children[parents_[i]].push_back(i);  // the last one first
    }
  }
  std::vector<Place> tree;
  tree.reserve(parents_.size());
  while (!open.empty()) {
    const Place place = open.back();
    open.pop_back();
    tree.push_back(place);
    for (const size_t child : children[place.index]) open.push_back({child, place.depth + 1});
  }
  return tree;
}

}  // namespace roost
