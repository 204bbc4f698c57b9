// What simulated clients were told about questions, and whether it was true. Knows nothing of how the broker does it.
//
// One thread.
#ifndef ROOST_TESTS_SIMULATION_VERDICT_PROMISES_H_
#define ROOST_TESTS_SIMULATION_VERDICT_PROMISES_H_

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "roost/coordination.h"
#include "tests/simulation/whole_log.h"

namespace roost {

// The policies that a simulated operator changes between: agents decide review.*, a rule answers ruled.*.
struct SimulatedPolicy {
  const char* text;
  Verdict ruled;
  const char* reason;
};
const std::array<SimulatedPolicy, 2>& SimulatedPolicies();

class VerdictPromises {
 public:
  explicit VerdictPromises(std::vector<std::string>* violations) : violations_(violations) {}

  // Something that the answer depends on, when the question was asked.
  struct Asked {
    uint64_t head = 0;
    uint64_t ns = 0;             // CLOCK_MONOTONIC
    uint64_t policy_changes = 0;  // how often the policy had been changed
  };
  Asked AskedAt(uint64_t head, uint64_t ns) const { return {head, ns, changes_}; }
  void Answered(const Question& question, const Answer& answer, const Asked& asked,
                uint64_t session, uint64_t head, uint64_t now_ns);
  // Shared memory had this answer.
  void Found(const Question& question, const Answer& answer, uint64_t head);

  // The reason of the next decision.
  std::string NextReason() const;
  void Decides(const Decision& decision, const std::string& agent);
  void Decided(const Decision& decision, const DecideResult& result, uint64_t head);

  // `policy` of SimulatedPolicies() is in force from now on, at the latest at `last`, and was not before `first`.
  void PolicyChanges(size_t policy, uint64_t first, uint64_t last);

  void FoundAfterPowerCut(uint64_t head);
  void Check(const std::vector<LogEvent>& events);

 private:
  struct Told {
    std::string key;
    Answer answer;
    Asked asked;
    uint64_t session;
    uint64_t head, ns;  // when it was answered
    bool of_memory;
  };
  struct Decided_ {
    std::string key, verdict, agent;
    bool was_recorded = false, was_refused = false;
    uint64_t head = 0;
  };
  struct Change {
    uint64_t first, last;
  };

  void Violation(std::string what) { violations_->push_back(std::move(what)); }
  void CheckRuled(const Question& question, const Answer& answer, uint64_t changes_before);

  std::vector<std::string>* const violations_;
  std::vector<Told> told_;
  std::map<std::string, Decided_> decisions_;  // by reason
  std::vector<Change> change_heads_;
  uint64_t changes_ = 0;
  size_t policy_ = 0;
};

}  // namespace roost

#endif  // ROOST_TESTS_SIMULATION_VERDICT_PROMISES_H_
