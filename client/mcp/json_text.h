// JSON as text: whether it is valid, and what its strings say. The only user of the JSON library; no
// tree is ever built, so a message costs no memory beyond its own bytes. Any thread.
#ifndef ROOST_CLIENT_MCP_JSON_TEXT_H_
#define ROOST_CLIENT_MCP_JSON_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace roost {

enum class JsonFault {
  kNone,
  kSyntax,   // no JSON: grammar, UTF-8, or an escape like \ud800 that stands for no character
  kTooDeep,  // arrays and objects within each other beyond the limit
};

// Strict RFC 8259, one value with optional space around it. Numbers may be of any size and are not
// converted to anything. `depth_max` counts arrays and objects within each other.
JsonFault CheckJson(std::string_view text, size_t depth_max);

// How deep arrays and objects of valid JSON lie within each other: 0 for a plain value.
size_t JsonDepth(std::string_view text);

// What a string token, with its quotes, says. REQUIRES: a string that CheckJson found valid.
std::string DecodeJsonString(std::string_view token);

// Appends `text` as a JSON string, with quotes. Bytes that are not UTF-8 become U+FFFD.
void AppendJsonString(std::string* out, std::string_view text);

// The same without the quotes, for a string that is put together of several parts. REQUIRES: UTF-8.
void AppendJsonEscaped(std::string* out, std::string_view text);

// Appends base64 with padding, without quotes.
void AppendBase64(std::string* out, std::string_view bytes);

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_JSON_TEXT_H_
