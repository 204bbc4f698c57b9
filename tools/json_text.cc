#include "tools/json_text.h"

#include <fmt/core.h>

#include <algorithm>
#include <boost/json.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <iterator>

#include "base/utf8.h"

namespace roost {
namespace {

namespace json = boost::json;

// Checks and keeps nothing.
struct IgnoringHandler {
  static constexpr size_t max_object_size = SIZE_MAX;
  static constexpr size_t max_array_size = SIZE_MAX;
  static constexpr size_t max_key_size = SIZE_MAX;
  static constexpr size_t max_string_size = SIZE_MAX;

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) { return true; }
  bool on_object_end(size_t, json::error_code&) { return true; }
  bool on_array_begin(json::error_code&) { return true; }
  bool on_array_end(size_t, json::error_code&) { return true; }
  bool on_key_part(json::string_view, size_t, json::error_code&) { return true; }
  bool on_key(json::string_view, size_t, json::error_code&) { return true; }
  bool on_string_part(json::string_view, size_t, json::error_code&) { return true; }
  bool on_string(json::string_view, size_t, json::error_code&) { return true; }
  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(int64_t, json::string_view, json::error_code&) { return true; }
  bool on_uint64(uint64_t, json::string_view, json::error_code&) { return true; }
  bool on_double(double, json::string_view, json::error_code&) { return true; }
  bool on_bool(bool, json::error_code&) { return true; }
  bool on_null(json::error_code&) { return true; }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }
};

bool IsJsonSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// "line 1, column 5", both from 1, columns in bytes.
std::string PlaceOf(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
  return fmt::format("line {}, column {}", std::count(before.begin(), before.end(), '\n') + 1,
                     offset - line_begin + 1);
}

// The end of the value that begins at `at`. REQUIRES: CheckJson(text) was fine.
size_t EndOfValue(std::string_view text, size_t at) {
  size_t depth = 0;
  bool in_string = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      if (c == '\\') {
        ++at;
      } else if (c == '"') {
        in_string = false;
        if (depth == 0) return at + 1;
      }
      continue;
    }
    if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (depth == 0 && (c == ',' || c == '}' || c == ']' || IsJsonSpace(c))) {
      return at;
    } else if (c == '}' || c == ']') {
      if (--depth == 0) return at + 1;
    }
  }
  return at;
}

constexpr char kBase64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

Status CheckJson(std::string_view text) {
  if (TrimJson(text).empty()) return {StatusCode::kInvalidArgument, "there is no JSON value"};
  json::parse_options options;
  options.max_depth = kJsonDepthMax;
  json::basic_parser<IgnoringHandler> parser(options);
  json::error_code error;
  const size_t used = parser.write_some(false, text.data(), text.size(), error);
  if (!error && used < text.size()) error = json::error::extra_data;
  if (!error) return {};
  return {StatusCode::kInvalidArgument,
          fmt::format("not JSON at {}: {}", PlaceOf(text, used), error.message())};
}

std::string_view TrimJson(std::string_view text) {
  while (!text.empty() && IsJsonSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsJsonSpace(text.back())) text.remove_suffix(1);
  return text;
}

Result<std::vector<JsonMember>> SplitObject(std::string_view text) {
  if (Status status = CheckJson(text); !status.ok()) return status;
  text = TrimJson(text);
  if (text.front() != '{') return Status(StatusCode::kInvalidArgument, "not a JSON object");
  std::vector<JsonMember> members;
  const auto skip = [&text](size_t at, char also) {
    while (at < text.size() && (IsJsonSpace(text[at]) || text[at] == also)) ++at;
    return at;
  };
  for (size_t at = skip(1, ','); text[at] != '}'; at = skip(at, ',')) {
    const size_t name_end = EndOfValue(text, at);
    auto name = ParseJsonString(text.substr(at, name_end - at));
    if (!name.ok()) return name.status();
    at = skip(name_end, ':');
    const size_t value_end = EndOfValue(text, at);
    for (const JsonMember& member : members) {
      if (member.name == *name) {
        return Status(StatusCode::kInvalidArgument,
                      fmt::format("member \"{}\" stands there twice", *name));
      }
    }
    members.push_back({*std::move(name), text.substr(at, value_end - at)});
    at = value_end;
  }
  return members;
}

