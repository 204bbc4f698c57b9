#include "broker/coordination/coordinator.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/check.h"

namespace roost {

using wire::RefusalCode;

Coordinator::Coordinator(SequencerTurn* turn, UndoLog* undo, std::vector<Entry> entries)
    : turn_(turn), undo_(undo), entries_(std::move(entries)) {
  turn_->SetObserver(this);
}

CoordinationRoom* Coordinator::RoomFor(wire::RequestBody type) const {
  for (const Entry& entry : entries_) {
    if (std::ranges::find(entry.requests, type) != entry.requests.end()) return entry.room;
  }
  return nullptr;
}

bool Coordinator::Handle(const Asked& asked, const wire::Request& request) {
  CoordinationRoom* const room = RoomFor(request.body_type());
  if (room == nullptr) return false;
  if (asked.number == 0) {
    turn_->Refuse(asked.peer, 0,
                  {RefusalCode::Invalid, "this request must have a number, from 1 on"});
    return true;
  }
  if (AnswerFromWindow(asked)) return true;
  // When the turn is full it is finished, and what its failure takes back may change the answer.
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (room->Try(asked, request) == TryOutcome::kDone) return true;
    turn_->Finish();
  }
  turn_->Refuse(asked.peer, asked.number,
                {RefusalCode::Busy, "the journal has no room at the moment; try again"});
  return true;
}

bool Coordinator::AnswerFromWindow(const Asked& asked) {
  const AnswerWindow& window = asked.session.answers;
  if (window.Look(asked.number) == AnswerWindow::State::kKept && window.Get(asked.number).pending) {
    turn_->Finish();
  }
  switch (window.Look(asked.number)) {
    case AnswerWindow::State::kNew:
      return false;
    case AnswerWindow::State::kTooOld:
      turn_->RefuseTooOld(asked.peer, asked.number, window.highest());
      return true;
    case AnswerWindow::State::kKept:
      turn_->Send(asked.peer, window.Get(asked.number), {});
      return true;
  }
  return false;
}

void Coordinator::Cancel(Session& session, uint64_t number) {
  for (const Entry& entry : entries_) entry.room->Cancel(session, number);
  const bool holds = std::ranges::any_of(
      entries_, [&](const Entry& entry) { return entry.room->HoldsFor(session, number); });
  if (!holds) return;
  FinishChanges();
  for (const Entry& entry : entries_) entry.room->TakeBack(session, number);
}

void Coordinator::OnStarted(uint64_t now_ns) {
  for (const Entry& entry : entries_) entry.room->OnStarted(now_ns);
}

void Coordinator::OnTimer(uint64_t now_ns) {
  if (now_ns < NextTimerNs()) return;
  FinishChanges();
  for (const Entry& entry : entries_) {
    if (now_ns >= entry.room->NextTimerNs()) entry.room->OnTimer(now_ns);
  }
}

uint64_t Coordinator::NextTimerNs() const {
  uint64_t next_ns = serve_again_ ? 0 : UINT64_MAX;
  for (const Entry& entry : entries_) next_ns = std::min(next_ns, entry.room->NextTimerNs());
  return next_ns;
}

void Coordinator::ServeWaiting() {
  // What is served for one may be what another waits for; what could not be committed is free for others.
  for (int round = 0; round < kServeRoundsMax; ++round) {
    for (const Entry& entry : entries_) entry.room->ServeWaiting();
    serve_again_ = turn_->HasWork();
    if (!serve_again_) return;
    turn_->Finish();
  }
}

void Coordinator::OnSessionEnded(Session& session, std::string_view reason) {
  FinishChanges();
  for (const Entry& entry : entries_) entry.room->OnSessionEnded(session, reason);
}

void Coordinator::OnSessionMoved(Session& session) {
  for (const Entry& entry : entries_) entry.room->DropWaiting(session);
}

void Coordinator::OnSessionBack(Session& session) {
  for (const Entry& entry : entries_) entry.room->OnSessionBack(session);
}

void Coordinator::FinishChanges() {
  if (!undo_->empty()) turn_->Finish();
  ROOST_CHECK(undo_->empty());
}

void Coordinator::OnTurnDecided(bool committed) {
  if (committed) {
    undo_->Accept();
  } else {
    undo_->RollBack();
  }
}

void Coordinator::OnStaged(std::span<const EventToStage> events) {
  for (const Entry& entry : entries_) entry.room->OnStaged(events);
}

Bytes Coordinator::ReplyTo(const KeptAnswer& answer) {
  for (const Entry& entry : entries_) {
    if (std::ranges::find(entry.answers, answer.kind) != entry.answers.end()) {
      return entry.room->ReplyTo(answer);
    }
  }
  ROOST_CHECK(false, "kind={}", static_cast<int>(answer.kind));
  return {};
}

}  // namespace roost
