#include "broker/groups/span_map.h"

#include <algorithm>
#include <iterator>

#include "base/check.h"

namespace roost {

SpanMap::Spans::const_iterator SpanMap::From(uint64_t revision) const {
  auto span = spans_.upper_bound(revision);
  if (span == spans_.begin()) return span;
  const auto before = std::prev(span);
  return before->second.last >= revision ? before : span;
}

SpanMap::Found SpanMap::Find(uint64_t revision) const {
  const auto span = From(revision);
  if (span == spans_.end() || span->first > revision) return {};
  return {{span->first, span->second.last}, span->second.owner, true};
}

bool SpanMap::Covers(RevisionRange range) const {
  uint64_t next = range.first;
  for (auto span = From(range.first); span != spans_.end() && span->first <= next; ++span) {
    if (span->second.last >= range.last) return true;
    next = span->second.last + 1;
  }
  return false;
}

std::vector<SpanMap::Span> SpanMap::Within(RevisionRange range) const {
  std::vector<Span> within;
  for (auto span = From(range.first); span != spans_.end() && span->first <= range.last; ++span) {
    within.push_back({{std::max(span->first, range.first), std::min(span->second.last, range.last)},
                      span->second.owner});
  }
  return within;
}

RevisionRanges SpanMap::Lowest(uint64_t count_max) const {
  RevisionRanges lowest;
  for (auto span = spans_.begin(); span != spans_.end() && count_max > 0; ++span) {
    const uint64_t count = std::min(span->second.last - span->first + 1, count_max);
    AddRange({span->first, span->first + count - 1}, &lowest);
    count_max -= count;
  }
  return lowest;
}

void SpanMap::Insert(RevisionRange range, uint64_t owner) {
  count_ += range.count();
  auto next = spans_.lower_bound(range.first);
  ROOST_CHECK(next == spans_.end() || next->first > range.last, "revision={}", range.last);
  if (next != spans_.end() && next->first == range.last + 1 && next->second.owner == owner) {
    range.last = next->second.last;
    next = spans_.erase(next);
  }
  if (next != spans_.begin()) {
    const auto before = std::prev(next);
    ROOST_CHECK(before->second.last < range.first, "revision={}", range.first);
    if (before->second.last + 1 == range.first && before->second.owner == owner) {
      before->second.last = range.last;
      return;
    }
  }
  spans_.emplace_hint(next, range.first, Value{range.last, owner});
}

void SpanMap::Erase(RevisionRange range) {
  auto span = spans_.erase(From(range.first), From(range.first));  // the same, not const
  while (span != spans_.end() && span->first <= range.last) {
    const RevisionRange old{span->first, span->second.last};
    const uint64_t owner = span->second.owner;
    span = spans_.erase(span);
    count_ -= std::min(old.last, range.last) - std::max(old.first, range.first) + 1;
    if (old.first < range.first)
      spans_.emplace_hint(span, old.first, Value{range.first - 1, owner});
    if (old.last > range.last) spans_.emplace_hint(span, range.last + 1, Value{old.last, owner});
  }
}

}  // namespace roost
