#include "client/mcp/arguments.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/utf8.h"
#include "log/ring_format.h"

namespace roost {
namespace {

constexpr size_t kShownBytesMax = 60;

std::string Join(const std::vector<std::string_view>& words) {
  std::string joined;
  for (const std::string_view word : words) {
    if (!joined.empty()) joined += ", ";
    joined += word;
  }
  return joined;
}

}  // namespace

std::string ShowValue(JsonSlice value) {
  if (!value.present()) return "nothing";
  std::string_view raw = value.raw();
  if (raw.size() <= kShownBytesMax) return std::string(raw);
  size_t cut = kShownBytesMax;
  while (cut > 0 && (static_cast<unsigned char>(raw[cut]) & 0xC0) == 0x80) --cut;
  return std::string(raw.substr(0, cut)) + "...";
}

std::string Arguments::Path(std::string_view name) const {
  return where_.empty() ? std::string(name) : fmt::format("{}.{}", where_, name);
}

void Arguments::Wrong(std::string sentence) {
  if (trouble_.empty()) trouble_ = std::move(sentence);
}

void Arguments::Expected(std::string_view name, std::string_view what, JsonSlice got) {
  Wrong(fmt::format("{} must be {}; got {}", Path(name), what, ShowValue(got)));
}

void Arguments::Read(JsonSlice object, std::string_view where,
                     std::initializer_list<JsonField> allowed) {
  where_ = where;
  if (!Given(object)) return;
  if (!object.is_object()) {
    return Wrong(fmt::format("{} must be an object; got {}", where.empty() ? "arguments" : where,
                             ShowValue(object)));
  }
  const JsonSlice other = ReadMembers(object, allowed);
  if (!other.present()) return;
  std::vector<std::string_view> names;
  for (const JsonField& field : allowed) names.push_back(field.name);
  Wrong(fmt::format("unknown argument {}{}{}; allowed are: {}", ShowValue(other),
                    where.empty() ? "" : " in ", where, Join(names)));
}

void Arguments::Require(std::string_view name, JsonSlice value) {
  if (!Given(value)) Wrong(fmt::format("{} is missing; call again with it", Path(name)));
}

bool Arguments::Text(std::string_view name, JsonSlice value, size_t bytes_max, std::string* out) {
  if (!Given(value)) return false;
  if (!value.is_string()) {
    Expected(name, "a string", value);
    return false;
  }
  std::string text = value.String();
  if (text.empty() || text.size() > bytes_max || !IsPlainUtf8(text)) {
    Expected(name, fmt::format("1 to {} bytes of text without control characters", bytes_max),
             value);
    return false;
  }
  *out = std::move(text);
  return true;
}

bool Arguments::Texts(std::string_view name, JsonSlice value, size_t count_max, size_t bytes_max,
                      std::vector<std::string>* out) {
  if (!Array(name, value)) return false;
  std::vector<std::string> texts;
  for (JsonWalk walk(value); walk.Next();) {
    if (texts.size() == count_max) {
      Wrong(fmt::format("{} must be at most {} strings", Path(name), count_max));
      return false;
    }
    std::string text;
    if (!Text(fmt::format("{}[{}]", name, texts.size()), walk.value(), bytes_max, &text)) {
      Expected(name, "an array of strings", value);
      return false;
    }
    texts.push_back(std::move(text));
  }
  *out = std::move(texts);
  return true;
}

bool Arguments::Stream(std::string_view name, JsonSlice value, std::string* out) {
  std::string stream;
  if (!Text(name, value, kStreamNameBytesMax, &stream)) return false;
  // Would be a stream of that very name, which is never what was meant.
  if (stream.ends_with('*')) {
    Expected(name,
             "the name of one stream, without * at its end (only read and wait take a prefix)",
             value);
    return false;
  }
  *out = std::move(stream);
  return true;
}

bool Arguments::Number(std::string_view name, JsonSlice value, uint64_t min, uint64_t max,
                       uint64_t* out) {
  if (!Given(value)) return false;
  const auto number =
      value.kind() == JsonSlice::Kind::kNumber ? value.Unsigned() : std::optional<uint64_t>();
  if (!number.has_value() || *number < min || *number > max) {
    Expected(name,
             max == UINT64_MAX ? fmt::format("a whole number, {} or more", min)
                               : fmt::format("a whole number from {} to {}", min, max),
             value);
    return false;
  }
  *out = *number;
  return true;
}

bool Arguments::Choice(std::string_view name, JsonSlice value,
                       std::initializer_list<std::string_view> words, size_t* out) {
  if (!Given(value)) return false;
  const auto* found = std::find_if(words.begin(), words.end(),
                                   [&](std::string_view word) { return value.Says(word); });
  if (found == words.end()) {
    Expected(name, "one of: " + Join(words), value);
    return false;
  }
  *out = static_cast<size_t>(found - words.begin());
  return true;
}

bool Arguments::Array(std::string_view name, JsonSlice value) {
  if (!Given(value)) return false;
  if (value.kind() == JsonSlice::Kind::kArray) return true;
  Expected(name, "an array", value);
  return false;
}

}  // namespace roost
