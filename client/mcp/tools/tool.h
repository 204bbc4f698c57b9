// The tools: a name, and what makes a call into an Operation. Their descriptions for the model are in
// tool_list.h. One thread.
#ifndef ROOST_CLIENT_MCP_TOOLS_TOOL_H_
#define ROOST_CLIENT_MCP_TOOLS_TOOL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "client/mcp/json_slice.h"
#include "client/mcp/operation.h"
#include "client/mcp/responder.h"

namespace roost {

// Limits that tools have in common. Clients give a call up after 60 s.
inline constexpr uint64_t kWaitMsMax = 50'000;
inline constexpr uint64_t kLeaseMsMin = 100;
inline constexpr uint64_t kLeaseMsMax = 24 * 3'600'000;
inline constexpr size_t kNoteBytesMax = 1024;
inline constexpr size_t kTakeMax = 500;  // events taken or settled by one call

// Checks the arguments (an object, or absent). If they are wrong it says so to the responder and returns
// nullptr, as when it could answer at once. What it returns keeps nothing of the line that the arguments
// stand in.
using MakeTool = std::unique_ptr<Operation> (*)(Shim* shim, const Responder& responder,
                                                JsonSlice arguments);

std::unique_ptr<Operation> MakeAppend(Shim* shim, const Responder& responder, JsonSlice arguments);
std::unique_ptr<Operation> MakeRead(Shim* shim, const Responder& responder, JsonSlice arguments);
std::unique_ptr<Operation> MakeWait(Shim* shim, const Responder& responder, JsonSlice arguments);
std::unique_ptr<Operation> MakeClaim(Shim* shim, const Responder& responder, JsonSlice arguments);
std::unique_ptr<Operation> MakeRelease(Shim* shim, const Responder& responder, JsonSlice arguments);
std::unique_ptr<Operation> MakeTake(Shim* shim, const Responder& responder, JsonSlice arguments);
std::unique_ptr<Operation> MakeSettle(Shim* shim, const Responder& responder, JsonSlice arguments);
std::unique_ptr<Operation> MakeValidate(Shim* shim, const Responder& responder,
                                        JsonSlice arguments);
std::unique_ptr<Operation> MakeDecide(Shim* shim, const Responder& responder, JsonSlice arguments);
std::unique_ptr<Operation> MakeStatus(Shim* shim, const Responder& responder, JsonSlice arguments);

struct Tool {
  std::string_view name;
  MakeTool make;
  Histogram ShimLatencies::*took;  // nullptr: its operation says so itself (RecordCall)
};

// nullptr: there is no such tool.
const Tool* FindTool(std::string_view name);

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_TOOLS_TOOL_H_
