#include "client/mcp/agent_label.h"

#include <fmt/core.h>

#include "base/utf8.h"
#include "log/ring_format.h"

namespace roost {

std::string MakeAgentLabel(std::string_view client_name, int pid) {
  const std::string end = fmt::format("-{}", pid);
  std::string label;
  for (size_t at = 0; at < client_name.size();) {
    size_t bytes = 1;
    while (bytes < 4 && at + bytes < client_name.size() &&
           !IsPlainUtf8(client_name.substr(at, bytes))) {
      ++bytes;
    }
    const std::string_view character = client_name.substr(at, bytes);
    const bool plain = IsPlainUtf8(character);
    at += plain ? bytes : 1;
    if (!plain) continue;
    if (label.size() + bytes + end.size() > kAgentBytesMax) break;
    label += character;
  }
  if (label.empty()) label = "agent";
  return label + end;
}

}  // namespace roost
