// One turn of the sequencer: batches are staged, and whoever is owed an answer that depends on them is
// written down; Finish() commits all of it and pays. When the commit fails, everything in the turn is taken
// back and refused, as if it had never been asked.
//
// Sequencer thread. At most kOwedMax answers; Full() says when to Finish().
#ifndef ROOST_BROKER_SEQUENCER_TURN_H_
#define ROOST_BROKER_SEQUENCER_TURN_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "broker/counters_writer.h"
#include "broker/id_table.h"
#include "broker/peer.h"
#include "broker/reply_builder.h"
#include "broker/session_table.h"
#include "log/log_writer.h"

namespace roost {

// An answer that depends on the commit. It is in the session's window too, as pending.
struct OwedAnswer {
  Peer* peer = nullptr;        // may be closed by the time
  Session* session = nullptr;  // nullptr: the answer is not kept
  KeptAnswer answer = {};
  uint64_t received_ns = 0;          // CLOCK_MONOTONIC
  std::string conflict_stream = {};  // of a conflict
  bool has_id = false;               // this one added `id` to the table
  Hash128 id{};
  RequestKind kind = RequestKind::kOther;  // as Asked has it
  uint64_t record_bytes = 0;               // of an append that appended
};

// A finished reply that waits for the commit, since it tells of what may still be taken back.
struct OwedReply {
  Peer* peer = nullptr;
  uint64_t number = 0;
  std::vector<std::byte> reply;
  std::vector<std::byte> otherwise;        // when the commit fails; empty: a refusal
  uint64_t received_ns = 0;                // CLOCK_MONOTONIC
  RequestKind kind = RequestKind::kOther;  // as Asked has it
};

// Whoever keeps tables that change with the turn.
class TurnObserver {
 public:
  virtual ~TurnObserver() = default;
  // What was staged since the last time is final, or was taken back. Before the answers are sent.
  virtual void OnTurnDecided(bool committed) = 0;
  // These were staged, by whomever.
  virtual void OnStaged(std::span<const EventToStage> /*events*/) {}
  // The reply for an answer that is none of an append. Valid until the next call.
  virtual Bytes ReplyTo(const KeptAnswer& answer) = 0;
};

// What happens with a staged event of the broker's own.
using OwnEventDone = std::function<void(const Status& committed, const BatchPlace& place)>;

class SequencerTurn {
 public:
  static constexpr size_t kOwedMax = 4096;

  SequencerTurn(LogWriter* log, IdTable* ids, CountersWriter* counters, ReplyBuilder* replies);

  // At most one. REQUIRES: nothing is staged.
  void SetObserver(TurnObserver* observer) { observer_ = observer; }
  // Called when the log has moved on, by so many batches of clients, before the answers are sent.
  void SetOnCommitted(std::function<void(uint64_t batches)> on_committed) {
    on_committed_ = std::move(on_committed);
  }

  void Owe(OwedAnswer owed);
  void OweReply(OwedReply owed);
  // Whoever stages says so here.
  void NoteStaged(std::span<const EventToStage> events) {
    if (observer_ != nullptr) observer_->OnStaged(events);
  }
  // `done` is called in Finish, in the order of these calls, before the answers are sent.
  void Expect(const BatchPlace& place, OwnEventDone done);
  void CountStaged(uint64_t events, uint64_t record_bytes);

  bool Full() const { return owed_.size() + owed_replies_.size() >= kOwedMax; }

  // Something was staged, or somebody is owed an answer.
  bool HasWork() const;

  // Commits what was staged, if anything was, and answers. True: the log has moved on. `now_ns` is CLOCK_MONOTONIC.
  bool Finish(uint64_t now_ns);
  bool Finish() { return Finish(kCounting ? MonotonicNs() : 0); }
  // When the last Finish had sent its answers, CLOCK_MONOTONIC; 0: there were none, or nothing is counted.
  uint64_t answered_ns() const { return answered_ns_; }
  // Of records, since the start.
  uint64_t bytes_committed() const { return bytes_committed_; }

  // Sends an answer that was given already, or that depends on no commit.
  void Send(Peer& peer, const KeptAnswer& answer, std::string_view conflict_stream);
  void Refuse(Peer& peer, uint64_t number, const Refusal& refusal, uint64_t registration = 0);
  // A request's number is so far behind `highest` that its answer is not kept any more.
  void RefuseTooOld(Peer& peer, uint64_t number, uint64_t highest);
  // Its first answer was sent just now: how long that took.
  void CountAnswered(const Peer& peer, RequestKind kind, uint64_t received_ns);

 private:
  struct Expected {
    BatchPlace place;
    OwnEventDone done;
  };

  // Answers that are sent until the clock is read for how long they took: so many sends may be too much in a duration.
  static constexpr size_t kAnswersPerLook = 8;

  Status Commit(uint64_t begin_ns);
  void NoteDisk(const Status& committed);
  SessionCountersWriter::Row* RowOf(const Peer& peer) const;
  // All of them were sent just now.
  void CountSent(std::span<const OwedAnswer> sent);
  void SettleOwnEvents(const Status& committed);
  void SettleAnswers(const Status& committed);
  void SettleReplies(const Status& committed);
  void CountCommitted();

  LogWriter* const log_;
  IdTable* const ids_;
  CountersWriter* const counters_;
  ReplyBuilder* const replies_;
  TurnObserver* observer_ = nullptr;
  std::function<void(uint64_t batches)> on_committed_;
  std::vector<OwedAnswer> owed_;
  std::vector<OwedReply> owed_replies_;
  std::vector<Expected> expected_;
  std::vector<Expected> finishing_;
  uint64_t events_ = 0;
  uint64_t batches_ = 0;
  uint64_t record_bytes_ = 0;
  uint64_t bytes_committed_ = 0;
  uint64_t answered_ns_ = 0;
  bool disk_is_full_ = false;
};

// How a failed commit is told to a client.
Refusal RefusalFor(const Status& commit);

}  // namespace roost

#endif  // ROOST_BROKER_SEQUENCER_TURN_H_
