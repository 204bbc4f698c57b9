// The tools: a name, and what makes a call into an Operation. Their descriptions for the model are in
// replies.cc. One thread.
#ifndef ROOST_CLIENT_MCP_TOOLS_TOOL_H_
#define ROOST_CLIENT_MCP_TOOLS_TOOL_H_

#include <memory>
#include <string_view>

#include "client/mcp/json_slice.h"
#include "client/mcp/operation.h"
#include "client/mcp/responder.h"

namespace roost {

// Checks the arguments (an object, or absent). If they are wrong it says so to the responder and returns
// nullptr. What it returns keeps nothing of the line that the arguments stand in.
using MakeTool = std::unique_ptr<Operation> (*)(Shim* shim, const Responder& responder,
                                                JsonSlice arguments);

std::unique_ptr<Operation> MakeAppend(Shim* shim, const Responder& responder, JsonSlice arguments);
std::unique_ptr<Operation> MakeRead(Shim* shim, const Responder& responder, JsonSlice arguments);
std::unique_ptr<Operation> MakeWait(Shim* shim, const Responder& responder, JsonSlice arguments);
std::unique_ptr<Operation> MakeStatus(Shim* shim, const Responder& responder, JsonSlice arguments);

// nullptr: there is no such tool.
MakeTool FindTool(std::string_view name);

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_TOOLS_TOOL_H_
