// The claims that this client holds, as far as it knows, and those that ended before it released them: so that a
// holder learns of it whatever happened to the connection meanwhile. One thread.
//
// Bounded: of the claims held the newest 4,096 are known, of those that ended the newest 64 are kept.
#ifndef ROOST_CLIENT_CLAIM_BOOK_H_
#define ROOST_CLIENT_CLAIM_BOOK_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "roost/coordination.h"

namespace roost {

class ClaimBook {
 public:
  static constexpr size_t kHeldMax = 4096;
  static constexpr size_t kEndedMax = 64;

  // Keys of older claims that are claimed again belong to the new token.
  void Granted(uint64_t token, std::span<const std::string> keys);
  // It was released, or the broker says that there was nothing to release.
  void Released(uint64_t token) { held_.erase(token); }
  // It ended by itself. Told once, also when it was not known here.
  void Ended(EndedLease ended);
  // The same for a claim that is held; nothing if it is not.
  void EndedHeld(uint64_t token, const char* reason);
  void AllEnded(const char* reason);

  // The held claim with the least token over `token`; 0: there is none.
  uint64_t HeldAfter(uint64_t token) const;

  std::vector<EndedLease> TakeEnded();

 private:
  std::map<uint64_t, std::vector<std::string>> held_;  // by token
  std::vector<EndedLease> ended_;
};

}  // namespace roost

#endif  // ROOST_CLIENT_CLAIM_BOOK_H_
