#include "client/log_reader.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

namespace roost {

LogReader::LogReader(const RingReader* ring, SegmentCache* segments, OwnWork* own_work)
    : ring_(ring),
      segments_(segments),
      own_work_(ring != nullptr ? own_work : nullptr),
      run_(RecordSource(ring, segments), ScanBudget(kScanBytesMax, kScanNsMax)),
      scan_(ring) {}

LogReader::LogReader(uint64_t oldest, uint64_t head, SegmentCache* segments)
    : LogReader(nullptr, segments) {
  oldest_without_ring_ = oldest;
  head_without_ring_ = head;
}

LogReader::Step LogReader::Begin(const ReadQuery& query, Page* page) {
  // Before anything else: what follows may see events after it, and leaves them out.
  const uint64_t head = ring_ != nullptr ? ring_->head() : head_without_ring_;
  run_.page.Begin(page, query, head);
  run_.source.Begin(head, query.order);
  run_.budget.Begin();
  status_ = SetBounds(query, head);
  if (!status_.ok()) return Step::kFailed;
  run_.filter.Set(query);
  lost_its_place_ = own_work_ != nullptr && query.order == Order::kOldestFirst &&
                    own_work_->LostItsPlace(query.after, ring_->oldest());
  if (ring_ == nullptr && oldest_without_ring_ > run_.low + 1) {
    // Nobody has to be asked whether older segments are gone.
    run_.source.MarkGone(oldest_without_ring_);
  }
  walks_ = ring_ != nullptr && !query.filter.stream.empty();
  if (walks_) {
    const std::optional<uint32_t> stream = ring_->FindStream(query.filter.stream);
    walk_.Begin(stream.has_value() ? ring_->Stream(*stream).last_position : 0);
  } else {
    scan_.Begin(run_);
  }
  return Go();
}

Status LogReader::SetBounds(const ReadQuery& query, uint64_t head) {
  if (query.limit == 0) return {StatusCode::kInvalidArgument, "limit must be at least 1"};
  if (!query.filter.stream.empty() && !query.filter.stream_prefix.empty()) {
    return {StatusCode::kInvalidArgument, "give a stream or a prefix of streams, not both"};
  }
  if (query.from_revision != 0 && query.filter.stream.empty()) {
    return {StatusCode::kInvalidArgument, "a revision to begin at needs a stream"};
  }
  if (query.after > head) {
    return {
        StatusCode::kInvalidArgument,
        fmt::format(
            "after is {}, but the newest event of the log is {}: this is another log, or another "
            "epoch of it (it began anew, or lost its end in a power cut); read again from the "
            "beginning or from its head",
            query.after, head)};
  }
  run_.order = query.order;
  run_.from_revision = query.from_revision;
  run_.low = query.after;
  const uint64_t high = query.before == 0 ? head : std::min(head, query.before - 1);
  run_.high = std::max(run_.low, high);
  return {};
}

LogReader::Step LogReader::Continue() {
  run_.budget.Resume();
  return Go();
}

LogReader::Step LogReader::ContinueWithout(uint64_t oldest) {
  run_.source.MarkGone(oldest);
  return Continue();
}

LogReader::Step LogReader::Go() {
  const ReadStep step = walks_ ? walk_.Run(&run_) : scan_.Run(&run_);
  run_.budget.Pause();
  switch (step) {
    case ReadStep::kNeedsSegment:
      return Step::kNeedsSegment;
    case ReadStep::kFailed:
      status_ = run_.source.status();
      return Step::kFailed;
    case ReadStep::kOk:
    case ReadStep::kGone:
    case ReadStep::kLost:
      break;  // the two ways to answer deal with it
  }
  if (!run_.page.more()) segments_->Release();
  if (own_work_ != nullptr) NotePlace();
  return Step::kDone;
}

void LogReader::NotePlace() {
  if (lost_its_place_ || run_.source.overtaken()) own_work_->CountOvertaken();
  if (run_.order == Order::kOldestFirst) own_work_->SetPlace(run_.page.next(), ring_->oldest());
}

}  // namespace roost
