// Answers to questions straight from shared memory, where the broker publishes what was decided. Any thread that may
// use the ring.
#ifndef ROOST_CLIENT_VERDICT_LOOKUP_H_
#define ROOST_CLIENT_VERDICT_LOOKUP_H_

#include <cstdint>
#include <optional>

#include "ipc/question_key.h"
#include "log/ring_reader.h"
#include "roost/coordination.h"

namespace roost {

// The answer in force for this user (the effective uid, as the broker sees it) at `now_ns` (CLOCK_MONOTONIC);
// nullopt: ask the broker. A reason over 256 bytes is cut; its event has all of it.
std::optional<Answer> LookUpVerdict(const RingReader& ring, const VerdictKey& key, uint32_t uid,
                                    uint64_t now_ns);

// How long an answer of LookUpVerdict may be given again without another look.
struct VerdictValidity {
  uint64_t policy_version = 0;
  uint64_t expires_ns = 0;  // CLOCK_MONOTONIC; UINT64_MAX: for ever

  bool Holds(const RingReader& ring, uint64_t now_ns) const;
};

// The same, and how long it holds, for whoever keeps it.
std::optional<Answer> LookUpVerdict(const RingReader& ring, const VerdictKey& key, uint32_t uid,
                                    uint64_t now_ns, VerdictValidity* validity);

}  // namespace roost

#endif  // ROOST_CLIENT_VERDICT_LOOKUP_H_
