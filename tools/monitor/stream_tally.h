// Which streams are busy: a bounded count of the newest events, stream by stream. The counters file has no streams (there may be
// millions); the events are read from the ring, which asks nothing of the broker either. One thread.
#ifndef ROOST_TOOLS_MONITOR_STREAM_TALLY_H_
#define ROOST_TOOLS_MONITOR_STREAM_TALLY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "roost/client.h"

namespace roost {

struct StreamRate {
  std::string stream;
  double events_per_second = 0;
  double bytes_per_second = 0;  // of records, with headers
  // Of its newest event:
  uint64_t revision = 0;
  uint64_t sequence = 0;
  uint64_t time_ns = 0;  // CLOCK_REALTIME
  std::string type;
  std::string agent;
};

// Rates are averages of the last seconds, in which the newest weigh most (by 1/e less each kMemorySeconds), so that rows do not
// jump about.
class StreamTally {
 public:
  static constexpr double kMemorySeconds = 5;
  static constexpr size_t kStreamsMax = 1000;  // the busiest, then the newest, are kept

  void Count(const EventView& event, size_t record_bytes);
  // What was counted since the last round happened in `seconds`, and stands for `scale` times as many. 0 seconds: it is older
  // than that and makes streams known, with no rate.
  void EndRound(double seconds, double scale);

  // Busiest first, then newest first.
  std::vector<StreamRate> Streams() const;

 private:
  struct Stream {
    StreamRate newest;
    double events = 0;  // weighted, as are bytes
    double bytes = 0;
    uint64_t round_events = 0;
    uint64_t round_bytes = 0;
  };

  std::unordered_map<std::string, Stream> streams_;
  double seconds_ = 0;  // weighted like the counts
};

// Follows the log of one broker with a client.
class StreamWatch {
 public:
  static constexpr uint64_t kEventsMax = 20'000;  // in one look; of more, the newest stand for all

  // Counts what was appended since the last look; `now_ns` is CLOCK_MONOTONIC. It blocks for the client's timeout if that has to
  // attach and the broker does not answer.
  Status Look(Client& client, uint64_t now_ns);
  std::vector<StreamRate> Streams() const { return tally_.Streams(); }

 private:
  Status CountNewest(Client& client);
  Status CountSince(Client& client, double seconds);

  StreamTally tally_;
  Page page_;
  std::string log_id_;
  uint64_t after_ = 0;
  uint64_t looked_ns_ = 0;  // 0: not yet
};

}  // namespace roost

#endif  // ROOST_TOOLS_MONITOR_STREAM_TALLY_H_
