#include "broker/leases/claim_rules.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/clock.h"

namespace roost {
namespace {

using wire::RefusalCode;

// Of a lease's time; a claim that comes sooner than this after the last one writes nothing.
constexpr uint64_t kFreshFraction = 8;

// The newest one of these claims before the claimant's, of another session; 0: none.
uint64_t NewestBefore(const ClaimQueue& queue, const Claimant& claimant,
                      const std::vector<uint64_t>& places) {
  auto next = std::ranges::lower_bound(places, claimant.place);
  while (next != places.begin()) {
    --next;
    if (queue.Find(*next)->session->number != claimant.session) return *next;
  }
  return 0;
}

const WaitingClaim* OldestBefore(const ClaimQueue& queue, const Claimant& claimant,
                                 const std::vector<uint64_t>& places) {
  for (const uint64_t place : places) {
    if (place >= claimant.place) return nullptr;
    const WaitingClaim* claim = queue.Find(place);
    if (claim->session->number != claimant.session) return claim;
  }
  return nullptr;
}

bool Holds(const LeaseTable& table, uint64_t session, std::string_view key) {
  return table.FindOwn(session, key) != nullptr;
}

void AddWaiting(const ClaimQueue& queue, const Claimant& claimant, std::string_view key,
                MatchBudget* budget, std::vector<HolderView>* holders) {
  queue.keys().ForEachOverlap(
      key, budget, [&](std::string_view wanted, const std::vector<uint64_t>& places) {
        const WaitingClaim* claim = OldestBefore(queue, claimant, places);
        if (claim == nullptr) return true;
        holders->push_back({key, wanted, claim->session->agent, claim->session->number, 0, true});
        return false;
      });
}

}  // namespace

std::optional<Blocker> FindBlocker(const LeaseTable& table, const ClaimQueue& queue,
                                   const Claimant& claimant, const Claim& claim,
                                   MatchBudget* budget) {
  uint64_t newest = 0;
  uint64_t token = 0;
  for (const std::string& key : claim.keys) {
    if (Holds(table, claimant.session, key)) continue;
    queue.keys().ForEachOverlap(key, budget,
                                [&](std::string_view, const std::vector<uint64_t>& places) {
                                  newest = std::max(newest, NewestBefore(queue, claimant, places));
                                  return true;
                                });
    if (newest != 0 || token != 0) continue;
    table.ForEachHolder(claimant.session, key, budget, [&](const Lease& lease, std::string_view) {
      token = lease.token;
      return false;
    });
  }
  if (newest != 0) return Blocker{Blocker::Kind::kClaim, newest};
  if (token != 0) return Blocker{Blocker::Kind::kLease, token};
  return std::nullopt;
}

std::vector<HolderView> FindHolders(const LeaseTable& table, const ClaimQueue& queue,
                                    const Claimant& claimant, const Claim& claim,
                                    MatchBudget* budget, uint64_t now_ns) {
  std::vector<HolderView> holders;
  for (const std::string& key : claim.keys) {
    if (holders.size() >= kHoldersMax) break;
    if (Holds(table, claimant.session, key)) continue;
    const size_t before = holders.size();
    table.ForEachHolder(
        claimant.session, key, budget, [&](const Lease& lease, std::string_view held) {
          holders.push_back(
              {key, held, lease.agent, lease.session, ExpiresInMs(lease, now_ns), false});
          return holders.size() < kHoldersMax;
        });
    if (holders.size() == before) AddWaiting(queue, claimant, key, budget, &holders);
  }
  return holders;
}

const Lease* FindSameLease(const LeaseTable& table, uint64_t session, const Claim& claim) {
  const Lease* lease = table.FindOwn(session, claim.keys.front());
  if (lease == nullptr || lease->keys.size() != claim.keys.size()) return nullptr;
  const bool has_all = std::ranges::all_of(claim.keys, [lease](const std::string& key) {
    return std::ranges::find(lease->keys, key) != lease->keys.end();
  });
  return has_all ? lease : nullptr;
}

bool IsFresh(const Lease& lease, const Claim& claim, uint64_t now_ns) {
  return lease.ttl_ms == claim.ttl_ms && lease.note == claim.note && lease.written_ns != 0 &&
         now_ns - lease.written_ns < lease.ttl_ms * kNsPerMs / kFreshFraction;
}

LeaseGrant PlanGrant(const LeaseTable& table, uint64_t session, std::string_view agent,
                     const Claim& claim) {
  LeaseGrant grant;
  grant.session = session;
  grant.agent = agent;
  grant.keys = claim.keys;
  grant.ttl_ms = claim.ttl_ms;
  grant.note = claim.note;
  for (const std::string& key : claim.keys) {
    const Lease* lease = table.FindOwn(session, key);
    if (lease == nullptr) continue;
    if (std::ranges::find(grant.replaces, lease->token) == grant.replaces.end()) {
      grant.replaces.push_back(lease->token);
    }
  }
  return grant;
}

namespace {

std::optional<Refusal> CheckShare(const LeaseTable& table, uint64_t session, const Claim& claim,
                                  size_t held) {
  const LeaseTable::Share share = table.ShareOf(session);
  if (share.leases >= kSessionLeasesMax) {
    return Refusal{RefusalCode::Busy,
                   fmt::format("nothing was claimed: this session has {} claims, which is the "
                               "limit; release some, or claim more keys at once",
                               share.leases)};
  }
  if (share.keys + claim.keys.size() - held > kSessionLeaseKeysMax) {
    return Refusal{RefusalCode::Busy,
                   fmt::format("nothing was claimed: this session holds {} keys and may hold {}; "
                               "release some, or claim a glob",
                               share.keys, kSessionLeaseKeysMax)};
  }
  if (share.glob_leases >= kSessionGlobLeasesMax && std::ranges::any_of(claim.keys, IsGlob)) {
    return Refusal{RefusalCode::Busy,
                   fmt::format("nothing was claimed: this session has {} claims with globs, which "
                               "is the limit; release some, or claim literal keys",
                               share.glob_leases)};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> CheckRoom(const LeaseTable& table, uint64_t session, const Claim& claim) {
  if (FindSameLease(table, session, claim) != nullptr) return std::nullopt;
  const auto held = static_cast<size_t>(std::ranges::count_if(
      claim.keys, [&](const std::string& key) { return Holds(table, session, key); }));
  if (auto refusal = CheckShare(table, session, claim, held)) return refusal;
  if (table.keys() + claim.keys.size() - held > kLeaseKeysMax) {
    return Refusal{RefusalCode::Busy,
                   fmt::format("nothing was claimed: {} keys are held, and there is room for {}; "
                               "claim fewer, or a glob, or try again when some are released",
                               table.keys(), kLeaseKeysMax)};
  }
  if (table.glob_leases() >= kGlobLeasesMax && std::ranges::any_of(claim.keys, IsGlob)) {
    return Refusal{RefusalCode::Busy,
                   fmt::format("nothing was claimed: {} claims with globs live, which is the "
                               "limit; claim literal keys, or try again when some are released",
                               kGlobLeasesMax)};
  }
  return std::nullopt;
}

}  // namespace roost
