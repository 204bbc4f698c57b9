#include "base/canonical_json.h"

#include <algorithm>
#include <boost/json.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include <fmt/core.h>

#include "base/utf8.h"

namespace roost {
namespace {

namespace json = boost::json;

constexpr uint64_t kIntegerMax = 1ull << 53;
constexpr char kHexDigits[] = "0123456789abcdef";

// Bytes of UTF-8 compare like code points. As UTF-16 the characters beyond U+FFFF come before U+E000 to
// U+FFFF, of which the first bytes are EE and EF: those go behind all others.
uint8_t Utf16Rank(char character) {
  const auto byte = static_cast<uint8_t>(character);
  return byte == 0xee || byte == 0xef ? static_cast<uint8_t>(byte + 0x10) : byte;
}

bool ComesBefore(std::string_view a, std::string_view b) {
  const auto [in_a, in_b] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (in_b == b.end()) return false;
  return in_a == a.end() || Utf16Rank(*in_a) < Utf16Rank(*in_b);
}

void AppendString(std::string_view text, std::string* out) {
  *out += '"';
  for (const char character : text) {
    switch (character) {
      case '"':
      case '\\':
        *out += '\\';
        *out += character;
        continue;
      case '\b':
        *out += "\\b";
        continue;
      case '\f':
        *out += "\\f";
        continue;
      case '\n':
        *out += "\\n";
        continue;
      case '\r':
        *out += "\\r";
        continue;
      case '\t':
        *out += "\\t";
        continue;
      default:
        break;
    }
    if (const auto byte = static_cast<uint8_t>(character); byte < 0x20) {
      *out += "\\u00";
      *out += kHexDigits[byte >> 4];
      *out += kHexDigits[byte & 15];
    } else {
      *out += character;
    }
  }
  *out += '"';
}

// Receives the parser's events and writes the canonical text as they come; an object's members are put into
// their order when it ends, so nothing is kept of what is finished but its text.
class Handler {
 public:
  static constexpr size_t max_array_size = SIZE_MAX;
  static constexpr size_t max_object_size = SIZE_MAX;
  static constexpr size_t max_string_size = SIZE_MAX;
  static constexpr size_t max_key_size = SIZE_MAX;

  std::string& out() { return out_; }
  const std::string& complaint() const { return complaint_; }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

  bool on_object_begin(json::error_code&) {
    BeginValue();
    out_ += '{';
    frames_.push_back({true, members_.size(), out_.size()});
    return true;
  }
  bool on_object_end(size_t, json::error_code& error) {
    EndMember();
    if (!SortMembers()) return Stop(error);
    frames_.pop_back();
    out_ += '}';
    return true;
  }
  bool on_array_begin(json::error_code&) {
    BeginValue();
    out_ += '[';
    frames_.push_back({false, members_.size(), out_.size()});
    return true;
  }
  bool on_array_end(size_t, json::error_code&) {
    frames_.pop_back();
    out_ += ']';
    return true;
  }

  bool on_key_part(json::string_view part, size_t, json::error_code&) { return Collect(part); }
  bool on_key(json::string_view part, size_t, json::error_code&) {
    Collect(part);
    EndMember();
    if (members_.size() > frames_.back().members) out_ += ',';
    members_.push_back({text_, out_.size(), 0});
    AppendString(text_, &out_);
    out_ += ':';
    text_.clear();
    return true;
  }
  bool on_string_part(json::string_view part, size_t, json::error_code&) { return Collect(part); }
  bool on_string(json::string_view part, size_t, json::error_code&) {
    Collect(part);
    BeginValue();
    AppendString(text_, &out_);
    text_.clear();
    return true;
  }

  bool on_number_part(json::string_view part, json::error_code&) { return Collect(part); }
  bool on_int64(int64_t, json::string_view part, json::error_code& error) {
    return TakeNumber(part, error);
  }
  bool on_uint64(uint64_t, json::string_view part, json::error_code& error) {
    return TakeNumber(part, error);
  }
  bool on_double(double, json::string_view part, json::error_code& error) {
    return TakeNumber(part, error);
  }
  bool on_bool(bool value, json::error_code&) {
    BeginValue();
    out_ += value ? "true" : "false";
    return true;
  }
  bool on_null(json::error_code&) {
    BeginValue();
    out_ += "null";
    return true;
  }

 private:
  struct Frame {
    bool is_object;
    size_t members;  // where its own begin in members_
    size_t begin;    // in out_, behind the bracket
  };
  struct Member {
    std::string name;
    size_t begin;  // in out_
    size_t end;
  };

  bool Collect(json::string_view part) {
    text_.append(part.data(), part.size());
    return true;
  }

  bool Stop(json::error_code& error) {
    error = json::error::syntax;
    return false;
  }

  void BeginValue() {
    if (frames_.empty() || frames_.back().is_object) return;
    if (out_.size() > frames_.back().begin) out_ += ',';
  }

  void EndMember() {
    if (members_.size() > frames_.back().members && members_.back().end == 0) {
      members_.back().end = out_.size();
    }
  }

