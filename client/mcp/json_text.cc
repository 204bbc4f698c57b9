#include "client/mcp/json_text.h"

#include <boost/json.hpp>
#include <boost/json/basic_parser_impl.hpp>

#include "base/check.h"
#include "base/utf8.h"

namespace roost {
namespace {

namespace json = boost::json;

// Receives the parser's events and keeps none of them, but for the text of strings when asked to.
class Handler {
 public:
  static constexpr size_t max_array_size = SIZE_MAX;
  static constexpr size_t max_object_size = SIZE_MAX;
  static constexpr size_t max_string_size = SIZE_MAX;
  static constexpr size_t max_key_size = SIZE_MAX;

  explicit Handler(std::string* text) : text_(text) {}

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_array_begin(json::error_code&) { return true; }
  bool on_array_end(size_t, json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) { return true; }
  bool on_object_end(size_t, json::error_code&) { return true; }
  bool on_string_part(json::string_view part, size_t, json::error_code&) { return Take(part); }
  bool on_string(json::string_view part, size_t, json::error_code&) { return Take(part); }
  bool on_key_part(json::string_view, size_t, json::error_code&) { return true; }
  bool on_key(json::string_view, size_t, json::error_code&) { return true; }
  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(int64_t, json::string_view, json::error_code&) { return true; }
  bool on_uint64(uint64_t, json::string_view, json::error_code&) { return true; }
  bool on_double(double, json::string_view, json::error_code&) { return true; }
  bool on_bool(bool, json::error_code&) { return true; }
  bool on_null(json::error_code&) { return true; }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  bool Take(json::string_view part) {
    if (text_ != nullptr) text_->append(part.data(), part.size());
    return true;
  }

  std::string* text_;
};

json::error_code Parse(std::string_view text, size_t depth_max, std::string* string_text) {
  json::parse_options options;
  options.max_depth = depth_max;
  json::basic_parser<Handler> parser(options, string_text);
  json::error_code error;
  const size_t used = parser.write_some(false, text.data(), text.size(), error);
  if (!error && used != text.size()) error = json::error::extra_data;
  return error;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The same text with every exponent's digits made 0. The parser refuses exponents that do not fit an
// int, which the grammar allows.
std::string WithoutExponents(std::string_view text) {
  std::string changed(text);
  bool in_string = false;
  for (size_t i = 0; i < changed.size(); ++i) {
    const char c = changed[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if ((c | 0x20) == 'e' && i > 0 && IsDigit(changed[i - 1])) {
      if (i + 1 < changed.size() && (changed[i + 1] == '+' || changed[i + 1] == '-')) ++i;
      while (i + 1 < changed.size() && IsDigit(changed[i + 1])) changed[++i] = '0';
    }
  }
  return changed;
}

constexpr std::string_view kHexDigits = "0123456789abcdef";

// One byte for each: 0 for itself, 'u' for \u00XX, else the letter behind the backslash.
constexpr char EscapeOf(unsigned char c) {
  switch (c) {
    case '"':
      return '"';
    case '\\':
      return '\\';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    default:
      return c < 0x20 ? 'u' : '\0';
  }
}

struct EscapeTable {
  char letter[256] = {};
  constexpr EscapeTable() {
    for (int c = 0; c < 256; ++c) letter[c] = EscapeOf(static_cast<unsigned char>(c));
  }
};
constexpr EscapeTable kEscapes;

// How many bytes at `at` are one well-formed character; 0 if they are none.
size_t CharacterBytes(std::string_view text, size_t at) {
  for (size_t bytes = 1; bytes <= 4 && at + bytes <= text.size(); ++bytes) {
    if (IsUtf8(text.substr(at, bytes))) return bytes;
  }
  return 0;
}

}  // namespace

JsonFault CheckJson(std::string_view text, size_t depth_max) {
  json::error_code error = Parse(text, depth_max, nullptr);
  if (error == json::error::exponent_overflow) {
    error = Parse(WithoutExponents(text), depth_max, nullptr);
  }
  if (!error) return JsonFault::kNone;
  return error == json::error::too_deep ? JsonFault::kTooDeep : JsonFault::kSyntax;
}

size_t JsonDepth(std::string_view text) {
  size_t depth = 0;
  size_t deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > deepest) deepest = depth;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return deepest;
}

std::string DecodeJsonString(std::string_view token) {
  ROOST_CHECK(token.size() >= 2 && token.front() == '"' && token.back() == '"');
  const std::string_view inside = token.substr(1, token.size() - 2);
  if (inside.find('\\') == std::string_view::npos) return std::string(inside);
  std::string text;
  const json::error_code error = Parse(token, 1, &text);
  ROOST_CHECK(!error, "token={}", token);
  return text;
}

void AppendJsonEscaped(std::string* out, std::string_view text) {
  size_t copied = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const char letter = kEscapes.letter[byte];
    if (letter == '\0') [[likely]]
      continue;
    out->append(text, copied, i - copied);
    copied = i + 1;
    out->push_back('\\');
    out->push_back(letter);
    if (letter == 'u') {
      out->append("00");
      out->push_back(kHexDigits[byte >> 4]);
      out->push_back(kHexDigits[byte & 15]);
    }
  }
  out->append(text, copied);
}

void AppendJsonString(std::string* out, std::string_view text) {
  out->push_back('"');
  if (IsUtf8(text)) {
    AppendJsonEscaped(out, text);
  } else {
    for (size_t at = 0; at < text.size();) {
      const size_t bytes = CharacterBytes(text, at);
      AppendJsonEscaped(out, bytes == 0 ? "\xEF\xBF\xBD" : text.substr(at, bytes));
      at += bytes == 0 ? 1 : bytes;
    }
  }
  out->push_back('"');
}

void AppendBase64(std::string* out, std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto byte_at = [&](size_t i) {
    return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0u;
  };
  out->reserve(out->size() + (bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const unsigned group = byte_at(i) << 16 | byte_at(i + 1) << 8 | byte_at(i + 2);
    out->push_back(kDigits[group >> 18]);
    out->push_back(kDigits[(group >> 12) & 63]);
    out->push_back(i + 1 < bytes.size() ? kDigits[(group >> 6) & 63] : '=');
    out->push_back(i + 2 < bytes.size() ? kDigits[group & 63] : '=');
  }
}

}  // namespace roost
