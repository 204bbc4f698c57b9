// What an agent is called when nobody said so. Any thread.
#ifndef ROOST_CLIENT_MCP_AGENT_LABEL_H_
#define ROOST_CLIENT_MCP_AGENT_LABEL_H_

#include <string>
#include <string_view>

namespace roost {

// The client's own name, '-', pid: "claude-code-4711". What may not be in a label is left out.
std::string MakeAgentLabel(std::string_view client_name, int pid);

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_AGENT_LABEL_H_
