// The broker's own events on their way into the log: they are staged in order, and again in a later turn as
// long as their commit fails, so that a full disk delays agent.left and does not lose it.
//
// Sequencer thread. At most kWaitingMax wait (some 200 bytes each, and the keys of leases): while the log takes no
// events all leases that live may end and all sessions leave, and no new ones come. Past it the newest are dropped,
// with a line in the broker's log.
#ifndef ROOST_BROKER_OWN_EVENTS_H_
#define ROOST_BROKER_OWN_EVENTS_H_

#include <flatbuffers/flatbuffer_builder.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "broker/sequencer_turn.h"
#include "log/log_writer.h"

namespace roost {

class OwnEvents {
 public:
  static constexpr size_t kWaitingMax = 131'072;
  static constexpr uint64_t kRetryNs = 1'000'000'000;

  OwnEvents(LogWriter* log, SequencerTurn* turn);

  // Stages it in this turn if there is room, else in a later one. `session`: which it is about; 0: none. `committed` is
  // called when it is in the log; for what is dropped it never is.
  void Add(std::string_view stream, std::string_view type, std::string data, uint64_t session,
           std::function<void()> committed = {});

  // Stages one event now and calls `done` when its commit is decided. kStageFull: the turn has to be
  // finished first.
  StageOutcome StageNow(std::string_view stream, std::string_view type, std::string_view data,
                        uint64_t session, OwnEventDone done);

  // Stages what waits. At the begin of each turn.
  void StageWaiting();
  // Whether the log did not take all of them until now, not even staged.
  bool HasWaiting() const { return waiting() > 0; }
  size_t waiting() const { return waiting_.empty() ? 0 : waiting_.size() - staged_; }

  // When (CLOCK_MONOTONIC) to begin a turn for what waits; UINT64_MAX: nothing does.
  uint64_t NextTryNs() const;

 private:
  struct Waiting {
    std::string stream;
    std::string type;
    std::string data;
    uint64_t session;
    std::function<void()> committed;
  };

  void OnCommitted(const Status& committed);

  LogWriter* const log_;
  SequencerTurn* const turn_;
  flatbuffers::FlatBufferBuilder builder_;
  std::deque<Waiting> waiting_;
  size_t staged_ = 0;  // of waiting_, from the front, in this turn
  uint64_t next_try_ns_ = 0;
};

}  // namespace roost

#endif  // ROOST_BROKER_OWN_EVENTS_H_
