// All that the broker knows from the log alone, once more and for itself: what old events are folded into when
// retention deletes them (log/log_fold.h), by the same tables that a start rebuilds. One thread; goes when the
// checkpoint is made.
#ifndef ROOST_BROKER_FOLDED_STATE_H_
#define ROOST_BROKER_FOLDED_STATE_H_

#include <vector>

#include "broker/groups/group_table.h"
#include "broker/id_table.h"
#include "broker/leases/recovered_leases.h"
#include "broker/recovered_state.h"
#include "broker/verdicts/question_table.h"

namespace roost {

class FoldedState : public RecoveryObserver {
 public:
  void OnEvent(const RecordHeader& header, Bytes body) override { state_.OnEvent(header, body); }
  void SaveState(std::vector<StateSection>* sections) const override { state_.SaveState(sections); }
  Status LoadState(const Checkpoint& checkpoint) override { return state_.LoadState(checkpoint); }

 private:
  IdTable ids_;
  GroupTable groups_;
  LeaseTable leases_;
  QuestionTable questions_;
  RecoveredLeases recovered_leases_{&leases_};
  RecoveredState state_{
      &ids_, {&groups_, &recovered_leases_, &questions_}, RecoveredState::Time::kOfEvents};
};

}  // namespace roost

#endif  // ROOST_BROKER_FOLDED_STATE_H_
