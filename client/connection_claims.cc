// Which claims are still held after a connection was lost. A broker frees what a session held when its connection
// ends, also when the session comes back, and what it said meanwhile is lost: so it is asked.
#include "base/clock.h"
#include "client/connection_core.h"

namespace roost {
namespace {

constexpr uint64_t kCheckNs = 10 * kNsPerSecond;

bool Lists(const wire::Reply& reply, uint64_t token, uint64_t session) {
  const wire::Leases* leases = reply.body_as_Leases();
  if (leases == nullptr || leases->leases() == nullptr || leases->leases()->size() == 0)
    return false;
  const wire::Lease* lease = leases->leases()->Get(0);
  return lease->token() == token && lease->session() == session;
}

}  // namespace

void ConnectionCore::WantClaimCheck(const char* reason) {
  claim_check_.is_wanted = true;
  claim_check_.after = 0;
  claim_check_.reason = reason;
}

void ConnectionCore::SubmitClaimCheck() {
  if (!claim_check_.is_wanted || claim_check_.is_running || !MaySend() || !HasRoom()) return;
  claim_check_.is_wanted = false;
  const uint64_t token = claims_.HeldAfter(claim_check_.after);
  if (token == 0) return;
  claim_check_.is_running = true;
  AddRequest(encoder_.ListLeases(next_number(), "", token - 1, 1),
             {.deadline_ns = MonotonicNs() + kCheckNs}, 0,
             [this, token](const Status& status, const wire::Reply* reply) {
               OnClaimChecked(token, status, reply);
             });
}

void ConnectionCore::OnClaimChecked(uint64_t token, const Status& status,
                                    const wire::Reply* reply) {
  claim_check_.is_running = false;
  if (!status.ok()) return;
  if (!Lists(*reply, token, attachment_.session())) {
    claims_.EndedHeld(token, claim_check_.reason);
  }
  if (claim_check_.is_wanted) return;  // from the beginning
  claim_check_.is_wanted = true;
  claim_check_.after = token;
}

}  // namespace roost
