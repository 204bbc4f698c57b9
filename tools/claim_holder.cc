#include "tools/claim_holder.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/clock.h"

namespace roost {
namespace {

// After an attempt that did not come through.
constexpr uint64_t kAgainNs = kNsPerSecond;

}  // namespace

ClaimHolder::ClaimHolder(Client* client, ClaimRequest request, const ClaimResult& granted)
    : client_(client),
      request_(std::move(request)),
      ttl_ns_(static_cast<uint64_t>(request_.ttl.count()) * kNsPerMs),
      token_(granted.token),
      renew_ns_(MonotonicNs() + ttl_ns_ / 3),
      ends_ns_(MonotonicNs() + ttl_ns_) {
  request_.wait = {};
}

std::optional<std::string> ClaimHolder::Turn() {
  for (const EndedLease& ended : client_->TakeEndedLeases()) {
    if (ended.token == token_) return ended.reason;
  }
  const uint64_t now_ns = MonotonicNs();
  return now_ns >= renew_ns_ ? Renew(now_ns) : std::nullopt;
}

std::optional<std::string> ClaimHolder::Renew(uint64_t now_ns) {
  const Result<ClaimResult> renewed = client_->Claim(request_);
  if (renewed.ok() && renewed->granted) {
    token_ = renewed->token;
    // Counted from before the request: the broker began later.
    renew_ns_ = now_ns + ttl_ns_ / 3;
    ends_ns_ = now_ns + ttl_ns_;
    return std::nullopt;
  }
  if (renewed.ok()) {
    return fmt::format("'{}' has it", renewed->held.empty() ? "another" : renewed->held[0].by);
  }
  if (MonotonicNs() >= ends_ns_) return renewed.status().message();
  renew_ns_ = MonotonicNs() + std::min(kAgainNs, ttl_ns_ / 10);
  return std::nullopt;
}

}  // namespace roost
