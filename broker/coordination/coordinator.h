// The rooms of coordination together: gives each request to its room, asks for no request twice, and tells
// all rooms what happens to sessions and turns.
//
// Sequencer thread.
#ifndef ROOST_BROKER_COORDINATION_COORDINATOR_H_
#define ROOST_BROKER_COORDINATION_COORDINATOR_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "broker/coordination/change_writer.h"
#include "broker/coordination/room.h"
#include "broker/sequencer_turn.h"
#include "broker/session_observer.h"

namespace roost {

class Coordinator : public SessionObserver, public TurnObserver {
 public:
  // Which requests and which kept answers a room is for.
  struct Entry {
    CoordinationRoom* room;
    std::vector<wire::RequestBody> requests;
    std::vector<KeptAnswer::Kind> answers;
  };

  Coordinator(SequencerTurn* turn, UndoLog* undo, std::vector<Entry> entries);

  // False: it is no request of any room.
  bool Handle(const Asked& asked, const wire::Request& request);
  // The request is given up: it waits no longer, and what it was granted goes back.
  void Cancel(Session& session, uint64_t number);

  void OnStarted(uint64_t now_ns);
  void OnTimer(uint64_t now_ns);
  uint64_t NextTimerNs() const;
  // After the turn was finished. What the rooms stage here is committed here. Who could not be served within
  // kServeRoundsMax commits is served in the next turn, which NextTimerNs then wants at once.
  void ServeWaiting();

  // SessionObserver
  void OnSessionEnded(Session& session, std::string_view reason) override;
  void OnSessionMoved(Session& session) override;
  void OnSessionBack(Session& session) override;

  // TurnObserver
  void OnTurnDecided(bool committed) override;
  void OnStaged(std::span<const EventToStage> events) override;
  Bytes ReplyTo(const KeptAnswer& answer) override;

 private:
  static constexpr int kServeRoundsMax = 4;

  CoordinationRoom* RoomFor(wire::RequestBody type) const;
  bool AnswerFromWindow(const Asked& asked);
  // What requests changed in this turn becomes final, or is taken back.
  void FinishChanges();

  SequencerTurn* const turn_;
  UndoLog* const undo_;
  const std::vector<Entry> entries_;
  bool serve_again_ = false;
};

}  // namespace roost

#endif  // ROOST_BROKER_COORDINATION_COORDINATOR_H_
