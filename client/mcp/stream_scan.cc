#include "client/mcp/stream_scan.h"

#include <algorithm>

#include "client/mcp/event_json.h"

namespace roost {

StreamScan::StreamScan(const RingReader& ring, std::string_view prefix)
    : ring_(ring),
      prefix_(prefix),
      count_(ring.stream_count()),
      end_(std::min<uint64_t>(count_, kEntriesMax)) {}

bool StreamScan::Next() {
  while (id_ < end_) {
    stream_ = ring_.Stream(static_cast<uint32_t>(id_++));
    // A stream is in the table just before its first event can be seen.
    if (stream_.revision > 0 && stream_.name.starts_with(prefix_)) return true;
  }
  return false;
}

void AppendStreamMembers(std::string* out, const StreamSummary& stream) {
  AppendMember(out, "stream", stream.name);
  AppendMember(out, "revision", stream.revision);
  AppendMember(out, "last_sequence", stream.last_sequence);
  AppendTime(out, "last_time", stream.last_time_ns);
}

std::string StreamsJson(const RingReader& ring, std::string_view prefix, size_t limit) {
  std::string json = R"({"streams":[)";
  StreamScan scan(ring, prefix);
  bool more = false;
  for (size_t count = 0; scan.Next(); ++count) {
    const size_t before = json.size();
    if (count > 0) json += ',';
    json += '{';
    AppendStreamMembers(&json, scan.stream());
    json += '}';
    if (count == limit || json.size() > kListBytesMax) {
      json.resize(before);
      more = true;
      break;
    }
  }
  json += ']';
  AppendMember(&json, "total", ring.stream_count());
  json += more || scan.more() ? R"(,"more":true,"hint":"name a longer prefix to see the others")"
                              : R"(,"more":false)";
  json += '}';
  return json;
}

}  // namespace roost
