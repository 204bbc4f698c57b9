// The answers that never change, ready as bytes for each era, and the pieces that the others end with.
// Only the id, and the version that `initialize` agreed on, are spliced in.
#ifndef ROOST_CLIENT_MCP_REPLIES_H_
#define ROOST_CLIENT_MCP_REPLIES_H_

#include <string_view>

#include "client/mcp/message.h"

namespace roost {

// What the model is told once; clients put it into its prompt. As the inside of a JSON string, less
// than 1 KiB.
std::string_view Instructions();

// A member of a modern result's _meta: "io.modelcontextprotocol/serverInfo":{…}
std::string_view ServerInfoMember();
// Ends every modern result: ,"resultType":"complete","_meta":{…}
std::string_view ModernResultEnd();

// The result of initialize, to be put around the agreed version.
std::string_view InitializeBeforeVersion();
std::string_view InitializeAfterVersion();

// Whole results.
std::string_view Discover();
std::string_view ToolsList(Era era);
std::string_view ResourcesList(Era era);
std::string_view ResourceTemplatesList(Era era);

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_REPLIES_H_
