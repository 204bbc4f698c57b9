// resources/read and completion/complete. One thread.
#ifndef ROOST_CLIENT_MCP_RESOURCES_H_
#define ROOST_CLIENT_MCP_RESOURCES_H_

#include <memory>

#include "client/mcp/json_slice.h"
#include "client/mcp/operation.h"
#include "client/mcp/responder.h"

namespace roost {

// A client's library gives up the connection over a line of 10 MiB.
inline constexpr size_t kMessageBytesMax = 10 << 20;

// Both check `params`; if they are wrong they say so to the responder and return nullptr.
std::unique_ptr<Operation> MakeResourceRead(Shim* shim, const Responder& responder,
                                            JsonSlice params);
std::unique_ptr<Operation> MakeCompletion(Shim* shim, const Responder& responder, JsonSlice params);

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_RESOURCES_H_
