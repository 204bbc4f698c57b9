#include "tools/dashboard/event_json.h"

#include <algorithm>
#include <string_view>

#include "base/clock.h"
#include "base/utf8.h"
#include "tools/event_printer.h"
#include "tools/json_text.h"

namespace roost {
namespace {

constexpr std::string_view kJson = "application/json";

bool IsText(const EventView& event) {
  const std::string_view type = event.content_type;
  return (type == kJson || type.starts_with("text/") || type.ends_with("+json")) &&
         IsUtf8(event.data);
}

// The first `bytes_max`, but no part of a character.
std::string_view CutText(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  size_t end = bytes_max;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

void AppendData(const EventView& event, size_t bytes_max, JsonObject* object, std::string* out) {
  object->Number("bytes", event.data.size());
  if (event.data.empty()) return;
  const bool text = IsText(event);
  object->Text("kind", !text ? "binary" : event.content_type == kJson ? "json" : "text");
  if (event.data.size() > bytes_max) object->Bool("cut", true);
  if (text) return object->Text("data", CutText(event.data, bytes_max));
  object->Name("data");
  *out += '"';
  AppendBase64(event.data.substr(0, bytes_max), out);
  *out += '"';
}

}  // namespace

void AppendDashboardEvent(const EventView& event, size_t data_bytes_max, std::string* out) {
  JsonObject object(out);
  AddEventFields(event, &object);
  AppendData(event, data_bytes_max, &object, out);
  object.End();
}

std::string PageJson(const Page& page) {
  std::string json;
  JsonObject object(&json);
  object.Name("events");
  json += '[';
  for (size_t i = 0; i < page.size(); ++i) {
    if (i != 0) json += ',';
    AppendDashboardEvent(page[i], kPreviewBytes, &json);
  }
  json += ']';
  object.Number("next", page.next());
  object.Number("head", page.head());
  object.Bool("more", page.more());
  if (page.gap()) {
    object.Name("gap");
    JsonObject gap(&json);
    gap.Number("first", page.gap()->first);
    gap.Number("last", page.gap()->last);
    gap.Number("oldest", page.gap()->oldest);
    gap.End();
  }
  object.End();
  return json;
}

std::string StreamsJson(std::vector<StreamInfo> streams, size_t limit, uint64_t total) {
  const size_t count = std::min(limit, streams.size());
  std::partial_sort(streams.begin(), streams.begin() + static_cast<std::ptrdiff_t>(count),
                    streams.end(), [](const StreamInfo& one, const StreamInfo& other) {
                      return one.last_sequence > other.last_sequence;
                    });
  std::string json;
  JsonObject object(&json);
  object.Name("streams");
  json += '[';
  for (size_t i = 0; i < count; ++i) {
    if (i != 0) json += ',';
    JsonObject stream(&json);
    stream.Text("name", streams[i].name);
    stream.Number("revision", streams[i].revision);
    stream.Number("last_sequence", streams[i].last_sequence);
    stream.Text("last_time", FormatTime(streams[i].last_time_ns));
    stream.End();
  }
  json += ']';
  object.Number("total", total);
  object.End();
  return json;
}

}  // namespace roost
