#include "client/segment_cache.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace roost {
namespace {

// Of the segments that begin at or before `wanted`, the last one is the only one that can have it: an
// older one that still counts as open was closed meanwhile.
template <typename Base>
std::list<SegmentCache::Entry>::iterator LastBeginningBefore(
    std::list<SegmentCache::Entry>* entries, uint64_t wanted, Base base) {
  auto best = entries->end();
  for (auto it = entries->begin(); it != entries->end(); ++it) {
    if (base(*it) > wanted) continue;
    if (best == entries->end() || base(*it) > base(*best)) best = it;
  }
  return best;
}

}  // namespace

bool SegmentCache::Entry::TakeFooter() {
  if (!reader.footer().has_value()) return false;
  last_sequence = reader.footer()->last_sequence;
  end_position = reader.footer()->end_position;
  return true;
}

void SegmentCache::Add(Entry entry) {
  const uint64_t base = entry.reader.base_sequence();
  entries_.remove_if([base](const Entry& old) { return old.reader.base_sequence() == base; });
  entries_.push_front(std::move(entry));
  if (entries_.size() > kSegmentsMax) entries_.pop_back();
}

SegmentCache::Entry* SegmentCache::FindBySequence(uint64_t sequence) {
  const auto found = LastBeginningBefore(
      &entries_, sequence, [](const Entry& entry) { return entry.reader.base_sequence(); });
  if (found == entries_.end()) return nullptr;
  if (found->last_sequence != 0 && sequence > found->last_sequence) return nullptr;
  entries_.splice(entries_.begin(), entries_, found);
  return &*found;
}

SegmentCache::Entry* SegmentCache::FindByPosition(uint64_t position) {
  const auto found = LastBeginningBefore(
      &entries_, position, [](const Entry& entry) { return entry.reader.base_position(); });
  if (found == entries_.end()) return nullptr;
  if (found->end_position != 0 && position >= found->end_position) return nullptr;
  entries_.splice(entries_.begin(), entries_, found);
  return &*found;
}

void SegmentCache::Drop(const Entry* entry) {
  entries_.remove_if([entry](const Entry& other) { return &other == entry; });
}

void SegmentCache::Clear() { entries_.clear(); }

void SegmentCache::Release() {
  for (Entry& entry : entries_) entry.reader.Release();
}

void SegmentCache::ReleaseOpen() {
  for (Entry& entry : entries_) {
    if (entry.last_sequence == 0) entry.reader.Release();
  }
}

}  // namespace roost
