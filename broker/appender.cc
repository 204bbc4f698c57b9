#include "broker/appender.h"

#include <fmt/core.h>

#include <string>

#include "base/check.h"
#include "base/clock.h"

namespace roost {

using wire::RefusalCode;

Appender::Appender(LogWriter* log, IdTable* ids, CountersWriter* counters, SequencerTurn* turn)
    : log_(log),
      ids_(ids),
      counters_(counters),
      turn_(turn),
      limits_{log->options().event_data_bytes_max, log->options().batch_events_max} {}

void Appender::Handle(Peer& peer, uint64_t number, const wire::Append& append,
                      uint64_t received_ns) {
  Asked asked{peer, number, received_ns};
  if (number == 0) {
    turn_->Refuse(peer, number, {RefusalCode::Invalid, "an append must have a number, from 1 on"});
    return;
  }
  if (auto refusal = DecodeAppend(append, peer.session->agent, limits_, &request_)) {
    turn_->Refuse(peer, number, *refusal);
    return;
  }
  if (AnswerFromWindow(asked)) return;
  if (IsUnlogged(*peer.session)) return RefuseUnlogged(asked);
  if (!request_.id.empty()) {
    asked.has_id = true;
    asked.id = ids_->KeyOf(request_.events.front().stream, request_.id);
    asked.content = ids_->ContentOf(request_.decoded);
  }
  // When the turn is full it is finished, and what its failure takes back may change the answer.
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (asked.has_id && AnswerFromIds(asked)) return;
    if (log_->degraded()) {
      turn_->Refuse(peer, number, RefusalFor({StatusCode::kIoError, "see the broker's log"}));
      return;
    }
    if (AnswerWithConflict(asked)) return;
    if (Stage(asked)) return;
    turn_->Finish();
  }
  turn_->Refuse(peer, number, {RefusalCode::Busy, "the journal has no room at the moment"});
}

void Appender::RefuseUnlogged(const Asked& asked) {
  if (log_->degraded()) {
    turn_->Refuse(asked.peer, asked.number,
                  RefusalFor({StatusCode::kIoError, "see the broker's log"}));
    return;
  }
  // There may be room by now: let the client attach anew, with a session that the log knows.
  turn_->Refuse(asked.peer, asked.number,
                {RefusalCode::Full,
                 "nothing was appended: there was no room for the journal when this session "
                 "began; try again"});
  asked.peer.socket->HangUp();
}

bool Appender::AnswerFromWindow(const Asked& asked) {
  const AnswerWindow& window = asked.peer.session->answers;
  if (window.Look(asked.number) == AnswerWindow::State::kKept && window.Get(asked.number).pending) {
    turn_->Finish();  // asked twice in a turn, by a peer and by the one that took its session up
  }
  switch (window.Look(asked.number)) {
    case AnswerWindow::State::kNew:
      return false;
    case AnswerWindow::State::kTooOld:
      turn_->RefuseTooOld(asked.peer, asked.number, window.highest());
      return true;
    case AnswerWindow::State::kKept:
      break;
  }
  const KeptAnswer& answer = window.Get(asked.number);
  std::string_view conflict_stream;
  if (answer.kind == KeptAnswer::Kind::kConflict) {
    // The request that comes again brings the name along, which is not kept.
    if (answer.count >= request_.conditions.size()) {
      turn_->Refuse(
          asked.peer, asked.number,
          {RefusalCode::Invalid, fmt::format("request {} was another one before", asked.number)});
      return true;
    }
    conflict_stream = request_.conditions[answer.count].stream;
  }
  counters_->Add(Counter::kDuplicates);
  turn_->Send(asked.peer, answer, conflict_stream);
  return true;
}

