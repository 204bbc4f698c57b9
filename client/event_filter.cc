#include "client/event_filter.h"

#include <algorithm>

#include "log/record.h"

namespace roost {

void EventFilter::Set(const ReadQuery& query) {
  filter_ = query.filter;
  type_hashes_.clear();
  for (const std::string& type : filter_.types) type_hashes_.push_back(FilterHash(type));
  agent_hash_ = FilterHash(filter_.agent);
  const bool oldest_first = query.order == Order::kOldestFirst;
  const bool bounded = query.from_revision != 0;
  revision_min_ = bounded && oldest_first ? query.from_revision : 0;
  revision_max_ = bounded && !oldest_first ? query.from_revision : UINT64_MAX;
}

bool EventFilter::MatchesHeader(const RecordHeader& header) const {
  if (header.revision < revision_min_ || header.revision > revision_max_) return false;
  if (header.time_ns < filter_.since_ns) return false;
  if (!filter_.agent.empty() && header.agent != agent_hash_) return false;
  return type_hashes_.empty() ||
         std::find(type_hashes_.begin(), type_hashes_.end(), header.type) != type_hashes_.end();
}

bool EventFilter::MatchesStream(std::string_view name) const {
  if (!filter_.stream.empty()) return name == filter_.stream;
  return name.starts_with(filter_.stream_prefix);
}

bool EventFilter::MatchesBody(const wire::Event& event) const {
  if (!MatchesStream(event.stream()->string_view())) return false;
  if (!filter_.agent.empty() && event.agent()->string_view() != filter_.agent) return false;
  return filter_.types.empty() || std::find(filter_.types.begin(), filter_.types.end(),
                                            event.type()->string_view()) != filter_.types.end();
}

bool EventFilter::is_selective() const {
  return !filter_.types.empty() || !filter_.agent.empty() || filter_.since_ns != 0;
}

}  // namespace roost
