// Whether a session is working or idle, by what it asks for: it works while it has sent a request within the last minute,
// or waits for something. Changes are told in $agents (agent.working, agent.idle); who joins or rejoins is working without
// being told so, and a broker that was restarted goes on from what the log says.
//
// There is one timer for all sessions that work, and none when all are idle; a request costs a store and a branch. An
// unlogged session changes without an event. While the log takes no events nothing changes, so that what must not be
// lost has the room in OwnEvents. Sequencer thread.
#ifndef ROOST_BROKER_PRESENCE_H_
#define ROOST_BROKER_PRESENCE_H_

#include <cstdint>
#include <set>
#include <utility>

#include "broker/own_events.h"
#include "broker/session_table.h"

namespace roost {

class Presence {
 public:
  static constexpr uint64_t kIdleAfterNs = 60'000'000'000;

  Presence(SessionTable* sessions, OwnEvents* own_events, uint64_t idle_after_ns = kIdleAfterNs)
      : sessions_(sessions), own_events_(own_events), idle_after_ns_(idle_after_ns) {}

  // It has a connection (now another). `now_ns` is CLOCK_MONOTONIC, here and below.
  void OnAttached(Session& session, uint64_t now_ns);
  // Any request of an attached session.
  void OnRequest(Session& session, uint64_t now_ns) {
    session.active_ns = now_ns;
    if (session.idle) SetWorking(session, now_ns);
  }
  // Its connection is gone; before the session ends.
  void OnLeft(Session& session);

  uint64_t NextTimerNs() const { return due_.empty() ? UINT64_MAX : due_.begin()->first; }
  void OnTimer(uint64_t now_ns);

 private:
  void SetWorking(Session& session, uint64_t now_ns);
  void LookAgainAt(Session& session, uint64_t due_ns);
  void Tell(const Session& session, std::string_view type);

  SessionTable* const sessions_;
  OwnEvents* const own_events_;
  const uint64_t idle_after_ns_;
  std::set<std::pair<uint64_t, uint64_t>> due_;  // when to look at each that works, and its number
};

}  // namespace roost

#endif  // ROOST_BROKER_PRESENCE_H_
