// Keeps a claim of a client alive while something else goes on: renews it when a third of its time is over, and says
// when it is lost. One thread.
#ifndef ROOST_TOOLS_CLAIM_HOLDER_H_
#define ROOST_TOOLS_CLAIM_HOLDER_H_

#include <cstdint>
#include <optional>
#include <string>

#include "roost/client.h"

namespace roost {

class ClaimHolder {
 public:
  // `granted` is what `request` was answered, just now. `client` outlives the holder.
  ClaimHolder(Client* client, ClaimRequest request, const ClaimResult& granted);

  // To be called at least every fifth of a second. Why the claim is lost, once it is; a broker that is away for
  // a moment is no loss, one that is away for longer than the claim's time is.
  std::optional<std::string> Turn();

  uint64_t token() const { return token_; }  // of the newest renewal
  // Gives the claim up. False: it had ended.
  Result<bool> Release() { return client_->Release(token_); }

 private:
  std::optional<std::string> Renew(uint64_t now_ns);

  Client* const client_;
  ClaimRequest request_;
  const uint64_t ttl_ns_;
  uint64_t token_;
  uint64_t renew_ns_;
  uint64_t ends_ns_;  // all CLOCK_MONOTONIC
};

}  // namespace roost

#endif  // ROOST_TOOLS_CLAIM_HOLDER_H_
