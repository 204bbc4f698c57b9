// The replies of leases as bytes. What a function returns is valid until the next call. Sequencer thread.
#ifndef ROOST_BROKER_LEASES_LEASE_REPLIES_H_
#define ROOST_BROKER_LEASES_LEASE_REPLIES_H_

#include <flatbuffers/flatbuffer_builder.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "broker/leases/lease_table.h"
#include "schemas/control_generated.h"

namespace roost {

inline constexpr size_t kHoldersMax = 64;
inline constexpr uint32_t kListLeasesMax = 200;

// What stands in the way of a claim. Views of whoever made it.
struct HolderView {
  std::string_view key;   // that was asked for
  std::string_view held;  // that is held or waited for
  std::string_view by;
  uint64_t session = 0;
  uint32_t expires_in_ms = 0;
  bool waiting = false;
};

class LeaseReplies {
 public:
  Bytes Queued(uint64_t number);
  Bytes Granted(uint64_t number, uint64_t token, uint32_t expires_in_ms);
  // REQUIRES: at most kHoldersMax.
  Bytes Held(uint64_t number, const std::vector<HolderView>& holders);
  Bytes Released(uint64_t number, bool released);
  Bytes LeaseEnded(uint64_t token, const std::vector<std::string>& keys, std::string_view reason);
  // The leases after `after` with a key that begins with `prefix`, in the order of tokens: at most `limit` and
  // kListLeasesMax, and no more than fit a reply. Looks at all of them at worst.
  Bytes Leases(uint64_t number, const LeaseTable& table, std::string_view prefix, uint64_t after,
               uint32_t limit, uint64_t now_ns);

 private:
  template <typename Body>
  Bytes Finish(uint64_t number, wire::ReplyBody type, flatbuffers::Offset<Body> body);
  flatbuffers::Offset<wire::Lease> AddLease(const Lease& lease, uint64_t now_ns);

  flatbuffers::FlatBufferBuilder builder_;
};

// How long a lease still lives: at least 1 ms, for whoever reads 0 as ended.
uint32_t ExpiresInMs(const Lease& lease, uint64_t now_ns);

}  // namespace roost

#endif  // ROOST_BROKER_LEASES_LEASE_REPLIES_H_
