#include "client/mcp/page_reader.h"

#include <algorithm>

#include "base/check.h"

namespace roost {

void PageReader::Read(const ReadQuery& query, uint64_t deadline_ns, LogAccess::Done done) {
  guard_.Renew();
  query_ = query;
  deadline_ns_ = deadline_ns;
  done_ = std::move(done);
  Begin();
}

void PageReader::Begin() {
  ROOST_CHECK(log_->ring() != nullptr);
  generation_ = log_->generation();
  reader_.emplace(log_->ring(), log_->segments(), log_->own_work());
  Follow(reader_->Begin(query_, &page_));
}

void PageReader::Follow(LogReader::Step step) {
  switch (step) {
    case LogReader::Step::kDone:
      return Done(Status());
    case LogReader::Step::kFailed:
      return Done(reader_->status());
    case LogReader::Step::kNeedsSegment:
      return Fetch();
  }
}

void PageReader::Done(const Status& status) {
  // It may call Read, which puts another in its place.
  const LogAccess::Done done = std::move(done_);
  done(status);
}

void PageReader::Fetch() {
  log_->FetchSegment(reader_->needed_sequence(), reader_->needed_position(), deadline_ns_,
                     guard_.Wrap([this](const Status& status) { OnSegment(status); }));
}

void PageReader::OnSegment(const Status& status) {
  // Another broker's ring was mapped meanwhile, and the reader's own is gone: begin again with it.
  if (log_->generation() != generation_) return Begin();
  if (status.ok()) {
    Follow(reader_->Continue());
  } else if (status.code() == StatusCode::kGone) {
    // The ring's word is as old as its broker's last append, the broker's as its last answer.
    Follow(reader_->ContinueWithout(std::max(log_->oldest_told(), log_->ring()->log_oldest())));
  } else {
    Done(status);
  }
}

}  // namespace roost
