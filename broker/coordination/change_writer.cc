#include "broker/coordination/change_writer.h"

#include "base/clock.h"
#include "broker/own_event.h"
#include "log/record.h"

namespace roost {

using wire::RefusalCode;

ChangeWriter::ChangeWriter(LogWriter* log, OwnEvents* own_events, SequencerTurn* turn,
                           UndoLog* undo)
    : log_(log), own_events_(own_events), turn_(turn), undo_(undo) {}

ChangeWriter::Outcome ChangeWriter::Stage(const Asked& asked, std::span<const Change> changes,
                                          BatchPlace* place) {
  Refusal why;
  const Outcome outcome = TryStage(asked, changes, place, &why);
  if (outcome == Outcome::kRefused) Refuse(asked, why);
  return outcome;
}

ChangeWriter::Outcome ChangeWriter::TryStage(const Asked& asked, std::span<const Change> changes,
                                             BatchPlace* place, Refusal* why) {
  if (turn_->Full()) return Outcome::kTurnFull;
  if (log_->degraded()) {
    *why = RefusalFor({StatusCode::kIoError, "see the broker's log"});
    return Outcome::kRefused;
  }
  // A session that the log does not know can't be found again after a restart.
  if (IsUnlogged(asked.session)) {
    *why = {RefusalCode::Full,
            "nothing was done: there was no room for the journal when this session began; try "
            "again"};
    return Outcome::kRefused;
  }
  // What the broker did before comes first, or the log would tell of it in the wrong order.
  if (own_events_->HasWaiting()) {
    *why = {RefusalCode::Full,
            "nothing was done: there is no room for the journal; make room and try again"};
    return Outcome::kRefused;
  }
  builders_.resize(std::max(builders_.size(), changes.size()));
  std::vector<EventToStage> events;
  uint64_t record_bytes = 0;
  for (size_t i = 0; i < changes.size(); ++i) {
    const Change& change = changes[i];
    events.push_back(
        {BuildOwnEvent(builders_[i], change.stream, change.type, change.data, asked.session.agent),
         change.stream, FilterHash(change.type), FilterHash(asked.session.agent), false,
         /*is_own=*/true});
    record_bytes += AlignUp(kRecordHeaderBytes + events.back().body.size(), kRecordAlignment);
  }
  switch (log_->Stage(events, {asked.session.number, asked.number, asked.session.uid, WallNs()},
                      place)) {
    case StageOutcome::kStaged:
      turn_->CountStaged(events.size(), record_bytes);
      turn_->NoteStaged(events);
      return Outcome::kStaged;
    case StageOutcome::kStageFull:
      return Outcome::kTurnFull;
    case StageOutcome::kTooLarge:
      *why = {RefusalCode::TooLarge,
              "nothing was done: what was asked for is too large for one batch of the log; "
              "ask for less at once"};
      return Outcome::kRefused;
    case StageOutcome::kTooManyStreams:
      *why = {RefusalCode::TooManyStreams,
              "nothing was done: the log has no room for another stream (--max-streams)"};
      return Outcome::kRefused;
  }
  return Outcome::kRefused;
}

bool ChangeWriter::CanStage(const Asked& asked) const {
  return !log_->degraded() && !IsUnlogged(asked.session) && !own_events_->HasWaiting();
}

void ChangeWriter::Add(std::string_view stream, std::string_view type, std::string data,
                       uint64_t session) {
  own_events_->Add(stream, type, std::move(data), session);
}

void ChangeWriter::AnswerStaged(const Asked& asked, KeptAnswer answer) {
  answer.number = asked.number;
  answer.pending = true;
  // A request that waited for long may be older than all that is kept.
  const bool is_kept = asked.session.answers.Look(asked.number) != AnswerWindow::State::kTooOld;
  if (is_kept) asked.session.answers.Put(answer);
  turn_->Owe({.peer = &asked.peer,
              .session = is_kept ? &asked.session : nullptr,
              .answer = std::move(answer),
              .received_ns = asked.received_ns,
              .kind = asked.kind});
}

void ChangeWriter::Answer(const Asked& asked, Bytes reply, std::vector<std::byte> otherwise) {
  if (undo_->empty()) {
    asked.peer.Send(reply);
    turn_->CountAnswered(asked.peer, asked.kind, asked.received_ns);
  } else {
    turn_->OweReply({.peer = &asked.peer,
                     .number = asked.number,
                     .reply = {reply.begin(), reply.end()},
                     .otherwise = std::move(otherwise),
                     .received_ns = asked.received_ns,
                     .kind = asked.kind});
  }
}

void ChangeWriter::Refuse(const Asked& asked, const Refusal& refusal) {
  turn_->Refuse(asked.peer, asked.number, refusal);
  // There may be room by now: let the client attach anew, with a session that the log knows.
  if (refusal.code == RefusalCode::Full && IsUnlogged(asked.session)) asked.peer.socket->HangUp();
}

}  // namespace roost
