// Who comes and who goes: Attach requests, sessions that are taken up again, and hang-ups; with the events in
// $agents that tell of it.
//
// Sequencer thread.
#ifndef ROOST_BROKER_ATTACHER_H_
#define ROOST_BROKER_ATTACHER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broker/append_request.h"
#include "broker/own_events.h"
#include "broker/peer.h"
#include "broker/presence.h"
#include "broker/sequencer_turn.h"
#include "broker/session_observer.h"
#include "broker/session_table.h"
#include "log/log_writer.h"

namespace roost {

class Attacher {
 public:
  // How long sessions that were attached to an earlier broker have to come back.
  static constexpr uint64_t kComeBackNs = 2'000'000'000;

  struct Parts {
    LogWriter* log;
    SessionTable* sessions;
    OwnEvents* own_events;
    SequencerTurn* turn;
    CountersWriter* counters;
    ReplyBuilder* replies;
    SessionObserver* observer;
    Presence* presence;
  };
  Attacher(const Parts& parts, uint32_t sessions_max);

  // Answers now, or with the commit of agent.joined; peer.attaching is set until then.
  void Handle(Peer& peer, const wire::Attach& attach);

  // The peer has hung up, or was hung up on: its session ends.
  void Leave(Peer& peer);

  // Ends the sessions that did not come back in time after the broker's restart. Returns when
  // (CLOCK_MONOTONIC) to call it again, UINT64_MAX: never.
  uint64_t EndAway(uint64_t now_ns);

 private:
  std::optional<Refusal> Check(const Peer& peer, const wire::Attach& attach) const;
  // The session that the client wants to take up again, if it may.
  Session* FindSession(const Peer& peer, const wire::Attach& attach);
  void TakeUp(Peer& peer, Session& session);
  void Join(Peer& peer);
  void OnJoined(Peer& peer, const Status& committed, const BatchPlace& place);
  void Begin(Peer& peer, uint64_t number);
  // Its row in the counters file, anew: what was counted for an earlier connection of it goes.
  void BeginCounting(Session& session);
  void EndCounting(Session& session);
  void Welcome(Peer& peer, bool resumed);
  void CountSessions();

  const Parts parts_;
  const uint32_t sessions_max_;
  uint32_t joining_ = 0;  // staged agent.joined
  const uint64_t started_ns_;
};

}  // namespace roost

#endif  // ROOST_BROKER_ATTACHER_H_
