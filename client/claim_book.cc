#include "client/claim_book.h"

#include <algorithm>
#include <utility>

namespace roost {

void ClaimBook::Granted(uint64_t token, std::span<const std::string> keys) {
  for (auto held = held_.begin(); held != held_.end();) {
    std::erase_if(held->second, [keys](const std::string& key) {
      return std::ranges::find(keys, key) != keys.end();
    });
    held = held->second.empty() ? held_.erase(held) : std::next(held);
  }
  held_[token].assign(keys.begin(), keys.end());
  if (held_.size() > kHeldMax) held_.erase(held_.begin());
}

void ClaimBook::Ended(EndedLease ended) {
  held_.erase(ended.token);
  if (ended_.size() == kEndedMax) ended_.erase(ended_.begin());
  ended_.push_back(std::move(ended));
}

void ClaimBook::EndedHeld(uint64_t token, const char* reason) {
  const auto found = held_.find(token);
  if (found == held_.end()) return;
  Ended({token, std::move(found->second), reason});
}

void ClaimBook::AllEnded(const char* reason) {
  while (!held_.empty()) EndedHeld(held_.begin()->first, reason);
}

uint64_t ClaimBook::HeldAfter(uint64_t token) const {
  const auto found = held_.upper_bound(token);
  return found == held_.end() ? 0 : found->first;
}

std::vector<EndedLease> ClaimBook::TakeEnded() { return std::exchange(ended_, {}); }

}  // namespace roost
