// What the broker answers to requests about claims, groups and verdicts, in the values of roost/coordination.h.
// Every answer is checked against what was asked: a broker that answers something else, or more than was asked
// for, is kCorruption. Pure functions, any thread.
#ifndef ROOST_CLIENT_COORDINATION_REPLIES_H_
#define ROOST_CLIENT_COORDINATION_REPLIES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/status.h"
#include "roost/coordination.h"
#include "schemas/control_generated.h"

namespace roost {

Result<ClaimResult> ClaimResultOf(const wire::Reply& reply);
Result<bool> ReleasedOf(const wire::Reply& reply);
Result<TakeResult> TakeResultOf(const wire::Reply& reply, uint32_t max);
Result<std::vector<bool>> SettledOf(const wire::Reply& reply, size_t tokens);
Result<ParkedPage> ParkedPageOf(const wire::Reply& reply, uint64_t after, uint32_t limit);
Result<uint64_t> UnparkedOf(const wire::Reply& reply);
Result<GroupRemoval> GroupRemovalOf(const wire::Reply& reply);
Result<std::vector<Answer>> AnswersOf(const wire::Reply& reply, size_t questions);
Result<DecideResult> DecideResultOf(const wire::Reply& reply);

// Adds a page of a list; `*more`: there are others behind it. Each page goes on where the one before ended.
Status AddLeases(const wire::Reply& reply, std::vector<LeaseInfo>* leases, bool* more);
Status AddGroups(const wire::Reply& reply, std::vector<GroupInfo>* groups, bool* more);

EndedLease EndedLeaseOf(const wire::LeaseEnded& ended);

}  // namespace roost

#endif  // ROOST_CLIENT_COORDINATION_REPLIES_H_
