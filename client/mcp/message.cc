#include "client/mcp/message.h"

#include <fmt/core.h>

#include <algorithm>

#include "client/mcp/id_scanner.h"

namespace roost {
namespace {

constexpr std::string_view kLegacyVersions[] = {"2025-11-25", "2025-06-18", "2025-03-26",
                                                "2024-11-05"};
constexpr std::string_view kLogLevels[] = {"alert", "critical", "debug",  "emergency",
                                           "error", "info",     "notice", "warning"};

Message& Refuse(Message& message, RpcError error, std::string trouble) {
  message.kind = Message::Kind::kInvalid;
  message.error = error;
  message.trouble = std::move(trouble);
  return message;
}

std::string Missing(std::string_view key) {
  return fmt::format("params._meta[\"{}\"] is missing", key);
}

bool IsLogLevel(JsonSlice level) {
  return std::any_of(std::begin(kLogLevels), std::end(kLogLevels),
                     [&](std::string_view known) { return level.Says(known); });
}

// Checks what every modern request must carry. REQUIRES: `meta` has a protocol version.
Message& ReadModernMeta(Message& message, JsonSlice meta) {
  JsonSlice version, capabilities, client_info, log_level;
  ReadMembers(meta, {{kMetaProtocolVersion, &version},
                     {kMetaClientCapabilities, &capabilities},
                     {kMetaClientInfo, &client_info},
                     {kMetaLogLevel, &log_level}});
  message.era = Era::kModern;
  if (client_info.is_object()) message.client_info = client_info;
  // A notification is never answered, so nothing can be said about what is wrong with it.
  if (message.kind == Message::Kind::kNotification) return message;
  if (!version.is_string()) {
    return Refuse(message, RpcError::kInvalidParams,
                  fmt::format("params._meta[\"{}\"] must be a string", kMetaProtocolVersion));
  }
  if (!capabilities.present()) {
    return Refuse(message, RpcError::kInvalidParams, Missing(kMetaClientCapabilities));
  }
  if (!capabilities.is_object()) {
    return Refuse(message, RpcError::kInvalidParams,
                  fmt::format("params._meta[\"{}\"] must be an object", kMetaClientCapabilities));
  }
  if (!version.Says(kModernVersion)) {
    message.requested_version = version.String();
    return Refuse(message, RpcError::kUnsupportedVersion, "Unsupported protocol version");
  }
  if (log_level.present() && !IsLogLevel(log_level)) {
    return Refuse(message, RpcError::kInvalidParams,
                  fmt::format("params._meta[\"{}\"] is no log level", kMetaLogLevel));
  }
  return message;
}

// Decides the era, and refuses what cannot be right in it.
Message& ReadEra(Message& message) {
  const JsonSlice meta = FindMember(message.params, "_meta");
  if (FindMember(meta, kMetaProtocolVersion).present()) return ReadModernMeta(message, meta);
  const bool modern_only =
      message.method == "server/discover" || message.method == "subscriptions/listen";
  if (modern_only && message.kind == Message::Kind::kRequest) {
    message.era = Era::kModern;
    return Refuse(message, RpcError::kInvalidParams, Missing(kMetaProtocolVersion));
  }
  return message;
}

}  // namespace

std::string_view NegotiateLegacyVersion(std::string_view offered) {
  const auto* known = std::find(std::begin(kLegacyVersions), std::end(kLegacyVersions), offered);
  return known == std::end(kLegacyVersions) ? kNewestLegacyVersion : *known;
}

Message ReadMessage(JsonSlice text) {
  Message message;
  if (!text.is_object()) {
    return Refuse(message, RpcError::kInvalidRequest, "a message must be a JSON object");
  }
  JsonSlice version, id, method, params, result, error;
  ReadMembers(text, {{"jsonrpc", &version},
                     {"id", &id},
                     {"method", &method},
                     {"params", &params},
                     {"result", &result},
                     {"error", &error}});
  if (!method.present() && (result.present() || error.present())) {
    message.kind = Message::Kind::kResponse;
    return message;
  }
  if (IsIdToken(id.raw())) message.id = id.raw();
  if (!version.Says("2.0")) {
    return Refuse(message, RpcError::kInvalidRequest, "jsonrpc must be \"2.0\"");
  }
  if (!method.is_string()) {
    return Refuse(message, RpcError::kInvalidRequest, "method must be a string");
  }
  if (id.present() && message.id.empty()) {
    return Refuse(message, RpcError::kInvalidRequest,
                  fmt::format("id must be a string or a whole number, at most {} bytes long",
                              kRpcIdBytesMax));
  }
  message.method = method.String();
  message.kind = id.present() ? Message::Kind::kRequest : Message::Kind::kNotification;
  if (params.present() && !params.is_object()) {
    if (message.kind == Message::Kind::kNotification) return message;
    return Refuse(message, RpcError::kInvalidParams, "params must be an object");
  }
  message.params = params;
  return ReadEra(message);
}

}  // namespace roost
