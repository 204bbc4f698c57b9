// How broker, log and this shim are doing, as JSON: from the attachment, the ring and the counters file,
// which can be read also when the broker hangs or is dead. One thread.
#ifndef ROOST_CLIENT_MCP_STATUS_JSON_H_
#define ROOST_CLIENT_MCP_STATUS_JSON_H_

#include <string>
#include <string_view>

#include "client/mcp/operation.h"

namespace roost {

// `trouble`: why there is no broker at the moment; empty if there is one.
std::string StatusJson(const Shim& shim, std::string_view trouble);

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_STATUS_JSON_H_
