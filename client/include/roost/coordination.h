// What agents share besides the log itself: claims, groups that work off a stream together, and verdicts.
// Values; any thread. All of it is written into the log as events (docs/streams.md).
#ifndef ROOST_COORDINATION_H_
#define ROOST_COORDINATION_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "roost/event.h"
#include "roost/read.h"

namespace roost {

// ---- claims ----

// "These keys are mine for a while": all of them or none.
struct ClaimRequest {
  // 1 to 64, each 1 to 255 bytes of UTF-8 without control characters. Literal, or a glob: `*` stands for any
  // characters of one segment between slashes, a segment `**` for any number of segments.
  std::vector<std::string> keys = {};
  std::chrono::milliseconds ttl{60'000};  // 100 ms to 24 h
  std::chrono::milliseconds wait{0};  // at most 50 s; who waits is served first come, first served
  std::string note = {};              // for whoever asks why; at most 1024 bytes
};

// What stands in the way.
struct Holder {
  std::string key;   // that was asked for
  std::string held;  // that is held: the same, or one that overlaps with it
  std::string by;    // label
  uint64_t session = 0;
  uint64_t expires_in_ms = 0;
  bool waiting = false;  // does not hold it, but asked before and waits
};

struct ClaimResult {
  bool granted = false;
  // Names the claim in Release. Grows with every grant of the whole log: hand it to whatever the claim
  // protects, and let that refuse a smaller one than it has seen.
  uint64_t token = 0;
  uint64_t expires_in_ms = 0;
  std::vector<Holder> held = {};  // not granted: at most 64
};

// A claim of this session that ended before it was released.
struct EndedLease {
  uint64_t token = 0;
  std::vector<std::string> keys = {};
  std::string reason = {};  // "expired", "broker restarted", "connection lost"
};

// A claim as lists show it.
struct LeaseInfo {
  uint64_t token = 0;
  std::vector<std::string> keys = {};
  std::string agent = {};
  uint64_t session = 0;
  uint64_t ttl_ms = 0;
  uint64_t expires_in_ms = 0;
  std::string note = {};
};

// ---- groups ----

struct TakeRequest {
  std::string stream = {};
  std::string group = {};                   // 1 to 64 bytes, without '/'
  bool from_head = false;                   // where a new group begins; else at the first event
  uint32_t max = 1;                         // 1 to 500
  std::chrono::milliseconds lease{30'000};  // 100 ms to 24 h
  std::chrono::milliseconds wait{0};        // at most 50 s
};

// Names one event that was taken. As text "<lease>.<index>".
struct ItemToken {
  uint64_t lease = 0;
  uint32_t index = 0;

  std::string ToString() const;
  static std::optional<ItemToken> Parse(std::string_view text);
  friend bool operator==(const ItemToken&, const ItemToken&) = default;
};

// One event that was taken, by its revision in the stream.
struct TakenItem {
  ItemToken token = {};
  uint64_t revision = 0;
  uint32_t tries = 0;  // how often it was handed out, this time included
};

struct TakeResult {
  std::vector<TakenItem> items = {};  // in the order in which they are to be worked off
  uint64_t parked = 0;                // how many events of this group are parked
};

enum class Outcome : uint8_t {
  kDone,
  kRetry,  // give it to the next, now
  kPark,   // put it aside, for a person to look at
};

struct ParkedPage {
  std::vector<TakenItem> items = {};  // without tokens
  bool more = false;
};

struct GroupInfo {
  std::string stream = {};
  std::string group = {};
  uint64_t checkpoint = 0;  // revision: all events up to here are settled
  uint64_t next = 0;        // revision that is handed out next, unless one was given back
  uint64_t head = 0;        // the stream's revision
  uint64_t taken = 0;       // events in consumers' hands
  uint64_t returned = 0;    // given back, to be handed out again
  uint64_t parked = 0;
  uint64_t consumers = 0;
  uint64_t waiting = 0;
};

struct GroupRemoval {
  bool removed = false;  // false: it is in use,
  uint64_t taken = 0;    //   by events in consumers' hands
  uint64_t waiting = 0;  //   or by takes that wait for it
  uint64_t parked = 0;   // removed: events that were parked, and are given up
};

// ---- verdicts ----

enum class Verdict : uint8_t { kUndecided, kAllow, kDeny, kAsk };
const char* VerdictName(Verdict verdict);  // "undecided", "allow", "deny", "ask"
std::optional<Verdict> ParseVerdict(std::string_view name);

// SHA-256 over kind and canonical input; 64 hexadecimal digits as text.
using VerdictKey = std::array<uint8_t, 32>;
std::string KeyText(const VerdictKey& key);
std::optional<VerdictKey> ParseVerdictKey(std::string_view text);

// Of answers by the operator's rules; no agent can be called so.
inline constexpr std::string_view kPolicyLabel = "$policy";
inline constexpr size_t kQuestionInputBytesMax = 64 << 10;

struct Question {
  std::string kind = {};   // 1 to 128 bytes, e.g. tool.Bash
  std::string input = {};  // JSON text, at most kQuestionInputBytesMax
};

// What becomes of a question that neither a rule nor an earlier decision answers.
enum class Asking : uint8_t {
  kDecide,     // one who asks is told to decide it
  kOnlyKnown,  // it stays undecided
};

struct Answer {
  Verdict verdict = Verdict::kUndecided;
  bool you_decide =
      false;  // find it out and Decide with `key` and `token`; the others wait for you
  uint64_t token = 0;
  VerdictKey key = {};
  std::string reason = {};
  std::string by = {};      // kPolicyLabel, or the label of who decided
  uint64_t decided_ns = 0;  // CLOCK_REALTIME; 0: not decided
  bool cached = false;      // decided before it was asked
  std::string error = {};   // the question can't be answered: its input is wrong, and why
};

struct Decision {
  VerdictKey key = {};
  ItemToken token = {};  // {answer.token, 0}, or that of the question's event taken from $questions
  Verdict verdict = Verdict::kUndecided;  // any other
  std::string reason = {};                // at most 512 bytes
  std::chrono::milliseconds ttl{0};       // 0: for ever
};

struct DecideResult {
  bool recorded = false;
  Verdict verdict = Verdict::kUndecided;  // in force now
  std::string reason = {};                // not recorded: why not, and what to do
};

}  // namespace roost

#endif  // ROOST_COORDINATION_H_
