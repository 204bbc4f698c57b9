// A Filter made ready for looking at many events: at their headers first, at their bodies only where
// the header does not rule them out. A value; one thread at a time.
#ifndef ROOST_CLIENT_EVENT_FILTER_H_
#define ROOST_CLIENT_EVENT_FILTER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "log/record_format.h"
#include "roost/read.h"
#include "schemas/event_generated.h"

namespace roost {

class EventFilter {
 public:
  void Set(const ReadQuery& query);

  // False: surely not. Says nothing of the stream.
  bool MatchesHeader(const RecordHeader& header) const;
  bool MatchesStream(std::string_view name) const;
  // The whole filter, exactly.
  bool MatchesBody(const wire::Event& event) const;

  const std::string& stream() const { return filter_.stream; }
  bool has_prefix() const { return !filter_.stream_prefix.empty(); }
  // True if MatchesHeader can rule out an event of the exact stream.
  bool is_selective() const;

 private:
  Filter filter_;
  std::vector<uint32_t> type_hashes_;
  uint32_t agent_hash_ = 0;
  uint64_t revision_min_ = 0;
  uint64_t revision_max_ = UINT64_MAX;
};

}  // namespace roost

#endif  // ROOST_CLIENT_EVENT_FILTER_H_
