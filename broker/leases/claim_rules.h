// What may be granted: a claim is, if no lease of another session overlaps with its keys, and no claim of another session
// that came before it and still waits. A key that the session holds already stays its own whoever waits for it, so
// that a holder can always renew; a key that merely overlaps with one it holds is a new one.
//
// Pure functions over table and queue; sequencer thread. The work is bounded by the budget; once it is exhausted the
// answer means nothing.
#ifndef ROOST_BROKER_LEASES_CLAIM_RULES_H_
#define ROOST_BROKER_LEASES_CLAIM_RULES_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "broker/append_request.h"
#include "broker/leases/claim_queue.h"
#include "broker/leases/claim_request.h"
#include "broker/leases/lease_replies.h"
#include "broker/leases/lease_table.h"

namespace roost {

// Whose claim it is, and its place in the line; for one that does not wait (yet), behind all others.
struct Claimant {
  uint64_t session = 0;
  uint64_t place = 0;
};

// The newest claim before it that stands in its way, or else a lease; nullopt: it may be granted.
std::optional<Blocker> FindBlocker(const LeaseTable& table, const ClaimQueue& queue,
                                   const Claimant& claimant, const Claim& claim,
                                   MatchBudget* budget);

// For the client: all leases in the way, and the first waiting claim for each key where there is no lease; at most
// kHoldersMax. Views into table, queue and claim.
std::vector<HolderView> FindHolders(const LeaseTable& table, const ClaimQueue& queue,
                                    const Claimant& claimant, const Claim& claim,
                                    MatchBudget* budget, uint64_t now_ns);

// The session's one lease that has exactly the claim's keys, or nullptr.
const Lease* FindSameLease(const LeaseTable& table, uint64_t session, const Claim& claim);

// Granting it again can be left unwritten: nothing would be new about it but its time, of which less than an
// eighth is gone.
bool IsFresh(const Lease& lease, const Claim& claim, uint64_t now_ns);

// What the event will say, but for its token. REQUIRES: it may be granted.
LeaseGrant PlanGrant(const LeaseTable& table, uint64_t session, std::string_view agent,
                     const Claim& claim);

// Whether the table has room for it.
std::optional<Refusal> CheckRoom(const LeaseTable& table, uint64_t session, const Claim& claim);

}  // namespace roost

#endif  // ROOST_BROKER_LEASES_CLAIM_RULES_H_
