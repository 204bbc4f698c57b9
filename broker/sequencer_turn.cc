#include "broker/sequencer_turn.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/check.h"
#include "broker/logging.h"

namespace roost {

Refusal RefusalFor(const Status& commit) {
  if (commit.code() == StatusCode::kExhausted) {
    return {wire::RefusalCode::Full, "nothing was appended: there is no room for the journal (" +
                                         commit.message() + "); make room and try again"};
  }
  if (commit.code() == StatusCode::kBusy) {
    return {wire::RefusalCode::Busy, "nothing was appended: the journal can't begin another file "
                                     "now (" + commit.message() + ")"};
  }
  return {wire::RefusalCode::Degraded,
          "nothing was appended: a write to the journal failed (" + commit.message() +
              "); the broker takes no more appends until it is restarted"};
}

SequencerTurn::SequencerTurn(LogWriter* log, IdTable* ids, CountersWriter* counters,
                             ReplyBuilder* replies)
    : log_(log), ids_(ids), counters_(counters), replies_(replies) {
  owed_.reserve(kOwedMax);
}

void SequencerTurn::Owe(OwedAnswer owed) { owed_.push_back(std::move(owed)); }

void SequencerTurn::OweReply(OwedReply owed) { owed_replies_.push_back(std::move(owed)); }

void SequencerTurn::Expect(const BatchPlace& place, OwnEventDone done) {
  expected_.push_back({place, std::move(done)});
}

void SequencerTurn::CountStaged(uint64_t events, uint64_t record_bytes) {
  ++batches_;
  events_ += events;
  record_bytes_ += record_bytes;
}

bool SequencerTurn::HasWork() const {
  return log_->HasStaged() || !owed_.empty() || !owed_replies_.empty();
}

bool SequencerTurn::Finish(uint64_t now_ns) {
  const bool has_staged = log_->HasStaged();
  const Status committed = has_staged ? Commit(now_ns) : Status();
  const bool has_moved = has_staged && committed.ok();
  if (has_moved) CountCommitted();
  const uint64_t batches = batches_;
  events_ = batches_ = record_bytes_ = 0;
  SettleOwnEvents(committed);
  if (observer_ != nullptr) observer_->OnTurnDecided(committed.ok());
  if (has_moved && on_committed_) on_committed_(batches);
  SettleAnswers(committed);
  SettleReplies(committed);
  return has_moved;
}

Status SequencerTurn::Commit(uint64_t begin_ns) {
  counters_->SetBeat(Doing::kWriting, begin_ns);
  Status status = log_->Commit();
  if constexpr (kCounting) counters_->CountWrite(begin_ns, MonotonicNs());
  NoteDisk(status);
  if (!status.ok()) Log(LogLevel::kError, "events were refused: {}", status.message());
  return status;
}

void SequencerTurn::NoteDisk(const Status& committed) {
  const bool is_full = committed.code() == StatusCode::kExhausted;
  if (is_full == disk_is_full_) return;
  disk_is_full_ = is_full;
  counters_->Set(Counter::kDiskFullSinceNs, is_full ? WallNs() : 0);
}

void SequencerTurn::CountCommitted() {
  bytes_committed_ += record_bytes_;
  counters_->CountCommit(events_, batches_, record_bytes_);
}

void SequencerTurn::SettleOwnEvents(const Status& committed) {
  finishing_.swap(expected_);
  for (const Expected& expected : finishing_) expected.done(committed, expected.place);
  finishing_.clear();
}

inline SessionCountersWriter::Row* SequencerTurn::RowOf(const Peer& peer) const {
  return peer.session != nullptr ? peer.session->counters_row : counters_->sessions().nowhere();
}

inline void SequencerTurn::CountSent(std::span<const OwedAnswer> sent) {
  if constexpr (!kCounting) return;
  const uint64_t now_ns = MonotonicNs();
  answered_ns_ = now_ns;
  for (const OwedAnswer& owed : sent) {
    SessionCountersWriter::Row* const row = RowOf(*owed.peer);
    const uint64_t ns = now_ns - owed.received_ns;
    if (owed.kind == RequestKind::kAppend) {  // most are: all of it is known
      counters_->CountAnswer(row, RequestKind::kAppend, ns);
      if (owed.answer.kind == KeptAnswer::Kind::kAppended) {
        counters_->sessions().CountAppended(row, owed.answer.count, owed.record_bytes);
      }
    } else {
      counters_->CountAnswer(row, owed.kind, ns);
    }
  }
}

void SequencerTurn::SettleAnswers(const Status& committed) {
  answered_ns_ = 0;
  if (owed_.empty()) return;
  if (!committed.ok()) {
    const Refusal refusal = RefusalFor(committed);
    for (const OwedAnswer& owed : owed_) {
      if (owed.session != nullptr) owed.session->answers.Forget(owed.answer.number);
      if (owed.has_id) ids_->Remove(owed.id);
      Refuse(*owed.peer, owed.answer.number, refusal);
    }
  } else {
    std::span<const OwedAnswer> left = owed_;
    while (!left.empty()) {
      const std::span<const OwedAnswer> some = left.first(std::min(left.size(), kAnswersPerLook));
      left = left.subspan(some.size());
      for (const OwedAnswer& owed : some) {
        if (owed.session != nullptr) owed.session->answers.Confirm(owed.answer.number);
        Send(*owed.peer, owed.answer, owed.conflict_stream);
      }
      CountSent(some);
    }
  }
  owed_.clear();
}

void SequencerTurn::SettleReplies(const Status& committed) {
  for (const OwedReply& owed : owed_replies_) {
    if (committed.ok()) {
      owed.peer->Send(owed.reply);
      CountAnswered(*owed.peer, owed.kind, owed.received_ns);
    } else if (!owed.otherwise.empty()) {
      owed.peer->Send(owed.otherwise);
    } else {
      Refuse(*owed.peer, owed.number, RefusalFor(committed));
    }
  }
  owed_replies_.clear();
}

void SequencerTurn::Send(Peer& peer, const KeptAnswer& answer, std::string_view conflict_stream) {
  switch (answer.kind) {
    case KeptAnswer::Kind::kConflict:
      counters_->Add(Counter::kConflicts);
      peer.Send(replies_->Conflict(answer, conflict_stream, log_->head()));
      break;
    case KeptAnswer::Kind::kDuplicate:
      counters_->Add(Counter::kDuplicates);
      [[fallthrough]];
    case KeptAnswer::Kind::kAppended:
      peer.Send(replies_->Appended(answer, log_->head()));
      break;
    case KeptAnswer::Kind::kGranted:
    case KeptAnswer::Kind::kReleased:
    case KeptAnswer::Kind::kTaken:
    case KeptAnswer::Kind::kSettled:
    case KeptAnswer::Kind::kUnparked:
    case KeptAnswer::Kind::kDecided:
    case KeptAnswer::Kind::kGroupRemoved:
      ROOST_CHECK(observer_ != nullptr);
      peer.Send(observer_->ReplyTo(answer));
      break;
  }
}

void SequencerTurn::Refuse(Peer& peer, uint64_t number, const Refusal& refusal,
                           uint64_t registration) {
  counters_->Add(Counter::kRequestsRefused);
  counters_->CountRefused(static_cast<size_t>(refusal.code));
  counters_->sessions().Add(RowOf(peer), SessionCounter::kRefused);
  peer.Send(replies_->Refused(number, refusal, registration));
}

void SequencerTurn::CountAnswered(const Peer& peer, RequestKind kind, uint64_t received_ns) {
  if constexpr (!kCounting) return;
  counters_->CountAnswer(RowOf(peer), kind, MonotonicNs() - received_ns);
}

void SequencerTurn::RefuseTooOld(Peer& peer, uint64_t number, uint64_t highest) {
  Refuse(peer, number,
         {wire::RefusalCode::TooOld,
          fmt::format("request {} is {} behind the newest one of this session; answers to the last "
                      "{} are kept",
                      number, highest - number, kRequestsInFlightMax)});
}

}  // namespace roost
