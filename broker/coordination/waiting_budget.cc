#include "broker/coordination/waiting_budget.h"

#include <fmt/core.h>

#include "base/check.h"

namespace roost {

using wire::RefusalCode;

std::optional<Refusal> WaitingBudget::Spend(Session& session) {
  if (session.waiting_requests >= kPerSessionMax) {
    return Refusal{RefusalCode::Busy,
                   fmt::format("{} requests of this session wait already, which is the limit; wait "
                               "for one of them or cancel it",
                               kPerSessionMax)};
  }
  if (waiting_ >= kMax) {
    return Refusal{RefusalCode::Busy,
                   fmt::format("{} requests wait already, which is the limit of this broker; ask "
                               "without waiting, or try again later",
                               kMax)};
  }
  ++session.waiting_requests;
  ++waiting_;
  return std::nullopt;
}

void WaitingBudget::GiveBack(Session& session) {
  ROOST_CHECK(session.waiting_requests > 0 && waiting_ > 0, "session={}", session.number);
  --session.waiting_requests;
  --waiting_;
}

}  // namespace roost
