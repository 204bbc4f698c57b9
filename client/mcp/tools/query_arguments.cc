#include "client/mcp/tools/query_arguments.h"

#include <fmt/core.h>

#include "base/clock.h"
#include "client/mcp/event_json.h"
#include "log/ring_format.h"

namespace roost {
namespace {

constexpr size_t kSinceBytesMax = 64;
constexpr uint64_t kLimitMax = 500;

void ReadStream(JsonSlice value, Arguments* arguments, Filter* filter) {
  std::string stream;
  // One more byte for the star.
  if (!arguments->Text("stream", value, kStreamNameBytesMax + 1, &stream)) return;
  if (stream.ends_with('*')) {
    stream.pop_back();
    filter->stream_prefix = std::move(stream);
  } else {
    filter->stream = std::move(stream);
  }
}

// Whether it is an age.
bool ReadSince(JsonSlice value, uint64_t wall_now_ns, Arguments* arguments, Filter* filter) {
  std::string since;
  if (!arguments->Text("since", value, kSinceBytesMax, &since)) return false;
  if (const auto age = ParseDurationNs(since); age.ok()) {
    filter->since_ns = wall_now_ns > *age ? wall_now_ns - *age : 1;
    return true;
  }
  if (const auto time = ParseTime(since); time.ok()) {
    filter->since_ns = *time;
  } else {
    arguments->Wrong(
        fmt::format("since must be a time like 2026-01-31T12:00:00Z or an age like 10m; got {}",
                    ShowValue(value)));
  }
  return false;
}

}  // namespace

bool ReadQueryArguments(const QueryArguments& given, uint64_t wall_now_ns, Arguments* arguments,
                        ReadQuery* query) {
  ReadStream(given.stream, arguments, &query->filter);
  arguments->Texts("types", given.types, given.types_max, kTypeBytesMax, &query->filter.types);
  arguments->Text("agent", given.agent, kAgentBytesMax, &query->filter.agent);
  const bool depends_on_time = ReadSince(given.since, wall_now_ns, arguments, &query->filter);
  uint64_t limit = query->limit;
  arguments->Number("limit", given.limit, 1, kLimitMax, &limit);
  query->limit = static_cast<uint32_t>(limit);
  query->bytes_max = kResultBytesMax;
  return depends_on_time;
}

}  // namespace roost
