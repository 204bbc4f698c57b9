// What leases, groups and verdicts have in common: each is a room of its own that takes its requests, keeps a
// table, and writes every change of it as an event into one of Roost's own streams. The tables are rebuilt from
// those events alone, by the same functions that change them when the events are staged.
//
// Sequencer thread, and before it starts the thread that recovers.
#ifndef ROOST_BROKER_COORDINATION_ROOM_H_
#define ROOST_BROKER_COORDINATION_ROOM_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "broker/answer_window.h"
#include "broker/peer.h"
#include "broker/session_table.h"
#include "ipc/counters_format.h"
#include "log/checkpoint_format.h"
#include "log/log_writer.h"
#include "log/record_format.h"
#include "log/state_codec.h"
#include "schemas/control_generated.h"
#include "schemas/event_generated.h"

namespace roost {

// A request in hand, of a peer that has a session.
struct Asked {
  Peer& peer;
  Session& session;
  uint64_t number;
  uint64_t received_ns;  // CLOCK_MONOTONIC
  // What its first answer is timed as; kOther: it had one, or is not timed.
  RequestKind kind = RequestKind::kOther;
};

// Why the broker frees what was granted to a request that was given up, for the events that tell of it.
inline constexpr std::string_view kGivenUpReason = "given up";

enum class TryOutcome {
  kDone,      // answered, or noted to be answered later
  kTurnFull,  // nothing was changed; the turn has to be finished, then try again
};

class CoordinationRoom {
 public:
  virtual ~CoordinationRoom() = default;

  // REQUIRES: the request is of a kind that the coordinator gives to this room. The request's bytes stay
  // until this returns. Decides first, then stages, then changes the table: nothing is changed before the
  // event that tells of it is staged. What this frees goes to those who wait in ServeWaiting.
  virtual TryOutcome Try(const Asked& asked, const wire::Request& request) = 0;

  // The reply to a request whose answer is kept, for the first time or when it is asked again. Valid until
  // the next call of any room.
  virtual Bytes ReplyTo(const KeptAnswer& answer) = 0;

  // The recovered state is complete; every time that was running begins anew at `now_ns` (CLOCK_MONOTONIC).
  virtual void OnStarted(uint64_t /*now_ns*/) {}

  // The session is gone: all that it held is free, at once, and what it waited for is dropped. `reason` is for
  // the events that tell of it ("left", "broker restarted"). Nothing that a request changed is uncommitted.
  // Frees only: who waits for it is served by ServeWaiting.
  virtual void OnSessionEnded(Session& session, std::string_view reason) = 0;
  // Its connection is another now: what was waited for over the old one is dropped, without an answer.
  virtual void DropWaiting(Session& session) = 0;
  // It was taken up again and is told what it missed; its Attached is sent.
  virtual void OnSessionBack(Session& /*session*/) {}
  // The request waits no longer; not answered. Unknown numbers are ignored.
  virtual void Cancel(Session& session, uint64_t number) = 0;
  // Whether the session still holds something that was granted to this request of its.
  virtual bool HoldsFor(const Session& /*session*/, uint64_t /*number*/) const { return false; }
  // What it holds for that request is free: nobody will see the answer. REQUIRES: nothing that a request changed is
  // uncommitted. Frees only, like OnSessionEnded.
  virtual void TakeBack(Session& /*session*/, uint64_t /*number*/) {}

  // Events were staged, by whomever; they may still vanish. Cheap, and changes no table: it is asked for each
  // batch of the log.
  virtual void OnStaged(std::span<const EventToStage> /*events*/) {}

  // At the end of each turn, when all is committed: serves those who wait, where something became free or
  // new. May stage; it is committed at once. Cheap when there is nothing to do.
  virtual void ServeWaiting() {}

  // CLOCK_MONOTONIC; UINT64_MAX: never.
  virtual uint64_t NextTimerNs() const { return UINT64_MAX; }
  // REQUIRES: nothing that a request changed is uncommitted. Frees only, like OnSessionEnded.
  virtual void OnTimer(uint64_t /*now_ns*/) {}
};

// A table that is rebuilt while the journal is recovered: sees the events of all of Roost's own streams in
// their order, and takes those that concern it. What does not make sense is skipped, never trusted.
class RecoveredTable {
 public:
  virtual ~RecoveredTable() = default;
  virtual void OnOwnEvent(const RecordHeader& header, const wire::Event& event) = 0;
  // The event that OnOwnEvent saw last answers a request (AnswerKindOf its type): puts what only its data says
  // into the answer.
  virtual void FillAnswer(const wire::Event& /*event*/, KeptAnswer* /*answer*/) {}

  // All that events have made of it, for a checkpoint, in an order that follows from what it holds alone; and back,
  // into a table that is empty. False: it can't be so. Then the table is of no use any more.
  virtual SectionKind section() const = 0;
  virtual void Save(StateWriter* out) const = 0;
  virtual bool Load(StateReader* in) = 0;
};

}  // namespace roost

#endif  // ROOST_BROKER_COORDINATION_ROOM_H_
