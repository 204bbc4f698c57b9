#include "broker/own_events.h"

#include <unistd.h>

#include <span>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "broker/logging.h"
#include "broker/own_event.h"
#include "log/record.h"

namespace roost {

OwnEvents::OwnEvents(LogWriter* log, SequencerTurn* turn) : log_(log), turn_(turn) {}

void OwnEvents::Add(std::string_view stream, std::string_view type, std::string data,
                    uint64_t session, std::function<void()> committed) {
  if (waiting_.size() >= kWaitingMax) {
    Log(LogLevel::kError, "the log takes no events and {} of the broker's own wait: a {} was dropped",
        waiting_.size(), type);
    return;
  }
  waiting_.push_back(
      {std::string(stream), std::string(type), std::move(data), session, std::move(committed)});
  StageWaiting();
}

StageOutcome OwnEvents::StageNow(std::string_view stream, std::string_view type,
                                 std::string_view data, uint64_t session, OwnEventDone done) {
  const EventToStage event{BuildOwnEvent(builder_, stream, type, data),
                           stream,
                           FilterHash(type),
                           FilterHash(kBrokerLabel),
                           false,
                           /*is_own=*/true};
  BatchPlace place;
  const StageOutcome outcome =
      log_->Stage(std::span(&event, 1), {session, 0, ::geteuid(), WallNs()}, &place);
  if (outcome == StageOutcome::kStaged) {
    turn_->NoteStaged(std::span(&event, 1));
    turn_->Expect(place, std::move(done));
  }
  return outcome;
}

void OwnEvents::StageWaiting() {
  if (waiting_.empty() || log_->degraded()) return;
  if (next_try_ns_ != 0 && MonotonicNs() < next_try_ns_) return;
  while (staged_ < waiting_.size()) {
    const Waiting& next = waiting_[staged_];
    ++staged_;
    const StageOutcome outcome =
        StageNow(next.stream, next.type, next.data, next.session,
                 [this](const Status& committed, const BatchPlace&) { OnCommitted(committed); });
    if (outcome == StageOutcome::kStaged) continue;
    --staged_;
    if (outcome == StageOutcome::kStageFull && log_->HasStaged()) {
      turn_->Finish();
      if (next_try_ns_ != 0) return;
      continue;
    }
    // No room, or no room for one more stream: like a commit that failed.
    next_try_ns_ = MonotonicNs() + kRetryNs;
    return;
  }
}

void OwnEvents::OnCommitted(const Status& committed) {
  ROOST_CHECK(staged_ > 0 && staged_ <= waiting_.size(), "staged={} waiting={}", staged_,
              waiting_.size());
  --staged_;
  if (committed.ok()) {
    // They are decided in the order in which they were staged, and all of a turn alike.
    if (waiting_.front().committed) waiting_.front().committed();
    waiting_.pop_front();
    next_try_ns_ = 0;
  } else {
    next_try_ns_ = MonotonicNs() + kRetryNs;
  }
}

uint64_t OwnEvents::NextTryNs() const {
  if (waiting_.empty() || log_->degraded()) return UINT64_MAX;
  return next_try_ns_;
}

}  // namespace roost