  bool SortMembers() {
    const auto first = members_.begin() + static_cast<ptrdiff_t>(frames_.back().members);
    const auto before = [](const Member& a, const Member& b) {
      return ComesBefore(a.name, b.name);
    };
    if (!std::is_sorted(first, members_.end(), before)) {
      std::sort(first, members_.end(), before);
      std::string sorted;
      for (auto member = first; member != members_.end(); ++member) {
        if (member != first) sorted += ',';
        sorted.append(out_, member->begin, member->end - member->begin);
      }
      out_.replace(frames_.back().begin, std::string::npos, sorted);
    }
    const auto twice = std::adjacent_find(
        first, members_.end(), [](const Member& a, const Member& b) { return a.name == b.name; });
    if (twice != members_.end()) {
      complaint_ = fmt::format("the name '{}' is twice in one object",
                               Printable(std::string_view(twice->name).substr(0, 64)));
      return false;
    }
    members_.erase(first, members_.end());
    return true;
  }

  // From the number's own text: the parser's doubles are not always the nearest ones.
  bool TakeNumber(json::string_view part, json::error_code& error) {
    Collect(part);
    BeginValue();
    const char* const end = text_.data() + text_.size();
    double value = 0;
    const auto parsed = std::from_chars(text_.data(), end, value);
    const bool is_integer = text_.find_first_of(".eE") == std::string::npos;
    if (parsed.ec != std::errc() || parsed.ptr != end || !std::isfinite(value)) {
      return Complain("no finite double is near to the number {}; give it as a string", error);
    }
    if (is_integer && IsBeyondIntegers(value)) {
      return Complain("the integer {} is beyond 2^53; give it as a string", error);
    }
    out_ += CanonicalNumber(value);
    text_.clear();
    return true;
  }

  // 2^53 + 1 becomes the double 2^53: the text decides.
  bool IsBeyondIntegers(double value) const {
    if (std::fabs(value) != static_cast<double>(kIntegerMax)) {
      return std::fabs(value) > static_cast<double>(kIntegerMax);
    }
    uint64_t exact = 0;
    const char* const begin = text_.data() + (text_.front() == '-' ? 1 : 0);
    std::from_chars(begin, text_.data() + text_.size(), exact);
    return exact > kIntegerMax;
  }

  bool Complain(fmt::format_string<std::string> format, json::error_code& error) {
    complaint_ = fmt::format(format, text_.substr(0, 40));
    return Stop(error);
  }

  std::string out_;
  std::string text_;  // of the string or number that is being received
  std::string complaint_;
  std::vector<Frame> frames_;
  std::vector<Member> members_;  // of all objects that are open, the innermost last
};

Status Refused(const json::error_code& error, const std::string& complaint, size_t offset) {
  if (!complaint.empty()) return {StatusCode::kInvalidArgument, complaint};
  if (error == json::error::too_deep) {
    return {StatusCode::kTooLarge,
            fmt::format("it is nested deeper than {} levels", kCanonicalDepthMax)};
  }
  if (error == json::error::exponent_overflow) {
    return {StatusCode::kInvalidArgument,
            fmt::format("no finite double is near to the number at byte {}", offset)};
  }
  return {StatusCode::kInvalidArgument,
          fmt::format("it is no JSON text: {} at byte {}", error.message(), offset)};
}

// Digits d1 d2 ... dk and n, so that the value is 0.d1d2...dk times 10 to the n, in ECMAScript's words.
void AppendDigits(std::string_view digits, int n, std::string* out) {
  const int k = static_cast<int>(digits.size());
  if (k <= n && n <= 21) {
    *out += digits;
    out->append(static_cast<size_t>(n - k), '0');
  } else if (0 < n && n <= 21) {
    *out += digits.substr(0, static_cast<size_t>(n));
    *out += '.';
    *out += digits.substr(static_cast<size_t>(n));
  } else if (-6 < n && n <= 0) {
    *out += "0.";
    out->append(static_cast<size_t>(-n), '0');
    *out += digits;
  } else {
    *out += digits[0];
    if (k > 1) *out += '.';
    *out += digits.substr(1);
    *out += fmt::format("e{}{}", n > 0 ? '+' : '-', std::abs(n - 1));
  }
}

// ---- walking over canonical text ----

// Behind the string that begins at `at`; npos: it does not end.
size_t EndOfString(std::string_view text, size_t at) {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      return at + 1;
    }
  }
  return std::string_view::npos;
}

// Behind the value that begins at `at`.
size_t EndOfValue(std::string_view text, size_t at) {
  size_t depth = 0;
  while (at < text.size()) {
    const char character = text[at];
    if (character == '"') {
      at = EndOfString(text, at);
    } else if (character == '{' || character == '[') {
      ++depth;
      ++at;
    } else if (depth > 0) {
      if (character == '}' || character == ']') --depth;
      ++at;
    } else {
      at = std::min(text.find_first_of(",]}", at), text.size());
    }
    if (depth == 0) return at;
  }
  return std::string_view::npos;
}

