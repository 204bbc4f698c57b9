#include "broker/leases/claim_queue.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace roost {

void ClaimQueue::Add(WaitingClaim claim, const Blocker& blocker) {
  ROOST_CHECK(HasRoomFor(claim.claim));
  claim.place = next_place_++;
  const uint64_t place = claim.place;
  for (const std::string& key : claim.claim.keys) index_.Add(key, place);
  deadlines_.emplace(claim.deadline_ns, place);
  const bool is_new = places_.emplace(std::pair(claim.session->number, claim.number), place).second;
  ROOST_CHECK(is_new, "session={} number={}", claim.session->number, claim.number);
  claims_.emplace(place, Entry{std::move(claim), std::nullopt});
  Watch(place, blocker);
}

void ClaimQueue::Remove(uint64_t place) {
  Unwatch(place);
  const auto found = claims_.find(place);
  ROOST_CHECK(found != claims_.end(), "place={}", place);
  const WaitingClaim& claim = found->second.claim;
  for (const std::string& key : claim.claim.keys) index_.Remove(key, place);
  deadlines_.erase({claim.deadline_ns, place});
  places_.erase({claim.session->number, claim.number});
  claims_.erase(found);
  ready_.erase(place);
  Wake(claim_watchers_, place);
}

const WaitingClaim* ClaimQueue::Find(uint64_t place) const {
  const auto found = claims_.find(place);
  return found == claims_.end() ? nullptr : &found->second.claim;
}

const WaitingClaim* ClaimQueue::Find(const Session& session, uint64_t number) const {
  const auto found = places_.find({session.number, number});
  return found == places_.end() ? nullptr : Find(found->second);
}

std::vector<uint64_t> ClaimQueue::PlacesOf(const Session& session) const {
  std::vector<uint64_t> places;
  for (auto next = places_.lower_bound({session.number, 0});
       next != places_.end() && next->first.first == session.number; ++next) {
    places.push_back(next->second);
  }
  return places;
}

void ClaimQueue::Watch(uint64_t place, const Blocker& blocker) {
  Unwatch(place);
  ready_.erase(place);
  claims_.at(place).blocker = blocker;
  WatchersOf(blocker.kind)[blocker.id].push_back(place);
}

void ClaimQueue::Unwatch(uint64_t place) {
  std::optional<Blocker>& blocker = claims_.at(place).blocker;
  if (!blocker.has_value()) return;
  Watchers& watchers = WatchersOf(blocker->kind);
  const auto found = watchers.find(blocker->id);
  std::erase(found->second, place);
  if (found->second.empty()) watchers.erase(found);
  blocker.reset();
}

void ClaimQueue::OnLeaseChanged(uint64_t token) { Wake(lease_watchers_, token); }

void ClaimQueue::OnHoldsChanged(const Session& session, const std::vector<std::string>& keys) {
  const std::vector<uint64_t> places = PlacesOf(session);
  if (places.empty()) return;
  for (const std::string& key : keys) {
    const std::vector<uint64_t>& waiting = index_.OwnersOf(key);
    if (waiting.empty()) continue;
    for (const uint64_t place : places) {
      if (!std::ranges::binary_search(waiting, place)) continue;
      Unwatch(place);
      ready_.insert(place);
    }
  }
}

void ClaimQueue::Wake(Watchers& watchers, uint64_t id) {
  const auto found = watchers.find(id);
  if (found == watchers.end()) return;
  for (const uint64_t place : found->second) {
    claims_.at(place).blocker.reset();
    ready_.insert(place);
  }
  watchers.erase(found);
}

}  // namespace roost
