// Streams by the beginning of their name, out of the ring's stream table, in bounded time: a table may
// have a million entries and other calls are waiting. One thread.
#ifndef ROOST_CLIENT_MCP_STREAM_SCAN_H_
#define ROOST_CLIENT_MCP_STREAM_SCAN_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "log/ring_reader.h"

namespace roost {

class StreamScan {
 public:
  static constexpr uint32_t kEntriesMax = 200'000;  // looked at by one scan: some 10 ms

  StreamScan(const RingReader& ring, std::string_view prefix);

  // The next stream, in order of first appearance; false when there are no more, or none were found in
  // the entries that one scan looks at.
  bool Next();
  const StreamSummary& stream() const { return stream_; }

  // Whether the table goes on behind what was looked at.
  bool more() const { return id_ < count_; }

 private:
  const RingReader& ring_;
  std::string_view prefix_;
  uint64_t count_;
  uint64_t end_;
  uint64_t id_ = 0;
  StreamSummary stream_;
};

// {"streams":[{"stream":…,"revision":…,"last_sequence":…,"last_time":…},…],"total":…,"more":…} of at most
// `limit` streams and about kResultBytesMax.
std::string StreamsJson(const RingReader& ring, std::string_view prefix, size_t limit);

// "stream":…,"revision":…,"last_sequence":…,"last_time":…, as members of the object being written.
void AppendStreamMembers(std::string* out, const StreamSummary& stream);

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_STREAM_SCAN_H_
