// A claim as a client sent it, checked against every rule and limit. Pure functions; sequencer thread.
#ifndef ROOST_BROKER_LEASES_CLAIM_REQUEST_H_
#define ROOST_BROKER_LEASES_CLAIM_REQUEST_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/append_request.h"
#include "schemas/control_generated.h"

namespace roost {

inline constexpr uint32_t kClaimWaitMsMax = 50'000;

struct Claim {
  std::vector<std::string> keys;  // each once, in the order in which they came
  uint32_t ttl_ms = 0;
  uint32_t wait_ms = 0;
  std::string note;
};

// Fills `claim` from the request, or says what is wrong with it.
std::optional<Refusal> DecodeClaim(const wire::Claim& request, Claim* claim);

// The note of a claim or a release.
std::optional<Refusal> CheckLeaseNote(std::string_view note);

}  // namespace roost

#endif  // ROOST_BROKER_LEASES_CLAIM_REQUEST_H_
