// Rebuilds the table of leases from the events of $leases while the journal is recovered. No time runs then; the
// room begins all of them anew. The thread that recovers.
#ifndef ROOST_BROKER_LEASES_RECOVERED_LEASES_H_
#define ROOST_BROKER_LEASES_RECOVERED_LEASES_H_

#include "broker/coordination/room.h"
#include "broker/leases/lease_table.h"

namespace roost {

class RecoveredLeases : public RecoveredTable {
 public:
  // The table outlives this.
  explicit RecoveredLeases(LeaseTable* table) : table_(table) {}

  void OnOwnEvent(const RecordHeader& header, const wire::Event& event) override;
  SectionKind section() const override { return SectionKind::kLeases; }
  void Save(StateWriter* out) const override;
  bool Load(StateReader* in) override;

 private:
  LeaseTable* const table_;
};

}  // namespace roost

#endif  // ROOST_BROKER_LEASES_RECOVERED_LEASES_H_
