#include "client/link_preload.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>

#include "base/bytes.h"
#include "log/record.h"

namespace roost {
namespace {

// JumpRevision, quick for many revisions that are near each other.
class NearJumps {
 public:
  // For revisions behind `oldest`, up to `newest`.
  NearJumps(uint64_t oldest, uint64_t newest) {
    // The whole trees before `oldest` are the same for all of them.
    while (true) {
      const uint64_t tree = std::bit_floor(newest - base_ + 1) - 1;
      if (tree == 0 || base_ + tree > oldest) break;
      base_ += tree;
    }
  }
  uint64_t Of(uint64_t revision) const { return base_ + JumpRevision(revision - base_); }

 private:
  uint64_t base_ = 0;
};

// The events that are known and not looked at yet, in the order in which their memory was asked for.
class Frontier {
 public:
  struct Place {
    uint64_t position;
    uint64_t revision;
  };

  Frontier(const RingReader& ring, uint64_t newest, uint64_t count)
      : ring_(ring),
        reclaimed_(ring.reclaimed()),
        newest_(newest),
        count_(count),
        jumps_(newest - std::min(newest, count + 1), newest) {}

  // Of an event with `revision`.
  void AddLinks(uint64_t revision, uint64_t previous, uint64_t jump) {
    if (revision <= 1) return;
    Add(previous, revision - 1);
    if (jump != previous) Add(jump, jumps_.Of(revision));
  }
  bool empty() const { return first_ == end_; }
  Place Pop() { return places_[first_++]; }

 private:
  void Add(uint64_t position, uint64_t revision) {
    const uint64_t back = newest_ - revision;  // 1 for the one before the newest
    if (back > count_ || (known_ >> back & 1) != 0) return;
    if (position < reclaimed_ || !IsAligned(position, kRecordAlignment)) return;
    known_ |= 1ull << back;
    ring_.Prefetch(position);
    places_[end_++] = {position, revision};
  }

  const RingReader& ring_;
  const uint64_t reclaimed_;
  const uint64_t newest_;
  const uint64_t count_;
  const NearJumps jumps_;
  uint64_t known_ = 0;  // bit n: the n-th before the newest
  std::array<Place, kLinkPreloadMax> places_;
  size_t first_ = 0;
  size_t end_ = 0;  // each is added once, so all fit
};

}  // namespace

void PreloadLinks(const RingReader& ring, const RecordHeader& newest, uint64_t count) {
  Frontier frontier(ring, newest.revision, std::min(count, kLinkPreloadMax));
  frontier.AddLinks(newest.revision, newest.previous, newest.jump);
  while (!frontier.empty()) {
    const Frontier::Place place = frontier.Pop();
    const RingReader::Links links = ring.PeekLinks(place.position);
    // The ring may have been written over there meanwhile.
    if (links.revision != place.revision) continue;
    ring.PrefetchRest(place.position, links.size);
    frontier.AddLinks(links.revision, links.previous, links.jump);
  }
}

}  // namespace roost
