#include "client/stream_list.h"

namespace roost {

std::vector<StreamInfo> ListStreams(const RingReader& ring, std::string_view prefix, size_t limit,
                                    size_t skip) {
  std::vector<StreamInfo> streams;
  const uint64_t count = ring.stream_count();
  for (uint64_t id = 0; id < count && streams.size() < limit; ++id) {
    const StreamSummary stream = ring.Stream(static_cast<uint32_t>(id));
    // A stream is in the table just before its first event can be seen.
    if (stream.revision == 0 || !stream.name.starts_with(prefix)) continue;
    if (skip > 0) {
      --skip;
      continue;
    }
    streams.push_back(
        {std::string(stream.name), stream.revision, stream.last_sequence, stream.last_time_ns});
  }
  return streams;
}

}  // namespace roost
