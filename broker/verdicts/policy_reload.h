// What happens when the operator wants the policy read anew: it is loaded by another thread, put in force if it is
// fine, else refused while the old one stays; $broker and the broker's log say which.
//
// Sequencer thread.
#ifndef ROOST_BROKER_VERDICTS_POLICY_RELOAD_H_
#define ROOST_BROKER_VERDICTS_POLICY_RELOAD_H_

#include <string>

#include "broker/own_events.h"
#include "broker/verdicts/policy.h"
#include "broker/verdicts/policy_loader.h"
#include "broker/verdicts/verdict_room.h"

namespace roost {

class PolicyReload {
 public:
  // `loader`: nullptr where there is no policy.
  PolicyReload(PolicyLoader* loader, VerdictRoom* room, OwnEvents* own_events)
      : loader_(loader), room_(room), own_events_(own_events) {}

  // The policy that the broker starts with, if there is one.
  void TellOfFirst(const Policy& policy);
  void OnSignal();
  void OnLoaded();

 private:
  void TellOf(const Policy& policy);
  void TellOfRefused(const Status& status);

  PolicyLoader* const loader_;
  VerdictRoom* const room_;
  OwnEvents* const own_events_;
};

}  // namespace roost

#endif  // ROOST_BROKER_VERDICTS_POLICY_RELOAD_H_
