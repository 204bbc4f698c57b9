// One JSON-RPC message from the client: what it is, and which era of the protocol it speaks. The era is
// decided by the message alone, never by what came before it on the same connection. Any thread.
#ifndef ROOST_CLIENT_MCP_MESSAGE_H_
#define ROOST_CLIENT_MCP_MESSAGE_H_

#include <string>
#include <string_view>

#include "client/mcp/json_slice.h"

namespace roost {

// kLegacy: revisions 2024-11-05 to 2025-11-25, with a handshake. kModern: 2026-07-28, where each request
// carries its version and the client's capabilities.
enum class Era { kLegacy, kModern };

inline constexpr std::string_view kModernVersion = "2026-07-28";
inline constexpr std::string_view kNewestLegacyVersion = "2025-11-25";
// Offered by the client -> spoken by us: itself if known, else the newest.
std::string_view NegotiateLegacyVersion(std::string_view offered);

// Error codes of JSON-RPC and of the protocol.
enum class RpcError : int {
  kParse = -32700,
  kInvalidRequest = -32600,
  kMethodNotFound = -32601,
  kInvalidParams = -32602,
  kInternal = -32603,
  kLegacyResourceNotFound = -32002,
  kUnsupportedVersion = -32022,
};

inline constexpr std::string_view kMetaProtocolVersion = "io.modelcontextprotocol/protocolVersion";
inline constexpr std::string_view kMetaClientCapabilities =
    "io.modelcontextprotocol/clientCapabilities";
inline constexpr std::string_view kMetaClientInfo = "io.modelcontextprotocol/clientInfo";
inline constexpr std::string_view kMetaLogLevel = "io.modelcontextprotocol/logLevel";

// Views into the line.
struct Message {
  enum class Kind {
    kRequest,       // to be answered, by `id`
    kNotification,  // never to be answered
    kResponse,      // to a request of ours, of which there are none
    kInvalid,       // `error` and `trouble` say why; to be answered, with `id` if there is one
  };

  Kind kind = Kind::kInvalid;
  Era era = Era::kLegacy;
  std::string_view id;  // raw token; empty: none
  std::string method;
  JsonSlice params;       // an object, or absent
  JsonSlice client_info;  // of a modern message; an object, or absent
  RpcError error = RpcError::kInvalidRequest;
  std::string trouble;
  std::string requested_version;  // of kUnsupportedVersion
};

// `message` is an element of a batch or the whole line, of valid JSON.
Message ReadMessage(JsonSlice message);

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_MESSAGE_H_
