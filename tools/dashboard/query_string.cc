#include "tools/dashboard/query_string.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "base/utf8.h"
#include "tools/event_source.h"

namespace roost {
namespace {

constexpr size_t kFieldsMax = 32;
constexpr size_t kTypesMax = 16;

Status Wrong(std::string message) { return {StatusCode::kInvalidArgument, std::move(message)}; }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> Decode(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      decoded += ' ';
    } else if (text[i] != '%') {
      decoded += text[i];
    } else {
      const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return Wrong("a % needs two hexadecimal digits behind it");
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  if (!IsUtf8(decoded)) return Wrong("not UTF-8");
  return decoded;
}

Status SetField(const std::string& name, const std::string& value, uint32_t limit_max,
                ReadQuery* query) {
  const auto number = [&value](uint64_t* out) {
    auto parsed = ParseNumber(value);
    if (parsed.ok()) *out = *parsed;
    return parsed.status();
  };
  if (name == "stream") {
    SetStream(value, &query->filter);
  } else if (name == "type") {
    if (query->filter.types.size() == kTypesMax) return Wrong("at most 16 types");
    query->filter.types.push_back(value);
  } else if (name == "agent") {
    query->filter.agent = value;
  } else if (name == "since") {
    const auto since = ParseSince(value);
    if (!since.ok()) return since.status();
    query->filter.since_ns = *since;
  } else if (name == "after") {
    return number(&query->after);
  } else if (name == "before") {
    return number(&query->before);
  } else if (name == "limit") {
    uint64_t limit = 0;
    ROOST_RETURN_IF_ERROR(number(&limit));
    if (limit == 0 || limit > limit_max) return Wrong(fmt::format("limit is 1 to {}", limit_max));
    query->limit = static_cast<uint32_t>(limit);
  } else if (name == "order") {
    if (value != "oldest" && value != "newest") return Wrong("order is oldest or newest");
    query->order = value == "oldest" ? Order::kOldestFirst : Order::kNewestFirst;
  } else {
    return Wrong(fmt::format("there is no '{}' to ask for", Printable(name)));
  }
  return {};
}

}  // namespace

Result<QueryFields> SplitQuery(std::string_view query) {
  QueryFields fields;
  while (!query.empty()) {
    const std::string_view field = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(field.size() + 1, query.size()));
    if (field.empty()) continue;
    if (fields.size() == kFieldsMax) return Wrong("at most 32 fields");
    const size_t equals = std::min(field.find('='), field.size());
    auto name = Decode(field.substr(0, equals));
    if (!name.ok()) return name.status();
    auto value = Decode(field.substr(std::min(equals + 1, field.size())));
    if (!value.ok()) return value.status();
    fields.emplace_back(*std::move(name), *std::move(value));
  }
  return fields;
}

Result<ReadQuery> ParseReadQuery(std::string_view text, uint32_t limit_max) {
  const auto fields = SplitQuery(text);
  if (!fields.ok()) return fields.status();
  ReadQuery query;
  query.limit = limit_max;
  for (const auto& [name, value] : *fields) {
    ROOST_RETURN_IF_ERROR(SetField(name, value, limit_max, &query));
  }
  return query;
}

Result<uint64_t> ParseNumber(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return Wrong(fmt::format("'{}' is no number", Printable(text)));
  }
  return number;
}

}  // namespace roost