bool Appender::AnswerFromIds(const Asked& asked) {
  const auto now_ns = static_cast<int64_t>(asked.received_ns);
  const UsedId* used = ids_->Find(asked.id, now_ns);
  if (used != nullptr && used->last > log_->head()) {
    turn_->Finish();  // used first in this turn: whether it was used at all is known then
    used = ids_->Find(asked.id, now_ns);
  }
  if (used == nullptr) return false;
  if (used->content != asked.content) {
    turn_->Refuse(asked.peer, asked.number,
                  {RefusalCode::IdReused,
                   fmt::format("id '{}' was used in stream '{}' with other content, as event {}; "
                               "take another id for another event",
                               request_.id, request_.events.front().stream, used->first)});
    return true;
  }
  KeptAnswer answer;
  answer.number = asked.number;
  answer.kind = KeptAnswer::Kind::kDuplicate;
  answer.count = used->count;
  answer.first = used->first;
  answer.last = used->last;
  answer.revision = used->revision;
  Answer(asked, answer, false, {});
  return true;
}

bool Appender::AnswerWithConflict(const Asked& asked) {
  for (size_t i = 0; i < request_.conditions.size(); ++i) {
    const ExpectedRevision& condition = request_.conditions[i];
    const uint64_t revision = log_->RevisionOf(condition.stream);
    if (revision == condition.expect) continue;
    KeptAnswer answer;
    answer.number = asked.number;
    answer.kind = KeptAnswer::Kind::kConflict;
    answer.count = static_cast<uint32_t>(i);
    answer.revision = revision;
    answer.expect = condition.expect;
    // The revision may be that of a staged event, which may still vanish.
    Answer(asked, answer, log_->HasStaged(), condition.stream);
    return true;
  }
  return false;
}

bool Appender::Stage(const Asked& asked) {
  const Session& session = *asked.peer.session;
  BatchPlace place;
  switch (
      log_->Stage(request_.events, {session.number, asked.number, session.uid, WallNs()}, &place)) {
    case StageOutcome::kStageFull:
      return false;
    case StageOutcome::kTooLarge:
      turn_->Refuse(
          asked.peer, asked.number,
          {RefusalCode::TooLarge, fmt::format("a batch may have {} bytes in the log and has {}",
                                              log_->options().batch_bytes_max, RecordBytes())});
      return true;
    case StageOutcome::kTooManyStreams:
      turn_->Refuse(
          asked.peer, asked.number,
          {RefusalCode::TooManyStreams,
           fmt::format(
               "the log has {} streams and no room for more; append to one that exists, or start "
               "roostd with a larger --max-streams",
               log_->options().streams_max)});
      return true;
    case StageOutcome::kStaged:
      break;
  }
  const auto count = static_cast<uint32_t>(request_.events.size());
  const uint64_t record_bytes = RecordBytes();
  turn_->CountStaged(count, record_bytes);
  turn_->NoteStaged(request_.events);
  if (asked.has_id) {
    ids_->Add(asked.id, {asked.content, place.first, place.last, place.revision, count},
              session.uid, static_cast<int64_t>(asked.received_ns));
  }
  KeptAnswer answer;
  answer.number = asked.number;
  answer.count = count;
  answer.first = place.first;
  answer.last = place.last;
  answer.revision = place.revision;
  Answer(asked, answer, true, {}, record_bytes);
  return true;
}

void Appender::Answer(const Asked& asked, KeptAnswer answer, bool depends_on_commit,
                      std::string_view conflict_stream, uint64_t record_bytes) {
  answer.pending = depends_on_commit;
  asked.peer.session->answers.Put(answer);
  if (depends_on_commit) {
    turn_->Owe({&asked.peer, asked.peer.session, answer, asked.received_ns,
                std::string(conflict_stream),
                asked.has_id && answer.kind == KeptAnswer::Kind::kAppended, asked.id,
                RequestKind::kAppend, record_bytes});
  } else {
    turn_->Send(asked.peer, answer, conflict_stream);
    turn_->CountAnswered(asked.peer, RequestKind::kAppend, asked.received_ns);
  }
}

uint64_t Appender::RecordBytes() const {
  uint64_t bytes = 0;
  for (const EventToStage& event : request_.events) {
    bytes += AlignUp(kRecordHeaderBytes + event.body.size(), kRecordAlignment);
  }
  return bytes;
}

}  // namespace roost
