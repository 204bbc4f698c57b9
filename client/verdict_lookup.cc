#include "client/verdict_lookup.h"

#include "log/verdict_reader.h"

namespace roost {

bool VerdictValidity::Holds(const RingReader& ring, uint64_t now_ns) const {
  return policy_version == VerdictReader(ring.verdicts()).policy_version() && now_ns < expires_ns;
}

std::optional<Answer> LookUpVerdict(const RingReader& ring, const VerdictKey& key, uint32_t uid,
                                    uint64_t now_ns) {
  VerdictValidity validity;
  return LookUpVerdict(ring, key, uid, now_ns, &validity);
}

std::optional<Answer> LookUpVerdict(const RingReader& ring, const VerdictKey& key, uint32_t uid,
                                    uint64_t now_ns, VerdictValidity* validity) {
  std::optional<PublishedVerdict> found =
      VerdictReader(ring.verdicts()).Find(key.data(), uid, now_ns);
  if (!found.has_value()) return std::nullopt;
  *validity = {found->policy_version, found->expires_ns};
  Answer answer;
  answer.verdict = static_cast<Verdict>(found->verdict);
  answer.key = key;
  answer.reason = std::move(found->reason);
  answer.by = std::move(found->by);
  answer.decided_ns = found->decided_ns;
  answer.cached = true;
  return answer;
}

}  // namespace roost
