// Revisions of one stream as ranges, the way events and memory hold many of them. Pure, any thread.
#ifndef ROOST_BROKER_GROUPS_REVISION_RANGES_H_
#define ROOST_BROKER_GROUPS_REVISION_RANGES_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace roost {

struct RevisionRange {
  uint64_t first = 0;
  uint64_t last = 0;  // included

  uint64_t count() const { return last - first + 1; }
  friend bool operator==(const RevisionRange&, const RevisionRange&) = default;
};

// One after another, in any order; no revision is in two of them.
using RevisionRanges = std::vector<RevisionRange>;

// Adds a range behind the others; one that goes on where the last one ends makes it longer.
void AddRange(RevisionRange range, RevisionRanges* ranges);

uint64_t CountOf(std::span<const RevisionRange> ranges);

// The revision at this place, counted from 0 over all of them; nullopt: there are fewer.
std::optional<uint64_t> RevisionAt(std::span<const RevisionRange> ranges, uint64_t index);

// Sorted, and side by side ones put together. nullopt: a range is empty, begins with 0, overlaps another, or
// there are more than `count_max` revisions.
std::optional<RevisionRanges> Normalized(RevisionRanges ranges, uint64_t count_max);

}  // namespace roost

#endif  // ROOST_BROKER_GROUPS_REVISION_RANGES_H_