Result<std::string> ParseJsonString(std::string_view value) {
  json::error_code error;
  const json::value parsed = json::parse({value.data(), value.size()}, error);
  if (error || !parsed.is_string()) {
    return Status(StatusCode::kInvalidArgument, "not a JSON string");
  }
  return std::string(parsed.get_string().data(), parsed.get_string().size());
}

void AppendJsonString(std::string_view text, std::string* out) {
  const auto append = std::back_inserter(*out);
  *out += '"';
  for (size_t at = 0; at < text.size();) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c == '"' || c == '\\') {
      *out += '\\';
      *out += text[at++];
    } else if (c == '\n') {
      *out += "\\n";
      ++at;
    } else if (c < 0x20 || c == 0x7F) {
      fmt::format_to(append, "\\u{:04x}", c);
      ++at;
    } else if (c < 0x80) {
      *out += text[at++];
    } else {
      size_t size = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
      if (at + size <= text.size() && IsUtf8(text.substr(at, size))) {
        *out += text.substr(at, size);
      } else {
        size = 1;
        *out += "\\ufffd";
      }
      at += size;
    }
  }
  *out += '"';
}

void AppendBase64(std::string_view bytes, std::string* out) {
  for (size_t at = 0; at < bytes.size(); at += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - at);
    uint32_t word = 0;
    for (size_t i = 0; i < 3; ++i) {
      word = (word << 8) | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0u);
    }
    for (size_t i = 0; i < 4; ++i) *out += i <= count ? kBase64[(word >> (18 - 6 * i)) & 63] : '=';
  }
}

Result<std::string> ParseBase64(std::string_view text) {
  const Status wrong(StatusCode::kInvalidArgument, "not base64 (RFC 4648, with padding)");
  if (text.size() % 4 != 0) return wrong;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  for (size_t at = 0; at < text.size(); at += 4) {
    const bool last = at + 4 == text.size();
    const size_t padding = !last ? 0 : text[at + 2] == '=' ? 2 : text[at + 3] == '=' ? 1 : 0;
    uint32_t word = 0;
    for (size_t i = 0; i < 4; ++i) {
      const size_t digit = i < 4 - padding ? std::string_view(kBase64, 64).find(text[at + i]) : 0;
      if (digit == std::string_view::npos || (i >= 4 - padding && text[at + i] != '='))
        return wrong;
      word = (word << 6) | static_cast<uint32_t>(digit);
    }
    if (padding != 0 && (word & ((1u << (8 * padding)) - 1)) != 0) return wrong;
    for (size_t i = 0; i < 3 - padding; ++i) bytes += static_cast<char>(word >> (16 - 8 * i));
  }
  return bytes;
}

void JsonObject::Name(std::string_view name) {
  if (!first_) *out_ += ',';
  first_ = false;
  AppendJsonString(name, out_);
  *out_ += ':';
}

void JsonObject::Text(std::string_view name, std::string_view value) {
  Name(name);
  AppendJsonString(value, out_);
}

void JsonObject::Number(std::string_view name, uint64_t value) {
  Name(name);
  fmt::format_to(std::back_inserter(*out_), "{}", value);
}

void JsonObject::Bool(std::string_view name, bool value) {
  Name(name);
  *out_ += value ? "true" : "false";
}

void JsonObject::Raw(std::string_view name, std::string_view value) {
  Name(name);
  const size_t begin = out_->size();
  *out_ += value;
  std::replace_if(
      out_->begin() + static_cast<std::ptrdiff_t>(begin), out_->end(),
      [](char c) { return c == '\n' || c == '\r'; }, ' ');
}

}  // namespace roost
