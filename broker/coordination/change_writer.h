// Writes what the rooms of coordination do into the log, and gives their answers, each at the right time: what
// a request changed is answered when it is committed; what the broker changes by itself (a lease that ended) is
// never lost, however long the log takes no events.
//
// Sequencer thread.
#ifndef ROOST_BROKER_COORDINATION_CHANGE_WRITER_H_
#define ROOST_BROKER_COORDINATION_CHANGE_WRITER_H_

#include <flatbuffers/flatbuffer_builder.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/coordination/room.h"
#include "broker/coordination/undo_log.h"
#include "broker/own_events.h"
#include "broker/sequencer_turn.h"
#include "log/log_writer.h"

namespace roost {

// An event of one of Roost's own streams that a request causes. Views of the caller's.
struct Change {
  std::string_view stream;
  std::string_view type;
  std::string_view data;  // a JSON object
};

class ChangeWriter {
 public:
  enum class Outcome {
    kStaged,
    kTurnFull,  // TryOutcome::kTurnFull
    kRefused,  // the log takes no events; the peer was told why, and hung up on if attaching anew helps
  };

  ChangeWriter(LogWriter* log, OwnEvents* own_events, SequencerTurn* turn, UndoLog* undo);

  // Stages the events side by side, as caused by that session's request: its number, its uid, its label as
  // the agent. If kStaged, `place` says where; the caller then changes its table, leaving undos behind.
  Outcome Stage(const Asked& asked, std::span<const Change> changes, BatchPlace* place);
  Outcome Stage(const Asked& asked, const Change& change, BatchPlace* place) {
    return Stage(asked, std::span(&change, 1), place);
  }

  // The same, but kRefused is not told the peer: `why` is what to tell it.
  Outcome TryStage(const Asked& asked, std::span<const Change> changes, BatchPlace* place,
                   Refusal* why);

  // Whether the log takes changes of this session, as far as is known. If not, Stage refuses.
  bool CanStage(const Asked& asked) const;

  // Whether the event with this sequence stays whatever becomes of the turn.
  bool IsCommitted(uint64_t sequence) const { return sequence <= log_->head(); }

  // An event of the broker's own doing, about a session (0: none). It is written as soon as the log takes
  // it, before any later one. The caller changes its table at once and leaves no undo.
  void Add(std::string_view stream, std::string_view type, std::string data, uint64_t session);

  // Keeps the answer of a request whose events were staged, and sends it with the commit.
  void AnswerStaged(const Asked& asked, KeptAnswer answer);
  // Sends an answer that changed nothing: now, or with the commit if the table has uncommitted changes, on
  // which it may rest. `reply` is copied if need be. `otherwise` is sent when that commit fails, and where it is
  // empty a refusal.
  void Answer(const Asked& asked, Bytes reply, std::vector<std::byte> otherwise = {});
  // Hangs up on whoever is not in the log and may be when it attaches anew.
  void Refuse(const Asked& asked, const Refusal& refusal);

  UndoLog* undo() { return undo_; }

 private:
  LogWriter* const log_;
  OwnEvents* const own_events_;
  SequencerTurn* const turn_;
  UndoLog* const undo_;
  std::vector<flatbuffers::FlatBufferBuilder> builders_;  // one an event of a batch
};

// What CoordinationRoom::Try returns for what was not staged. REQUIRES: not kStaged.
inline TryOutcome NotStaged(ChangeWriter::Outcome outcome) {
  return outcome == ChangeWriter::Outcome::kTurnFull ? TryOutcome::kTurnFull : TryOutcome::kDone;
}

}  // namespace roost

#endif  // ROOST_BROKER_COORDINATION_CHANGE_WRITER_H_
