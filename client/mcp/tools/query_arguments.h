// The arguments by which `read` and `wait` choose events. One thread.
#ifndef ROOST_CLIENT_MCP_TOOLS_QUERY_ARGUMENTS_H_
#define ROOST_CLIENT_MCP_TOOLS_QUERY_ARGUMENTS_H_

#include "client/mcp/arguments.h"
#include "client/mcp/json_slice.h"
#include "roost/read.h"

namespace roost {

struct QueryArguments {
  JsonSlice stream, types, agent, since, limit;
  size_t types_max = 100;
};

// Fills in the filter, the limit, and how many bytes a page may have; what is wrong is remembered by
// `arguments`. `wall_now_ns` is what an age in `since` counts from. Returns whether the query depends on
// it: whether the same arguments mean something else a moment later.
bool ReadQueryArguments(const QueryArguments& given, uint64_t wall_now_ns, Arguments* arguments,
                        ReadQuery* query);

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_TOOLS_QUERY_ARGUMENTS_H_
