// What happens with an append: asked before? id used before? conditions met? then it is staged. One request
// at a time; the answer comes at once where it does not depend on the turn's commit, else with it.
//
// Sequencer thread.
#ifndef ROOST_BROKER_APPENDER_H_
#define ROOST_BROKER_APPENDER_H_

#include <cstdint>
#include <optional>

#include "broker/append_request.h"
#include "broker/id_table.h"
#include "broker/peer.h"
#include "broker/sequencer_turn.h"
#include "log/log_writer.h"

namespace roost {

class Appender {
 public:
  Appender(LogWriter* log, IdTable* ids, CountersWriter* counters, SequencerTurn* turn);

  // REQUIRES: the peer has a session. `append` stays where it is until this returns.
  void Handle(Peer& peer, uint64_t number, const wire::Append& append, uint64_t received_ns);

  // Memory that only a large request needed, and giving it back. Not within Handle.
  bool HoldsMemory() const { return request_.copies.capacity() * 8 > kInlineRequestBytesMax; }
  void Release() { request_ = {}; }

 private:
  struct Asked {
    Peer& peer;
    uint64_t number;
    uint64_t received_ns;
    bool has_id = false;
    Hash128 id{};
    Hash128 content{};
  };

  void RefuseUnlogged(const Asked& asked);
  // Each answers and returns true, or leaves the request to the next.
  bool AnswerFromWindow(const Asked& asked);
  bool AnswerFromIds(const Asked& asked);
  bool AnswerWithConflict(const Asked& asked);
  // False: the turn is full and has to be finished first.
  bool Stage(const Asked& asked);

  // Keeps the answer, and sends it now or with the commit.
  void Answer(const Asked& asked, KeptAnswer answer, bool depends_on_commit,
              std::string_view conflict_stream, uint64_t record_bytes = 0);
  uint64_t RecordBytes() const;

  LogWriter* const log_;
  IdTable* const ids_;
  CountersWriter* const counters_;
  SequencerTurn* const turn_;
  const AppendLimits limits_;
  AppendRequest request_;
};

}  // namespace roost

#endif  // ROOST_BROKER_APPENDER_H_
