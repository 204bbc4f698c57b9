// What can be said about a request before it is sent: what the wire has no room for, and the limits that need
// nothing but the request, with what to do instead. The rest is the broker's to say. Pure functions, any thread.
#ifndef ROOST_CLIENT_COORDINATION_CHECK_H_
#define ROOST_CLIENT_COORDINATION_CHECK_H_

#include <chrono>
#include <cstddef>
#include <span>
#include <string_view>

#include "base/status.h"
#include "roost/coordination.h"

namespace roost {

// kInvalidArgument, kTooLarge.
Status CheckClaim(const ClaimRequest& request);
Status CheckTake(const TakeRequest& request);
Status CheckSettle(std::span<const ItemToken> tokens, std::string_view note);
Status CheckGroup(std::string_view stream, std::string_view group);
Status CheckNote(std::string_view note);
Status CheckQuestions(std::span<const Question> questions, std::chrono::milliseconds wait);
Status CheckDecision(const Decision& decision);

}  // namespace roost

#endif  // ROOST_CLIENT_COORDINATION_CHECK_H_
