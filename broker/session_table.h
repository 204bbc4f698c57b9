// Who is attached, who lately was, and how one proves to be the same again.
//
// A session's number is the sequence of its agent.joined event. Its secret is a keyed hash of that number, the
// uid and the log's epoch, so it need not be kept anywhere and holds over a restart of the broker.
//
// Bounded: the caller keeps attached() under its limit before Add; of ended sessions the last 4,096 are
// kept, each for ten minutes (4 KiB each, mostly its answers, and up to 10 KiB of what it was not told). Sequencer
// thread, and before it starts the thread that recovers. A Session stays where it is until Expire or End drops it, never within a turn.
#ifndef ROOST_BROKER_SESSION_TABLE_H_
#define ROOST_BROKER_SESSION_TABLE_H_

#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "broker/answer_window.h"
#include "broker/session_counters.h"

namespace roost {

struct Peer;

using SessionSecret = std::array<uint8_t, kSessionSecretBytes>;

// A lease that ended while its holder could not be told.
struct UntoldEnd {
  uint64_t token = 0;
  std::vector<std::string> keys;
  std::string reason;
};

// Those of one session, to be told when it is back: the newest 64, with at most 4 KiB of keys, their memory counted; the
// older ones of them without keys.
class UntoldEnds {
 public:
  static constexpr size_t kMax = 64;
  static constexpr size_t kKeyBytesMax = 4 << 10;

  void Add(UntoldEnd end);
  std::vector<UntoldEnd> Take();  // oldest first; none is left

 private:
  std::vector<UntoldEnd> ends_;
  size_t with_keys_ = 0;  // of the newest
  size_t key_bytes_ = 0;  // of those
};

struct Session {
  enum class State {
    kAttached,
    kAway,   // the broker was restarted; it has a moment to come back
    kEnded,  // it left; its answers are kept for a while
  };

  uint64_t number = 0;
  State state = State::kAttached;
  Peer* peer = nullptr;  // kAttached: whose it is
  uint32_t uid = 0;
  uint32_t pid = 0;
  std::string agent;
  std::string client;
  std::string identity;          // members of a JSON object, as its events in $agents show them
  uint64_t joined_ns = 0;        // CLOCK_REALTIME
  uint64_t last_request_ns = 0;  // CLOCK_REALTIME; 0: none yet
  uint64_t requests = 0;
  uint64_t ended_ns = 0;  // kEnded: CLOCK_MONOTONIC
  SessionCountersWriter::Row* counters_row = nullptr;  // kAttached: never null
  uint32_t waiting_requests = 0;  // broker/coordination/waiting_budget.h counts here
  bool idle = false;              // broker/presence.h, with the two behind it
  uint64_t active_ns = 0;         // CLOCK_MONOTONIC
  uint64_t presence_due_ns = 0;
  uint64_t report_time_used_ns = 0;  // broker/client_reports.h
  AnswerWindow answers;
  UntoldEnds untold;
};

// Numbers from here on are of sessions that could not be written down, because the log takes no events at
// the moment. They may read and wait; an append ends them, so that their client attaches anew.
inline constexpr uint64_t kUnloggedSessions = 1ull << 63;
inline bool IsUnlogged(const Session& session) { return session.number >= kUnloggedSessions; }

class SessionTable {
 public:
  static constexpr size_t kEndedMax = 4096;
  static constexpr uint64_t kEndedNsMax = 600ull * 1'000'000'000;

  // `key` is 32 bytes.
  SessionTable(const uint8_t* key, uint64_t epoch);

  SessionSecret SecretOf(uint64_t number, uint32_t uid) const;

  // The session, if it is known and the secret is that of this number and uid; else nullptr. Takes the
  // same time whatever is wrong with the secret.
  Session* FindWithSecret(uint64_t number, uint32_t uid, Bytes secret);
  Session* Find(uint64_t number);
  // The next one after `number` in the order of numbers, or nullptr.
  const Session* FindAfter(uint64_t number) const;

  // A new one, kAttached. REQUIRES: there is none with this number.
  Session& Add(uint64_t number);
  // A number for one that can't be written down.
  uint64_t NextUnlogged() { return kUnloggedSessions + unlogged_++; }

  // To kAttached, from any state.
  void Attach(Session& session);
  // From kAttached to kAway.
  void SetAway(Session& session);
  // To kEnded; the oldest ended one may go for it. An unlogged session goes at once.
  void End(Session& session, uint64_t now_ns);
  // Drops ended sessions that are too old.
  void Expire(uint64_t now_ns);
  // When (CLOCK_MONOTONIC) the next one will be; UINT64_MAX: there is none.
  uint64_t NextExpiryNs() const;

  std::vector<Session*> Away();
  size_t attached() const { return attached_; }
  size_t away() const { return away_; }
  size_t ended() const { return ended_.size(); }

 private:
  struct Slot {
    Session session;
    std::list<Session*>::iterator ended_place;
  };

  void LeaveState(Session& session);

  std::array<uint8_t, 32> key_;
  const uint64_t epoch_;
  std::map<uint64_t, std::unique_ptr<Slot>> slots_;
  std::list<Session*> ended_;  // longest ago first
  size_t attached_ = 0;
  size_t away_ = 0;
  uint64_t unlogged_ = 1;
};

}  // namespace roost

#endif  // ROOST_BROKER_SESSION_TABLE_H_
