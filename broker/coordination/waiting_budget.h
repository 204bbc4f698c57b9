// How many requests may wait to be answered later, for each session and in all, whatever room they wait in.
//
// Sequencer thread.
#ifndef ROOST_BROKER_COORDINATION_WAITING_BUDGET_H_
#define ROOST_BROKER_COORDINATION_WAITING_BUDGET_H_

#include <cstdint>
#include <optional>

#include "broker/append_request.h"
#include "broker/session_table.h"

namespace roost {

class WaitingBudget {
 public:
  static constexpr uint32_t kPerSessionMax = 64;
  static constexpr uint32_t kMax = 8192;

  // One more request of the session waits, or what it is told since there is no room for it.
  std::optional<Refusal> Spend(Session& session);
  // One waits no longer. REQUIRES: it was spent for this session.
  void GiveBack(Session& session);

  uint32_t waiting() const { return waiting_; }

 private:
  uint32_t waiting_ = 0;
};

}  // namespace roost

#endif  // ROOST_BROKER_COORDINATION_WAITING_BUDGET_H_
