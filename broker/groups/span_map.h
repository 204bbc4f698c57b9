// Which revisions belong to whom, kept as spans: what is given to one owner side by side costs one entry,
// however long it is. Every operation costs the logarithm of the spans and what it touches.
//
// Pure state, one thread. 72 bytes a span.
#ifndef ROOST_BROKER_GROUPS_SPAN_MAP_H_
#define ROOST_BROKER_GROUPS_SPAN_MAP_H_

#include <cstdint>
#include <map>
#include <vector>

#include "broker/groups/revision_ranges.h"

namespace roost {

class SpanMap {
 public:
  struct Span {
    RevisionRange range;
    uint64_t owner = 0;
    friend bool operator==(const Span&, const Span&) = default;
  };

  uint64_t count() const { return count_; }
  bool empty() const { return spans_.empty(); }
  // REQUIRES: !empty().
  uint64_t lowest() const { return spans_.begin()->first; }

  // The span with `revision` in it, or nullptr; valid until the next change.
  struct Found {
    RevisionRange range;
    uint64_t owner = 0;
    bool is_there = false;
  };
  Found Find(uint64_t revision) const;
  bool Covers(RevisionRange range) const;

  // What is there of `range`, in order.
  std::vector<Span> Within(RevisionRange range) const;
  // At most `count_max` revisions, the lowest first.
  RevisionRanges Lowest(uint64_t count_max) const;

  // REQUIRES: nothing of it is there.
  void Insert(RevisionRange range, uint64_t owner);
  // Whatever is there of it.
  void Erase(RevisionRange range);

  friend bool operator==(const SpanMap&, const SpanMap&) = default;

 private:
  struct Value {
    uint64_t last = 0;
    uint64_t owner = 0;
    friend bool operator==(const Value&, const Value&) = default;
  };
  using Spans = std::map<uint64_t, Value>;  // by first revision

  // The first span that ends at or after `revision`.
  Spans::const_iterator From(uint64_t revision) const;

  Spans spans_;
  uint64_t count_ = 0;
};

}  // namespace roost

#endif  // ROOST_BROKER_GROUPS_SPAN_MAP_H_
