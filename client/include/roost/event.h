// Events as users of libroost see them, to append and to read. Values and views; any thread.
#ifndef ROOST_EVENT_H_
#define ROOST_EVENT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace roost {

// What one wants to append. The broker adds sequence, revision, time, session and uid; the agent label is
// the client's own (ClientOptions::agent).
struct NewEvent {
  // 1 to 255 bytes of UTF-8 without control characters, not beginning with '$'.
  std::string stream = {};
  std::string type = {};            // 1 to 128 bytes, likewise
  std::string data = {};            // at most 1 MiB unless the operator says otherwise
  std::string content_type = {};    // empty: application/json
  std::string correlation_id = {};  // at most 255 bytes; empty: none
  std::string causation_id = {};
};

// "Stream must be at this revision"; 0: must not exist yet.
struct Condition {
  std::string stream = {};
  uint64_t expect = 0;
};

// Appended whole or not at all, side by side, in this order.
struct Batch {
  std::vector<NewEvent> events = {};       // 1 to 1000
  std::vector<Condition> conditions = {};  // also on streams that the batch does not write
  std::string id = {};  // idempotency key, in the scope of the first stream; empty: none
};

// An event that was read. Views into the page that it came from.
struct EventView {
  uint64_t sequence = 0;
  uint64_t revision = 0;
  uint64_t time_ns = 0;  // CLOCK_REALTIME
  uint64_t session = 0;  // 0: nobody's; of the broker's own events the one that they are about
  uint32_t uid = 0;
  std::string_view stream;
  std::string_view type;
  std::string_view agent;
  std::string_view id;
  std::string_view correlation_id;
  std::string_view causation_id;
  std::string_view content_type;  // never empty
  std::string_view data;
};

class Page;  // roost/read.h
enum class Durability : uint32_t;

const char* DurabilityName(Durability durability);  // "memory", "process", "power"

// How an append went.
struct AppendResult {
  bool appended = false;  // false: `conflict` says why
  bool duplicate =
      false;  // the same id with the same content was appended before; the places are those
  uint64_t first = 0;  // sequences of the first and the last event
  uint64_t sequence = 0;
  uint64_t revision = 0;  // of the last event in its stream
  uint32_t count = 0;
  uint64_t head = 0;        // of the log when it was answered
  Durability durability{};  // what "appended" means here

  struct Conflict {
    std::string stream;  // of the first condition that failed
    uint64_t expect = 0;
    uint64_t revision = 0;  // what it is at
    // The stream's newest event, alone on its page; from Client, if it could be read.
    std::shared_ptr<const Page> last;
  };
  std::optional<Conflict> conflict;
};

}  // namespace roost

#endif  // ROOST_EVENT_H_
