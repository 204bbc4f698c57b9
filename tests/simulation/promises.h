// What a simulated Roost has promised to its clients, and whether the log that is found in the end keeps it. Knows
// nothing of how the broker does it.
//
// One thread. What breaks a promise is in violations().
#ifndef ROOST_TESTS_SIMULATION_PROMISES_H_
#define ROOST_TESTS_SIMULATION_PROMISES_H_

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "log/record_format.h"
#include "roost/coordination.h"
#include "roost/event.h"
#include "tests/simulation/whole_log.h"

namespace roost {

class Promises {
 public:
  explicit Promises(uint64_t max_tries) : max_tries_(max_tries) {}

  // ---- appends ----

  // The number of the next one; DataOf() of it is what its events must say.
  uint64_t next_operation() const { return operations_.size(); }
  static std::string DataOf(uint64_t operation, size_t index, size_t padding);
  // `head` is the log's, now. Returns the operation's number.
  uint64_t Asked(Batch batch, uint64_t head);
  const Batch& BatchOf(uint64_t operation) const { return operations_[operation].batch; }
  // The same, which has an id, is asked again.
  void AskedAgain(uint64_t operation) { ++operations_[operation].open; }
  void Answered(uint64_t operation, const Result<AppendResult>& result, uint64_t head);

  // ---- what else clients were told ----

  void Granted(uint64_t token, uint64_t session);
  void Released(uint64_t token, uint64_t head);
  void Took(const std::string& group, const TakenItem& item, uint64_t session);
  void Settled(const std::string& group, const TakenItem& item, Outcome outcome, uint64_t head);
  // A reader saw this event in the ring.
  void Saw(const RecordHeader& header);

  // ---- what may be lost ----

  // All up to `head` is on the disk.
  void Lasts(uint64_t head) { lasting_ = std::max(lasting_, head); }
  // A broker was started with this head, after its process died, or after a power cut that may take what does not
  // last.
  void FoundAfterDeath(uint64_t head);
  void FoundAfterPowerCut(uint64_t head);

  // ---- the end ----

  // `all_settled`: whoever was left has worked off all groups.
  void Check(const WholeLog& log, bool all_settled);
  void Violation(std::string what);
  const std::vector<std::string>& violations() const { return violations_; }
  // For those who find out about other promises.
  std::vector<std::string>* mutable_violations() { return &violations_; }

 private:
  struct Operation {
    Batch batch;
    uint64_t asked_head = 0;
    int open = 1;          // not answered (yet), or nobody knows how it went
    bool is_done = false;  // answered: it is there
    uint64_t first = 0;    // where
    uint64_t last = 0;
    uint64_t revision = 0;
    std::vector<uint64_t> found = {};  // where its events are in the end
  };
  struct Conflict {
    uint64_t operation;
    AppendResult::Conflict conflict;
    uint64_t head_before, head_after;
  };
  struct Taking {
    std::string group;
    TakenItem item;
    uint64_t session;
  };
  struct Settlement {
    std::string group;
    TakenItem item;
    Outcome outcome;
    uint64_t head;
  };

  void Promise(uint64_t head) { promised_ = std::max(promised_, head); }
  void CheckOrder(const WholeLog& log);
  void FindOperations(const WholeLog& log);
  void CheckOperation(uint64_t number, const WholeLog& log);
  void CheckConditions(const WholeLog& log);
  void CheckConflicts(const WholeLog& log);
  void CheckSeen(const WholeLog& log);
  void CheckLeases(const WholeLog& log);
  void CheckGroups(const WholeLog& log, bool all_settled);

  const uint64_t max_tries_;
  std::vector<Operation> operations_;
  std::vector<Conflict> conflicts_;
  std::map<uint64_t, uint64_t> granted_;   // token: session
  std::map<uint64_t, uint64_t> released_;  // token: head when it was said
  std::vector<Taking> takings_;
  std::vector<Settlement> settled_;
  std::map<uint64_t, uint32_t> seen_;  // sequence: checksum
  uint64_t promised_ = 0;              // newest event that somebody knows to be there
  uint64_t lasting_ = 0;
  std::vector<std::string> violations_;
};

}  // namespace roost

#endif  // ROOST_TESTS_SIMULATION_PROMISES_H_
