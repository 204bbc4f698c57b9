#include "client/mcp/json_slice.h"

#include <charconv>

#include "base/check.h"
#include "client/mcp/json_text.h"

namespace roost {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string_view SkipSpace(std::string_view text) {
  size_t at = 0;
  while (at < text.size() && IsSpace(text[at])) ++at;
  return text.substr(at);
}

size_t StringBytes(std::string_view text) {
  size_t at = 1;
  while (text[at] != '"') at += text[at] == '\\' ? 2 : 1;
  return at + 1;
}

size_t ContainerBytes(std::string_view text) {
  size_t depth = 0;
  for (size_t at = 0;;) {
    const char c = text[at];
    if (c == '"') {
      at += StringBytes(text.substr(at));
      continue;
    }
    ++at;
    if (c == '[' || c == '{') ++depth;
    if ((c == ']' || c == '}') && --depth == 0) return at;
  }
}

// Of the value at the front of `text`. Loops end because the text is valid: every string and every
// bracket is closed, and a plain value is followed by a separator or by the end.
size_t ValueBytes(std::string_view text) {
  if (text.front() == '"') return StringBytes(text);
  if (text.front() == '[' || text.front() == '{') return ContainerBytes(text);
  size_t at = 0;
  while (at < text.size() && !IsSpace(text[at]) && text[at] != ',' && text[at] != ']' &&
         text[at] != '}') {
    ++at;
  }
  return at;
}

JsonSlice TakeValue(std::string_view& text) {
  const size_t bytes = ValueBytes(text);
  const JsonSlice value(text.substr(0, bytes));
  text = SkipSpace(text.substr(bytes));
  return value;
}

template <typename Number>
std::optional<Number> ParseWhole(std::string_view text) {
  Number number = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return number;
}

}  // namespace

JsonSlice::JsonSlice(std::string_view text) : raw_(SkipSpace(text)) {
  while (!raw_.empty() && IsSpace(raw_.back())) raw_.remove_suffix(1);
}

JsonSlice::Kind JsonSlice::kind() const {
  if (raw_.empty()) return Kind::kAbsent;
  switch (raw_.front()) {
    case 'n':
      return Kind::kNull;
    case 't':
    case 'f':
      return Kind::kBool;
    case '"':
      return Kind::kString;
    case '[':
      return Kind::kArray;
    case '{':
      return Kind::kObject;
    default:
      return Kind::kNumber;
  }
}

std::string JsonSlice::String() const { return DecodeJsonString(raw_); }

bool JsonSlice::Says(std::string_view text) const {
  if (!is_string()) return false;
  const std::string_view inside = raw_.substr(1, raw_.size() - 2);
  if (inside.find('\\') == std::string_view::npos) return inside == text;
  if (inside.size() > 6 * text.size()) return false;  // an escape has at most six bytes
  return String() == text;
}

std::optional<int64_t> JsonSlice::Integer() const { return ParseWhole<int64_t>(raw_); }

std::optional<uint64_t> JsonSlice::Unsigned() const { return ParseWhole<uint64_t>(raw_); }

JsonWalk::JsonWalk(JsonSlice container) : object_(container.is_object()) {
  ROOST_CHECK(object_ || container.kind() == JsonSlice::Kind::kArray);
  rest_ = SkipSpace(container.raw().substr(1));
}

bool JsonWalk::Next() {
  if (rest_.front() == ']' || rest_.front() == '}') return false;
  if (rest_.front() == ',') rest_ = SkipSpace(rest_.substr(1));
  if (object_) {
    key_ = TakeValue(rest_);
    rest_ = SkipSpace(rest_.substr(1));  // the colon
  }
  value_ = TakeValue(rest_);
  return true;
}

JsonSlice ReadMembers(JsonSlice object, std::initializer_list<JsonField> wanted) {
  JsonSlice other;
  for (JsonWalk walk(object); walk.Next();) {
    bool found = false;
    for (const JsonField& field : wanted) {
      if (!walk.key().Says(field.name)) continue;
      *field.value = walk.value();
      found = true;
      break;
    }
    if (!found && !other.present()) other = walk.key();
  }
  return other;
}

JsonSlice FindMember(JsonSlice object, std::string_view name) {
  JsonSlice value;
  if (object.is_object()) ReadMembers(object, {{name, &value}});
  return value;
}

}  // namespace roost
