#include "client/mcp/resource_uri.h"

#include <charconv>

#include "base/utf8.h"
#include "log/ring_format.h"

namespace roost {
namespace {

// Takes `prefix` off the front.
bool Take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool ParseHexByte(std::string_view digits, char* byte) {
  unsigned value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc() || end != digits.data() + 2) return false;
  *byte = static_cast<char>(value);
  return true;
}

// A '%' that is followed by no two digits stands for itself: names may have one, and not every client
// escapes it.
std::string Unescape(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    char byte = text[i];
    if (byte == '%' && text.size() - i > 2 && ParseHexByte(text.substr(i + 1, 2), &byte)) i += 2;
    plain.push_back(byte);
  }
  return plain;
}

ResourceUri ParseStream(std::string_view name) {
  ResourceUri uri;
  uri.stream = Unescape(name);
  if (!uri.stream.empty() && uri.stream.size() <= kStreamNameBytesMax && IsPlainUtf8(uri.stream)) {
    uri.kind = ResourceUri::Kind::kStream;
  }
  return uri;
}

ResourceUri ParseEvent(std::string_view digits) {
  ResourceUri uri;
  const char* end = digits.data() + digits.size();
  const auto [stopped, error] = std::from_chars(digits.data(), end, uri.sequence);
  if (error == std::errc() && stopped == end) uri.kind = ResourceUri::Kind::kEvent;
  return uri;
}

}  // namespace

ResourceUri ParseResourceUri(std::string_view uri) {
  ResourceUri parsed;
  if (uri.size() > kUriBytesMax || !Take(uri, "roost://")) return parsed;
  if (uri == "streams") parsed.kind = ResourceUri::Kind::kStreams;
  if (uri == "status") parsed.kind = ResourceUri::Kind::kStatus;
  if (Take(uri, "stream/")) return ParseStream(uri);
  if (Take(uri, "event/")) return ParseEvent(uri);
  return parsed;
}

}  // namespace roost
