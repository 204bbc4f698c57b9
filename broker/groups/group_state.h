// One group that works off one stream: which of its events are in somebody's hands, wait to be handed out
// again, are put aside, or are settled. Knows events by their revisions alone.
//
//   never handed out ──take──► taken ──done──► settled
//          (from next on)      │   ▲──take──┐
//                              │            │
//                              ├─retry, returned─► returned ──after too many tries──► parked
//                              └─park──────────────────────────────────────────────► parked
//   parked ──retried──► returned        parked ──dropped──► settled
//
// Pure state, one thread; the same changes live and when it is rebuilt from the log. Every change is asked
// first whether it can be (Can...), since a log may hold anything. Memory: 72 bytes a span of events that are
// taken or returned, 48 for each one that was handed out more than once and for each that is parked.
#ifndef ROOST_BROKER_GROUPS_GROUP_STATE_H_
#define ROOST_BROKER_GROUPS_GROUP_STATE_H_

#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "broker/groups/revision_ranges.h"
#include "broker/groups/span_map.h"
#include "log/state_codec.h"

namespace roost {

class GroupState {
 public:
  static constexpr uint64_t kOpenMax = 65'536;  // taken or returned
  static constexpr uint64_t kParkedMax = 10'000;
  static constexpr size_t kRangesMax = 32;  // of returned events that one Take hands out

  // `next` is the first revision that is handed out.
  explicit GroupState(uint64_t next) : next_(next) {}

  // ---- looking ----

  uint64_t next() const { return next_; }
  // All events up to here are settled, or parked.
  uint64_t checkpoint() const;
  uint64_t taken() const { return taken_.count(); }
  uint64_t returned() const { return returned_.count(); }
  uint64_t open() const { return taken() + returned(); }
  uint64_t parked() const { return parked_.size(); }

  // What the next Take hands out of a stream at revision `head`: returned ones, lowest first, then new ones, as
  // long as kOpenMax is kept. At most kRangesMax ranges, and one of new ones: a lease keeps them while it lives.
  RevisionRanges Available(uint64_t head, uint64_t count_max) const;
  // Where a taken event is: with whom else, in which lease.
  SpanMap::Found FindTaken(uint64_t revision) const { return taken_.Find(revision); }
  // What a lease holds of the ranges that it was given.
  RevisionRanges HeldBy(uint64_t lease, std::span<const RevisionRange> given) const;
  // How often an event that is taken or returned was handed out.
  uint64_t TriesOf(uint64_t revision) const;
  // What is taken or returned of the ranges: by lease, 0 for what is returned.
  std::vector<SpanMap::Span> OpenWithin(std::span<const RevisionRange> ranges) const;

  struct ParkedEvent {
    uint64_t revision = 0;
    uint32_t tries = 0;
  };
  bool IsParked(uint64_t revision) const { return parked_.contains(revision); }
  // At most `count_max` after a revision, in order.
  std::vector<ParkedEvent> Parked(uint64_t after, uint64_t count_max) const;

  // ---- changing. REQUIRES the Can before it; `ranges` are normalized. ----

  bool CanTake(std::span<const RevisionRange> ranges) const;
  void Take(std::span<const RevisionRange> ranges, uint64_t lease);

  // All of them are taken.
  bool CanSettle(std::span<const RevisionRange> ranges) const;
  void SetDone(std::span<const RevisionRange> ranges);
  void Return(std::span<const RevisionRange> ranges);

  // All of them are taken or returned, and there is room.
  bool CanPark(std::span<const RevisionRange> ranges) const;
  void Park(std::span<const RevisionRange> ranges);

  // All of them are parked.
  bool CanUnpark(std::span<const RevisionRange> ranges) const;
  bool HasRoomFor(uint64_t count) const { return open() + count <= kOpenMax; }
  void Retry(std::span<const RevisionRange> ranges);  // with its tries begun anew
  void Drop(std::span<const RevisionRange> ranges);

  // What is older than `to` and in nobody's hands is gone: it is handed out no more.
  bool CanSkip(uint64_t to) const;
  void Skip(uint64_t to);
  // How many events Skip gives up.
  uint64_t CountBefore(uint64_t to) const;

  // ---- checkpoints ----

  void Save(StateWriter* out) const;
  // Into one that was just made. False: it can't be so.
  bool Load(StateReader* in);
  // All spans that are taken, in order.
  std::vector<SpanMap::Span> Taken() const { return taken_.Within({1, UINT64_MAX}); }

  // ---- taking back ----

  // All that is known of these revisions, and `next`.
  struct Excerpt {
    uint64_t next = 0;
    RevisionRanges ranges;
    std::vector<SpanMap::Span> taken;
    std::vector<SpanMap::Span> returned;
    std::vector<std::pair<uint64_t, uint32_t>> tries;
    std::vector<std::pair<uint64_t, uint32_t>> parked;
  };
  Excerpt Copy(std::span<const RevisionRange> ranges) const;
  // Makes it so again, whatever was done with these revisions since.
  void Restore(const Excerpt& excerpt);

  friend bool operator==(const GroupState&, const GroupState&) = default;

 private:
  using Numbers = std::map<uint64_t, uint32_t>;  // by revision

  void ForgetTries(RevisionRange range);

  uint64_t next_;
  SpanMap taken_;  // the owner is the lease
  SpanMap returned_;
  Numbers tries_;  // of open events that were handed out before; of the others it is 1
  Numbers parked_;
};

}  // namespace roost

#endif  // ROOST_BROKER_GROUPS_GROUP_STATE_H_
