#include "broker/groups/revision_ranges.h"

#include <algorithm>

namespace roost {

void AddRange(RevisionRange range, RevisionRanges* ranges) {
  if (!ranges->empty() && ranges->back().last + 1 == range.first) {
    ranges->back().last = range.last;
  } else {
    ranges->push_back(range);
  }
}

uint64_t CountOf(std::span<const RevisionRange> ranges) {
  uint64_t count = 0;
  for (const RevisionRange& range : ranges) count += range.count();
  return count;
}

std::optional<uint64_t> RevisionAt(std::span<const RevisionRange> ranges, uint64_t index) {
  for (const RevisionRange& range : ranges) {
    if (index < range.count()) return range.first + index;
    index -= range.count();
  }
  return std::nullopt;
}

std::optional<RevisionRanges> Normalized(RevisionRanges ranges, uint64_t count_max) {
  std::ranges::sort(ranges, {}, &RevisionRange::first);
  RevisionRanges normalized;
  uint64_t count = 0;
  uint64_t last = 0;
  for (const RevisionRange& range : ranges) {
    if (range.first <= last || range.last < range.first) return std::nullopt;
    // Not count(), which would wrap around for all revisions there can be.
    if (range.last - range.first >= count_max - count) return std::nullopt;
    count += range.count();
    last = range.last;
    AddRange(range, &normalized);
  }
  return normalized;
}

}  // namespace roost
