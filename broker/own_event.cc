#include "broker/own_event.h"

#include <fmt/core.h>

#include <span>

namespace roost {

std::string JsonString(std::string_view text) {
  std::string quoted = "\"";
  for (const char character : text) {
    if (character == '"' || character == '\\') quoted += '\\';
    quoted += character;
  }
  quoted += '"';
  return quoted;
}

std::string SessionIdentity(std::string_view agent, std::string_view client,
                            const PeerCredentials& credentials) {
  return fmt::format(R"("agent":{},"client":{},"pid":{},"uid":{},"gid":{})", JsonString(agent),
                     JsonString(client), credentials.pid, credentials.uid, credentials.gid);
}

std::string JoinedData(std::string_view identity) { return fmt::format("{{{}}}", identity); }

std::string SessionData(uint64_t session, std::string_view identity, std::string_view reason) {
  std::string data = fmt::format(R"({{"session":{})", session);
  if (!reason.empty()) data += fmt::format(R"(,"reason":{})", JsonString(reason));
  if (!identity.empty()) data += fmt::format(",{}", identity);
  data += '}';
  return data;
}

std::string_view IdentityIn(std::string_view data) {
  // No label can contain this unescaped, so its first appearance is the member's name.
  const size_t begin = data.find(R"("agent":)");
  if (begin == std::string_view::npos || !data.ends_with('}')) return {};
  data.remove_suffix(1);
  return data.substr(begin);
}

std::string AgentIn(std::string_view identity) {
  constexpr std::string_view kMember = R"("agent":")";
  if (!identity.starts_with(kMember)) return {};
  std::string agent;
  for (size_t at = kMember.size(); at < identity.size(); ++at) {
    if (identity[at] == '"') return agent;
    if (identity[at] == '\\' && ++at == identity.size()) break;
    agent += identity[at];
  }
  return {};
}

std::string_view DataOf(const wire::Event& event) {
  if (event.data() == nullptr) return {};
  return AsText(std::as_bytes(std::span(event.data()->data(), event.data()->size())));
}

Bytes BuildOwnEvent(flatbuffers::FlatBufferBuilder& builder, std::string_view stream,
                    std::string_view type, std::string_view data, std::string_view agent) {
  builder.Clear();
  const auto data_offset =
      builder.CreateVector(reinterpret_cast<const uint8_t*>(data.data()), data.size());
  const auto stream_offset = builder.CreateString(stream);
  const auto type_offset = builder.CreateString(type);
  const auto agent_offset = builder.CreateString(agent);
  wire::EventBuilder event(builder);
  event.add_stream(stream_offset);
  event.add_type(type_offset);
  event.add_agent(agent_offset);
  event.add_data(data_offset);
  builder.Finish(event.Finish());
  return std::as_bytes(std::span(builder.GetBufferPointer(), builder.GetSize()));
}

}  // namespace roost
