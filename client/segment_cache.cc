#include "client/segment_cache.h"

#include <algorithm>
#include <utility>

namespace roost {

bool SegmentCache::Entry::TakeFooter() {
  if (!reader.footer().has_value()) return false;
  last_sequence = reader.footer()->last_sequence;
  end_position = reader.footer()->end_position;
  return true;
}

// Before entries move.
void SegmentCache::ForgetLastUse() {
  if (used_last_ != kNone) entries_[used_last_].reader.ReleaseIfLarge();
  used_last_ = kNone;
}

void SegmentCache::Add(Entry entry) {
  ForgetLastUse();
  const uint64_t base = entry.reader.base_sequence();
  std::erase_if(entries_, [base](const Entry& old) { return old.reader.base_sequence() == base; });
  if (entries_.size() == kSegmentsMax) {
    entries_.erase(
        std::min_element(entries_.begin(), entries_.end(),
                         [](const Entry& a, const Entry& b) { return a.last_use < b.last_use; }));
  }
  entry.last_use = ++uses_;
  entry.reader.Share(frames_);
  const auto place = std::find_if(entries_.begin(), entries_.end(), [base](const Entry& other) {
    return other.reader.base_sequence() > base;
  });
  entries_.insert(place, std::move(entry));
}

// Of the segments that begin at or before `wanted`, the last one is the only one that can have it: an
// older one that still counts as open was closed meanwhile.
template <typename Base>
size_t SegmentCache::LastBeginningBefore(uint64_t wanted, Base base) const {
  const auto after =
      std::upper_bound(entries_.begin(), entries_.end(), wanted,
                       [base](uint64_t value, const Entry& entry) { return value < base(entry); });
  return after == entries_.begin() ? kNone : static_cast<size_t>(after - entries_.begin()) - 1;
}

SegmentCache::Entry* SegmentCache::Use(size_t index) {
  if (used_last_ != index && used_last_ != kNone) entries_[used_last_].reader.ReleaseIfLarge();
  used_last_ = index;
  entries_[index].last_use = ++uses_;
  return &entries_[index];
}

SegmentCache::Entry* SegmentCache::FindBySequence(uint64_t sequence) {
  if (Entry* last = UsedLast();
      last != nullptr && sequence >= last->reader.base_sequence() && sequence <= last->last_sequence) {
    return last;
  }
  const size_t found = LastBeginningBefore(
      sequence, [](const Entry& entry) { return entry.reader.base_sequence(); });
  if (found == kNone) return nullptr;
  const Entry& entry = entries_[found];
  if (entry.last_sequence != 0 && sequence > entry.last_sequence) return nullptr;
  return Use(found);
}

SegmentCache::Entry* SegmentCache::FindByPosition(uint64_t position) {
  if (Entry* last = UsedLast();
      last != nullptr && position >= last->reader.base_position() && position < last->end_position) {
    return last;
  }
  const size_t found = LastBeginningBefore(
      position, [](const Entry& entry) { return entry.reader.base_position(); });
  if (found == kNone) return nullptr;
  const Entry& entry = entries_[found];
  if (entry.end_position != 0 && position >= entry.end_position) return nullptr;
  return Use(found);
}

void SegmentCache::Drop(const Entry* entry) {
  ForgetLastUse();
  entries_.erase(entries_.begin() + (entry - entries_.data()));
}

void SegmentCache::Clear() {
  entries_.clear();
  frames_->Clear();
  used_last_ = kNone;
}

void SegmentCache::Release() {
  for (Entry& entry : entries_) entry.reader.Release();
}

void SegmentCache::ReleaseOpen() {
  for (Entry& entry : entries_) {
    if (entry.last_sequence == 0) entry.reader.Release();
  }
}

}  // namespace roost
