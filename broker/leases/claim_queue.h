// The claims that wait, first come, first served. Each watches one thing that stands in its way: the newest claim
// before it that overlaps with it, or else a lease; when that is gone the claim is ready to be looked at again. So
// what becomes free costs one look, however many wait for it, and nothing is looked at when nothing became free.
//
// Which claims overlap is in keys(); a claim's number there is its place in the line. Bounded: kWaitingKeysMax keys in
// all, and by WaitingBudget. Sequencer thread.
#ifndef ROOST_BROKER_LEASES_CLAIM_QUEUE_H_
#define ROOST_BROKER_LEASES_CLAIM_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/leases/claim_request.h"
#include "broker/leases/key_index.h"
#include "broker/session_table.h"

namespace roost {

inline constexpr size_t kWaitingKeysMax = 65'536;

struct WaitingClaim {
  uint64_t place = 0;  // grows with each that comes
  Session* session = nullptr;
  uint64_t number = 0;       // of the request
  uint64_t received_ns = 0;  // CLOCK_MONOTONIC, both
  uint64_t deadline_ns = 0;
  Claim claim;
};

// What a claim waits for.
struct Blocker {
  enum class Kind { kLease, kClaim };
  Kind kind;
  uint64_t id;  // token or place
};

class ClaimQueue {
 public:
  // The place that the next one gets.
  uint64_t next_place() const { return next_place_; }
  bool HasRoomFor(const Claim& claim) const {
    return index_.size() + claim.keys.size() <= kWaitingKeysMax;
  }

  // `claim.place` is given here. REQUIRES: HasRoomFor it, and none of this session and number waits.
  void Add(WaitingClaim claim, const Blocker& blocker);
  // Those that watch it become ready. REQUIRES: it is there.
  void Remove(uint64_t place);
  // nullptr: there is none. Valid until it is removed.
  const WaitingClaim* Find(uint64_t place) const;
  const WaitingClaim* Find(const Session& session, uint64_t number) const;
  std::vector<uint64_t> PlacesOf(const Session& session) const;

  // The claim is not ready any more, and watches this.
  void Watch(uint64_t place, const Blocker& blocker);
  // The lease has ended, or has other keys now: those that watch it become ready.
  void OnLeaseChanged(uint64_t token);

  // The session holds these keys now, or no longer, so that one it waits for may be its own: its claims that name one of
  // them are ready.
  void OnHoldsChanged(const Session& session, const std::vector<std::string>& keys);

  bool HasReady() const { return !ready_.empty(); }
  // The first one in the line. REQUIRES: HasReady().
  uint64_t FirstReady() const { return *ready_.begin(); }

  // Of the one whose time is over first; UINT64_MAX: none waits.
  uint64_t NextDeadlineNs() const {
    return deadlines_.empty() ? UINT64_MAX : deadlines_.begin()->first;
  }
  uint64_t NextDue() const { return deadlines_.begin()->second; }

  const KeyIndex& keys() const { return index_; }
  size_t size() const { return claims_.size(); }

 private:
  using Watchers = std::unordered_map<uint64_t, std::vector<uint64_t>>;

  Watchers& WatchersOf(Blocker::Kind kind) {
    return kind == Blocker::Kind::kLease ? lease_watchers_ : claim_watchers_;
  }
  void Unwatch(uint64_t place);
  void Wake(Watchers& watchers, uint64_t id);

  struct Entry {
    WaitingClaim claim;
    std::optional<Blocker> blocker;  // nullopt: it is ready
  };

  std::map<uint64_t, Entry> claims_;
  std::map<std::pair<uint64_t, uint64_t>, uint64_t> places_;  // by session and number
  std::set<std::pair<uint64_t, uint64_t>> deadlines_;         // time, place
  std::set<uint64_t> ready_;
  Watchers lease_watchers_;  // places, by the token that they watch
  Watchers claim_watchers_;  // by the place that they watch
  KeyIndex index_;           // owners are places
  uint64_t next_place_ = 1;
};

}  // namespace roost

#endif  // ROOST_BROKER_LEASES_CLAIM_QUEUE_H_
