#include "broker/groups/group_state.h"

#include <algorithm>

namespace roost {
namespace {

using Pairs = std::vector<std::pair<uint64_t, uint32_t>>;

void CopyWithin(const std::map<uint64_t, uint32_t>& from, RevisionRange range, Pairs* to) {
  to->insert(to->end(), from.lower_bound(range.first), from.upper_bound(range.last));
}

}  // namespace

uint64_t GroupState::checkpoint() const {
  uint64_t lowest = next_;
  if (!taken_.empty()) lowest = std::min(lowest, taken_.lowest());
  if (!returned_.empty()) lowest = std::min(lowest, returned_.lowest());
  return lowest - 1;
}

RevisionRanges GroupState::Available(uint64_t head, uint64_t count_max) const {
  RevisionRanges available = returned_.Lowest(count_max);
  if (available.size() > kRangesMax) {
    available.resize(kRangesMax);
    return available;
  }
  const uint64_t room = open() < kOpenMax ? kOpenMax - open() : 0;
  const uint64_t fresh = head >= next_ ? head - next_ + 1 : 0;
  const uint64_t count = std::min({count_max - CountOf(available), room, fresh});
  if (count > 0) AddRange({next_, next_ + count - 1}, &available);
  return available;
}

RevisionRanges GroupState::HeldBy(uint64_t lease, std::span<const RevisionRange> given) const {
  RevisionRanges held;
  for (const RevisionRange& range : given) {
    for (const SpanMap::Span& span : taken_.Within(range)) {
      if (span.owner == lease) AddRange(span.range, &held);
    }
  }
  return held;
}

uint64_t GroupState::TriesOf(uint64_t revision) const {
  const auto found = tries_.find(revision);
  return found == tries_.end() ? 1 : found->second;
}

std::vector<SpanMap::Span> GroupState::OpenWithin(std::span<const RevisionRange> ranges) const {
  std::vector<SpanMap::Span> open;
  for (const RevisionRange& range : ranges) {
    for (const SpanMap* spans : {&taken_, &returned_}) {
      const auto within = spans->Within(range);
      open.insert(open.end(), within.begin(), within.end());
    }
  }
  return open;
}

std::vector<GroupState::ParkedEvent> GroupState::Parked(uint64_t after, uint64_t count_max) const {
  std::vector<ParkedEvent> events;
  for (auto next = parked_.upper_bound(after); next != parked_.end(); ++next) {
    if (events.size() == count_max) break;
    events.push_back({next->first, next->second});
  }
  return events;
}

bool GroupState::CanTake(std::span<const RevisionRange> ranges) const {
  uint64_t next = next_;
  for (const RevisionRange& range : ranges) {
    if (range.first < next_) {
      if (!returned_.Covers({range.first, std::min(range.last, next_ - 1)})) return false;
      if (range.last < next_) continue;
    } else if (range.first != next) {
      return false;
    }
    next = range.last + 1;
  }
  return HasRoomFor(next - next_);
}

void GroupState::Take(std::span<const RevisionRange> ranges, uint64_t lease) {
  for (const RevisionRange& range : ranges) {
    returned_.Erase(range);
    taken_.Insert(range, lease);
    // Whatever was handed out before has a number here.
    for (auto tries = tries_.lower_bound(range.first);
         tries != tries_.end() && tries->first <= range.last;) {
      ++tries->second;
      tries = tries->second == 1 ? tries_.erase(tries) : std::next(tries);
    }
    next_ = std::max(next_, range.last + 1);
  }
}

bool GroupState::CanSettle(std::span<const RevisionRange> ranges) const {
  return std::ranges::all_of(ranges,
                             [&](const RevisionRange& range) { return taken_.Covers(range); });
}

void GroupState::SetDone(std::span<const RevisionRange> ranges) {
  for (const RevisionRange& range : ranges) {
    taken_.Erase(range);
    ForgetTries(range);
  }
}

void GroupState::Return(std::span<const RevisionRange> ranges) {
  for (const RevisionRange& range : ranges) {
    taken_.Erase(range);
    returned_.Insert(range, 0);
    // Said in so many words, so that the next Take finds what it has to count.
    for (uint64_t revision = range.first; revision <= range.last; ++revision) {
      tries_.try_emplace(revision, 1);
    }
  }
}

bool GroupState::CanPark(std::span<const RevisionRange> ranges) const {
  if (parked() + CountOf(ranges) > kParkedMax) return false;
  uint64_t open = 0;
  for (const SpanMap::Span& span : OpenWithin(ranges)) open += span.range.count();
  return open == CountOf(ranges);
}

void GroupState::Park(std::span<const RevisionRange> ranges) {
  for (const RevisionRange& range : ranges) {
    for (uint64_t revision = range.first; revision <= range.last; ++revision) {
      parked_[revision] = static_cast<uint32_t>(TriesOf(revision));
    }
    taken_.Erase(range);
    returned_.Erase(range);
    ForgetTries(range);
  }
}

bool GroupState::CanUnpark(std::span<const RevisionRange> ranges) const {
  for (const RevisionRange& range : ranges) {
    auto parked = parked_.find(range.first);
    for (uint64_t revision = range.first; revision <= range.last; ++revision, ++parked) {
      if (parked == parked_.end() || parked->first != revision) return false;
    }
  }
  return true;
}

void GroupState::Retry(std::span<const RevisionRange> ranges) {
  Drop(ranges);
  for (const RevisionRange& range : ranges) {
    returned_.Insert(range, 0);
    for (uint64_t revision = range.first; revision <= range.last; ++revision) tries_[revision] = 0;
  }
}

void GroupState::Drop(std::span<const RevisionRange> ranges) {
  for (const RevisionRange& range : ranges) {
    parked_.erase(parked_.lower_bound(range.first), parked_.upper_bound(range.last));
  }
}

bool GroupState::CanSkip(uint64_t to) const {
  return to > next_ || (!returned_.empty() && returned_.lowest() < to);
}

uint64_t GroupState::CountBefore(uint64_t to) const {
  uint64_t count = to > next_ ? to - next_ : 0;
  for (const SpanMap::Span& span : returned_.Within({1, to - 1})) count += span.range.count();
  return count;
}

void GroupState::Skip(uint64_t to) {
  for (const SpanMap::Span& span : returned_.Within({1, to - 1})) {
    returned_.Erase(span.range);
    ForgetTries(span.range);
  }
  next_ = std::max(next_, to);
}

void GroupState::Save(StateWriter* out) const {
  out->Number(next_);
  for (const SpanMap* spans : {&taken_, &returned_}) {
    const auto all = spans->Within({1, UINT64_MAX});
    out->Number(all.size());
    for (const SpanMap::Span& span : all) {
      out->Number(span.range.first);
      out->Number(span.range.last);
      out->Number(span.owner);
    }
  }
  for (const Numbers* numbers : {&tries_, &parked_}) {
    out->Number(numbers->size());
    for (const auto& [revision, number] : *numbers) {
      out->Number(revision);
      out->Number(number);
    }
  }
}

bool GroupState::Load(StateReader* in) {
  next_ = in->Number();
  for (SpanMap* spans : {&taken_, &returned_}) {
    uint64_t last = 0;
    for (size_t left = in->Count(kOpenMax); left > 0; --left) {
      const RevisionRange range{in->Number(), in->Number()};
      const uint64_t owner = in->Number();
      const bool fits = in->ok() && range.first > last && range.first <= range.last &&
                        range.last < next_ && range.last - range.first < kOpenMax;
      if (!fits || (owner == 0) != (spans == &returned_)) return in->Fail();
      if (spans == &returned_ && !taken_.Within(range).empty()) return in->Fail();
      spans->Insert(range, owner);
      last = range.last;
    }
  }
  for (Numbers* numbers : {&tries_, &parked_}) {
    uint64_t last = 0;
    for (size_t left = in->Count(numbers == &parked_ ? kParkedMax : kOpenMax); left > 0; --left) {
      const uint64_t revision = in->Number();
      const uint32_t number = in->Number32();
      const bool is_open =
          taken_.Covers({revision, revision}) || returned_.Covers({revision, revision});
      const bool fits = in->ok() && revision > last && revision < next_;
      if (!fits || is_open != (numbers == &tries_)) return in->Fail();
      numbers->emplace_hint(numbers->end(), revision, number);
      last = revision;
    }
  }
  return in->ok() && next_ > 0 && open() <= kOpenMax;
}

void GroupState::ForgetTries(RevisionRange range) {
  tries_.erase(tries_.lower_bound(range.first), tries_.upper_bound(range.last));
}

GroupState::Excerpt GroupState::Copy(std::span<const RevisionRange> ranges) const {
  Excerpt excerpt;
  excerpt.next = next_;
  excerpt.ranges.assign(ranges.begin(), ranges.end());
  for (const RevisionRange& range : ranges) {
    for (const SpanMap::Span& span : taken_.Within(range)) excerpt.taken.push_back(span);
    for (const SpanMap::Span& span : returned_.Within(range)) excerpt.returned.push_back(span);
    CopyWithin(tries_, range, &excerpt.tries);
    CopyWithin(parked_, range, &excerpt.parked);
  }
  return excerpt;
}

void GroupState::Restore(const Excerpt& excerpt) {
  next_ = excerpt.next;
  for (const RevisionRange& range : excerpt.ranges) {
    taken_.Erase(range);
    returned_.Erase(range);
    ForgetTries(range);
    parked_.erase(parked_.lower_bound(range.first), parked_.upper_bound(range.last));
  }
  for (const SpanMap::Span& span : excerpt.taken) taken_.Insert(span.range, span.owner);
  for (const SpanMap::Span& span : excerpt.returned) returned_.Insert(span.range, span.owner);
  tries_.insert(excerpt.tries.begin(), excerpt.tries.end());
  parked_.insert(excerpt.parked.begin(), excerpt.parked.end());
}

}  // namespace roost
