// Claims of this session that ended before they were released: told to the model once, with the next
// result of any tool, since it may believe that it still holds them. One thread.
#ifndef ROOST_CLIENT_MCP_ENDED_LEASES_H_
#define ROOST_CLIENT_MCP_ENDED_LEASES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "client/mcp/log_access.h"

namespace roost {

class EndedLeases {
 public:
  // At least one claim is told at once; what is more than this waits for the next result, and of one
  // claim no more keys are named than fit.
  static constexpr size_t kMemberBytesMax = 2 << 10;
  static constexpr size_t kKeptMax = 64;  // the newest

  // `log` outlives it.
  explicit EndedLeases(LogAccess* log) : log_(log) {}

  bool any();
  // ,"lease_ended":[{"token":…,"keys":[…],"reason":…},…] for the object being written, which is told
  // now and not again; "" when there is nothing to tell.
  std::string TakeMember();

 private:
  LogAccess* log_;
  std::vector<EndedLease> untold_;  // oldest first
};

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_ENDED_LEASES_H_