std::string UnescapePointerPart(std::string_view part) {
  std::string name;
  for (size_t i = 0; i < part.size(); ++i) {
    if (part[i] == '~' && i + 1 < part.size()) {
      name += part[++i] == '1' ? '/' : '~';
    } else {
      name += part[i];
    }
  }
  return name;
}

std::optional<std::string_view> MemberOf(std::string_view object, std::string_view name) {
  std::string quoted;
  AppendString(name, &quoted);
  for (size_t at = 1; at < object.size() && object[at] == '"';) {
    const size_t colon = EndOfString(object, at);
    if (colon >= object.size()) return std::nullopt;
    const size_t end = EndOfValue(object, colon + 1);
    if (end == std::string_view::npos) return std::nullopt;
    if (object.substr(at, colon - at) == quoted) return object.substr(colon + 1, end - colon - 1);
    at = end + 1;
  }
  return std::nullopt;
}

std::optional<std::string_view> ElementOf(std::string_view array, std::string_view text) {
  size_t index = 0;
  const auto [end_of_index, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  const bool has_zeros = text.size() > 1 && text.front() == '0';
  if (error != std::errc() || end_of_index != text.data() + text.size() || has_zeros) {
    return std::nullopt;
  }
  for (size_t at = 1; at < array.size() && array[at] != ']';) {
    const size_t end = EndOfValue(array, at);
    if (end == std::string_view::npos) return std::nullopt;
    if (index-- == 0) return array.substr(at, end - at);
    at = end + 1;
  }
  return std::nullopt;
}

char Unescaped(char letter) {
  switch (letter) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return letter;
  }
}

}  // namespace

Result<std::string> CanonicalJson(std::string_view text) {
  if (text.size() > kCanonicalBytesMax) {
    return {StatusCode::kTooLarge,
            fmt::format("it has {} bytes, over the limit of {}", text.size(), kCanonicalBytesMax)};
  }
  json::parse_options options;
  options.max_depth = kCanonicalDepthMax;
  json::basic_parser<Handler> parser(options);
  json::error_code error;
  const size_t used = parser.write_some(false, text.data(), text.size(), error);
  if (!error && used != text.size()) error = json::error::extra_data;
  if (error) return Refused(error, parser.handler().complaint(), used);
  std::string& canonical = parser.handler().out();
  if (canonical.size() > kCanonicalBytesMax) {
    return {StatusCode::kTooLarge,
            fmt::format("its canonical form has {} bytes, over the limit of {}", canonical.size(),
                        kCanonicalBytesMax)};
  }
  return std::move(canonical);
}

std::string CanonicalNumber(double value) {
  if (value == 0) return "0";
  // d.ddde+XX: the shortest digits that give the same double again.
  char buffer[32];
  const auto [end, error] =
      std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::scientific);
  std::string_view text(buffer, static_cast<size_t>(end - buffer));
  std::string out;
  if (text.front() == '-') {
    out += '-';
    text.remove_prefix(1);
  }
  const size_t exponent_at = text.find('e');
  int exponent = 0;
  const size_t digits_at = exponent_at + (text[exponent_at + 1] == '+' ? 2 : 1);
  std::from_chars(text.data() + digits_at, text.data() + text.size(), exponent);
  std::string digits(1, text[0]);
  if (exponent_at > 2) digits += text.substr(2, exponent_at - 2);
  AppendDigits(digits, exponent + 1, &out);
  return out;
}

std::optional<std::string_view> CanonicalAt(std::string_view canonical, std::string_view pointer) {
  std::optional<std::string_view> value = canonical;
  while (value.has_value() && !pointer.empty()) {
    pointer.remove_prefix(1);
    const size_t length = std::min(pointer.find('/'), pointer.size());
    const std::string name = UnescapePointerPart(pointer.substr(0, length));
    pointer.remove_prefix(length);
    if (value->starts_with('{')) {
      value = MemberOf(*value, name);
    } else if (value->starts_with('[')) {
      value = ElementOf(*value, name);
    } else {
      value = std::nullopt;
    }
  }
  return value;
}

std::string CanonicalText(std::string_view value) {
  if (value.size() < 2 || !value.starts_with('"')) return std::string(value);
  value = value.substr(1, value.size() - 2);
  std::string text;
  text.reserve(value.size());
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] != '\\' || i + 1 >= value.size()) {
      text += value[i];
    } else if (value[++i] != 'u') {
      text += Unescaped(value[i]);
    } else {
      // Only control characters are written so: \u00XX.
      unsigned code = 0;
      const std::string_view digits = value.substr(i + 1, 4);
      std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
      text += static_cast<char>(code);
      i += 4;
    }
  }
  return text;
}

bool IsJsonPointer(std::string_view pointer) {
  if (!pointer.empty() && !pointer.starts_with('/')) return false;
  for (size_t i = 0; i < pointer.size(); ++i) {
    if (pointer[i] != '~') continue;
    if (i + 1 >= pointer.size() || (pointer[i + 1] != '0' && pointer[i + 1] != '1')) return false;
  }
  return true;
}

}  // namespace roost
