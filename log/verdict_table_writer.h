// Publishes verdicts in shared memory. The steps are those of log/verdict_format.h.
//
// The sequencer thread alone. Nothing is allocated, nothing is kept.
#ifndef ROOST_LOG_VERDICT_TABLE_WRITER_H_
#define ROOST_LOG_VERDICT_TABLE_WRITER_H_

#include <cstdint>

#include "log/verdict_format.h"

namespace roost {

class VerdictTableWriter {
 public:
  explicit VerdictTableWriter(const VerdictMemory& memory);

  // From now on only verdicts of this policy count.
  void SetPolicyVersion(uint64_t version);

  // Instead of an older one for the same key, policy and uid, else of one that does not count any more at
  // `now_ns` (CLOCK_MONOTONIC), else of the one with the lowest sequence in its bucket. What is too long for an entry
  // is cut, between two characters.
  void Publish(const PublishedVerdict& verdict, uint64_t now_ns);

 private:
  uint64_t ChooseSlot(const PublishedVerdict& verdict, uint64_t now_ns) const;

  const VerdictMemory memory_;
};

}  // namespace roost

#endif  // ROOST_LOG_VERDICT_TABLE_WRITER_H_
