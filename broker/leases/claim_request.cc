#include "broker/leases/claim_request.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/utf8.h"
#include "broker/leases/key_pattern.h"
#include "broker/leases/lease_events.h"

namespace roost {

using wire::RefusalCode;

std::optional<Refusal> CheckLeaseNote(std::string_view note) {
  if (note.size() > kLeaseNoteBytesMax) {
    return Refusal{RefusalCode::TooLarge, fmt::format("a note may have {} bytes and has {}",
                                                      kLeaseNoteBytesMax, note.size())};
  }
  if (!IsPlainUtf8(note)) {
    return Refusal{RefusalCode::Invalid, "a note must be UTF-8 without control characters"};
  }
  return std::nullopt;
}

std::optional<Refusal> DecodeClaim(const wire::Claim& request, Claim* claim) {
  const size_t count = request.keys()->size();
  if (count == 0) return Refusal{RefusalCode::Invalid, "a claim must name a key"};
  if (count > kClaimKeysMax) {
    return Refusal{RefusalCode::TooLarge,
                   fmt::format("a claim may name {} keys and names {}; claim a glob instead, or "
                               "claim several times",
                               kClaimKeysMax, count)};
  }
  for (const flatbuffers::String* text : *request.keys()) {
    const std::string_view key = text->string_view();
    if (const auto problem = KeyProblem(key)) return Refusal{RefusalCode::Invalid, *problem};
    if (std::ranges::find(claim->keys, key) == claim->keys.end()) claim->keys.emplace_back(key);
  }
  if (request.ttl_ms() < kClaimTtlMsMin || request.ttl_ms() > kClaimTtlMsMax) {
    return Refusal{RefusalCode::Invalid,
                   fmt::format("a claim's ttl_ms is {} to {}, not {}; claim again to renew it",
                               kClaimTtlMsMin, kClaimTtlMsMax, request.ttl_ms())};
  }
  if (request.wait_ms() > kClaimWaitMsMax) {
    return Refusal{RefusalCode::Invalid, fmt::format("a claim may wait {} ms, not {}; ask again "
                                                     "when the time is over",
                                                     kClaimWaitMsMax, request.wait_ms())};
  }
  claim->ttl_ms = request.ttl_ms();
  claim->wait_ms = request.wait_ms();
  if (request.note() == nullptr) return std::nullopt;
  claim->note = request.note()->string_view();
  return CheckLeaseNote(claim->note);
}

}  // namespace roost
