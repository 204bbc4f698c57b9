// What to read, and the page that comes back.
#ifndef ROOST_READ_H_
#define ROOST_READ_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "roost/event.h"

namespace roost {

struct Filter {
  std::string stream = {};              // exactly this one; empty: see prefix
  std::string stream_prefix = {};       // all that begin like this; empty: all
  std::vector<std::string> types = {};  // any of these; empty: all
  std::string agent = {};               // empty: all
  uint64_t since_ns = 0;                // CLOCK_REALTIME, not before
};

enum class Order { kOldestFirst, kNewestFirst };

struct ReadQuery {
  Filter filter = {};
  uint64_t after = 0;          // sequence: only events behind it
  uint64_t before = 0;         // sequence: only events before it; 0: no such bound
  uint64_t from_revision = 0;  // with an exact stream: begin (in the given order) at this revision
  uint32_t limit = 50;
  uint64_t bytes_max = 1 << 20;  // stop after the event that reaches it
  Order order = Order::kOldestFirst;
};

// Events that were asked for and that this page cannot have: overwritten in a log without journal, deleted by retention, or damaged
// and left out when the operator accepted that. A page of one stream may say so of all of its events before such damage, since its
// links end there; a query without a stream finds them.
struct Gap {
  uint64_t first = 0;  // sequences, both missing
  uint64_t last = 0;
  uint64_t oldest = 0;  // the oldest event behind them that there is
};

// A page of events. Owns the bytes that its views point into.
class Page {
 public:
  size_t size() const { return offsets_.size(); }
  bool empty() const { return offsets_.empty(); }
  // Valid as long as the page lives and is not read into again. REQUIRES: index < size().
  EventView operator[](size_t index) const;
  // The event as it lies in ring and journal: its whole record, header included. Lives like the views.
  std::span<const std::byte> record(size_t index) const;

  uint64_t next() const {
    return next_;
  }  // looked at up to here: pass it as `after` (as `before` when
     // reading newest first) to go on, also when nothing matched
  uint64_t head() const { return head_; }
  bool more() const { return more_; }  // there may be more right away
  const std::optional<Gap>& gap() const { return gap_; }

 private:
  friend class PageBuilder;
  std::vector<std::byte> bytes_;  // whole records, as in the log
  std::vector<size_t> offsets_;
  uint64_t next_ = 0;
  uint64_t head_ = 0;
  bool more_ = false;
  std::optional<Gap> gap_;
};

// One stream, as the list of streams shows it.
struct StreamInfo {
  std::string name;
  uint64_t revision = 0;
  uint64_t last_sequence = 0;
  uint64_t last_time_ns = 0;
};

// One attached session, as the list of agents shows it.
struct SessionInfo {
  uint64_t session = 0;
  std::string agent;
  std::string client;  // program and version, as it calls itself
  uint32_t uid = 0;
  uint32_t pid = 0;
  uint64_t joined_ns = 0;
  uint64_t last_request_ns = 0;
  uint64_t requests = 0;
  uint32_t waiting = 0;
  bool idle = false;  // has asked for nothing in the last minute, and waits for nothing
};

// The log, its broker and this client.
struct LogInfo {
  bool attached = false;  // now; the rest may be of an earlier attachment
  uint64_t session = 0;
  std::string agent;
  std::string socket;
  std::string data_directory;  // empty with durability memory
  std::string log_id;          // 32 hexadecimal digits
  uint64_t epoch = 0;
  Durability durability{};
  uint64_t head = 0;
  uint64_t oldest = 0;  // the oldest event that there is
  uint64_t streams = 0;
  uint64_t started_ns = 0;  // of the broker
  uint32_t broker_pid = 0;
  std::string broker_version;
  // The write to the journal after which the broker acknowledges nothing more until it is restarted.
  uint64_t degraded_since_ns = 0;  // CLOCK_REALTIME; 0: there was none
  std::string degraded_why;
};

}  // namespace roost

#endif  // ROOST_READ_H_
