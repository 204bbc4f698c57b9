#include "client/mcp/event_json.h"

#include <algorithm>
#include <charconv>

#include "base/clock.h"
#include "client/mcp/json_text.h"

namespace roost {
namespace {

constexpr std::string_view kJsonType = "application/json";

void AppendOptional(std::string* out, std::string_view name, std::string_view text) {
  if (!text.empty()) AppendMember(out, name, text);
}

void AppendRaw(std::string* out, std::string_view name, std::string_view json) {
  AppendName(out, name);
  const size_t begin = out->size();
  out->append(json);
  // In valid JSON a line end is never within a string.
  std::replace_if(
      out->begin() + static_cast<std::ptrdiff_t>(begin), out->end(),
      [](char c) { return c == '\n' || c == '\r'; }, ' ');
}

// Everything but the data.
void AppendHead(std::string* out, const EventView& event) {
  AppendMember(out, "sequence", event.sequence);
  AppendMember(out, "stream", event.stream);
  AppendMember(out, "revision", event.revision);
  AppendMember(out, "type", event.type);
  AppendMember(out, "agent", event.agent);
  AppendMember(out, "session", event.session);
  AppendMember(out, "uid", event.uid);
  AppendTime(out, "time", event.time_ns);
  AppendOptional(out, "id", event.id);
  AppendOptional(out, "correlation_id", event.correlation_id);
  AppendOptional(out, "causation_id", event.causation_id);
  if (event.content_type != kJsonType) AppendMember(out, "content_type", event.content_type);
}

void AppendData(std::string* out, const EventView& event) {
  if (event.data.empty()) return;
  if (event.content_type == kJsonType && CheckJson(event.data, kDataDepthMax) == JsonFault::kNone) {
    return AppendRaw(out, "data", event.data);
  }
  AppendName(out, "data_base64");
  out->push_back('"');
  AppendBase64(out, event.data);
  out->push_back('"');
}

void AppendGap(std::string* out, const Gap& gap) {
  AppendName(out, "gap");
  out->push_back('{');
  AppendMember(out, "first", gap.first);
  AppendMember(out, "last", gap.last);
  AppendMember(out, "oldest", gap.oldest);
  out->push_back('}');
}

}  // namespace

void AppendNumber(std::string* out, uint64_t number) {
  char digits[20];
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), number);
  out->append(digits, end);
}

void AppendName(std::string* out, std::string_view name) {
  if (out->back() != '{') out->push_back(',');
  out->push_back('"');
  out->append(name);
  out->append("\":");
}

void AppendMember(std::string* out, std::string_view name, std::string_view text) {
  AppendName(out, name);
  AppendJsonString(out, text);
}

void AppendMember(std::string* out, std::string_view name, uint64_t number) {
  AppendName(out, name);
  AppendNumber(out, number);
}

void AppendFlag(std::string* out, std::string_view name, bool value) {
  AppendName(out, name);
  out->append(value ? "true" : "false");
}

void AppendTime(std::string* out, std::string_view name, uint64_t wall_ns) {
  AppendName(out, name);
  out->push_back('"');
  out->append(FormatTime(wall_ns));
  out->push_back('"');
}

bool AppendEvent(std::string* out, const EventView& event, size_t bytes_max) {
  const size_t begin = out->size();
  out->push_back('{');
  AppendHead(out, event);
  const size_t head_end = out->size();
  // No need to encode what is certainly too long.
  if (event.data.size() < bytes_max) AppendData(out, event);
  const bool whole = event.data.size() < bytes_max && out->size() - begin < bytes_max;
  if (!whole) {
    out->resize(head_end);
    out->append(R"(,"truncated":true)");
    AppendMember(out, "bytes", event.data.size());
  }
  out->push_back('}');
  return whole;
}

std::string PageJson(const Page& page, std::string_view more_members) {
  std::string json = R"({"events":[)";
  const size_t begin = json.size();
  uint64_t next = page.next();
  bool more = page.more();
  for (size_t i = 0; i < page.size(); ++i) {
    const EventView event = page[i];
    const size_t before = json.size();
    if (before > begin) json.push_back(',');
    AppendEvent(&json, event, kListBytesMax);
    // One alone always fits, so that a page is never empty because of its size.
    if (json.size() > kListBytesMax && i > 0) {
      json.resize(before);
      next = page[i - 1].sequence;
      more = true;
      break;
    }
  }
  json.push_back(']');
  AppendMember(&json, "next", next);
  AppendMember(&json, "head", page.head());
  AppendFlag(&json, "more", more);
  if (page.gap().has_value()) AppendGap(&json, *page.gap());
  json.append(more_members);
  json.push_back('}');
  return json;
}

}  // namespace roost
