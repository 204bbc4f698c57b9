// One message of a client: checked, then given to whoever it is for. What is wrong with it is the client's
// problem alone.
//
// Sequencer thread.
#ifndef ROOST_BROKER_REQUEST_HANDLER_H_
#define ROOST_BROKER_REQUEST_HANDLER_H_

#include <cstdint>
#include <optional>

#include "broker/appender.h"
#include "broker/attacher.h"
#include "broker/client_reports.h"
#include "broker/coordination/coordinator.h"
#include "broker/lanes.h"
#include "broker/librarian.h"
#include "broker/memfd_request.h"
#include "broker/peer.h"
#include "broker/presence.h"
#include "broker/sequencer_turn.h"
#include "broker/waker.h"

namespace roost {

class RequestHandler {
 public:
  static constexpr uint32_t kWaitTypesMax = 64;

  struct Parts {
    LogWriter* log;
    SessionTable* sessions;
    SequencerTurn* turn;
    CountersWriter* counters;
    ReplyBuilder* replies;
    Attacher* attacher;
    Appender* appender;
    Waker* waker;
    Librarian* librarian;
    Coordinator* coordinator;
    Presence* presence;
    Lanes* lanes;
  };
  explicit RequestHandler(const Parts& parts) : parts_(parts), reports_(parts.counters) {}

  // `message` begins on an address divisible by 8 and stays until this returns. How many bytes were looked
  // at, those of a memfd included. After bytes that are no request the peer is hung up on.
  uint64_t Handle(Peer& peer, Bytes message, const UniqueFd& fd, uint64_t received_ns);

  // What large requests needed, and giving it back.
  bool HoldsMemory() const { return memfd_.HoldsMemory() || parts_.appender->HoldsMemory(); }
  void Release() {
    memfd_.Release();
    parts_.appender->Release();
  }

 private:
  uint64_t HandleInMemory(Peer& peer, uint64_t number, uint64_t length, const UniqueFd& fd,
                          uint64_t received_ns);
  void Dispatch(Peer& peer, const wire::Request& request, uint64_t received_ns);
  void Wait(Peer& peer, const wire::Wait& wait, uint64_t received_ns);
  void FindSegment(Peer& peer, uint64_t number, const wire::FindSegment& find);
  void ListSessions(Peer& peer, uint64_t number, const wire::ListSessions& list);
  void Active(Peer& peer, const wire::Active& active, uint64_t received_ns);
  // A request of which not even the kind is known.
  void RefuseUnread(Peer& peer, uint64_t number, const Refusal& refusal);
  void RefuseMalformed(Peer& peer);

  const Parts parts_;
  MemfdRequest memfd_;
  ClientReports reports_;
};

}  // namespace roost

#endif  // ROOST_BROKER_REQUEST_HANDLER_H_
