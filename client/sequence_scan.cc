#include "client/sequence_scan.h"

#include <algorithm>

namespace roost {

void SequenceScan::Begin(const QueryRun& run) {
  next_ = run.order == Order::kOldestFirst ? run.low + 1 : run.high;
  stream_asked_ = kNoStream;
}

bool SequenceScan::AtEnd(const QueryRun& run) const {
  return run.order == Order::kOldestFirst ? next_ > run.high : next_ <= run.low;
}

ReadStep SequenceScan::Run(QueryRun* run) {
  while (!AtEnd(*run)) {
    const ReadStep step = LookAtNext(run);
    if (step == ReadStep::kGone) {
      if (!PassOverGap(run)) break;
    } else if (step == ReadStep::kLost) {
      // Told by whoever looked into the damage.
      const LostStretch& lost = run->source.lost();
      next_ = run->order == Order::kOldestFirst ? lost.last + 1 : lost.first - 1;
    } else if (step != ReadStep::kOk) {
      return step;
    } else {
      next_ += run->order == Order::kOldestFirst ? 1 : -1;
    }
    if (run->page.full() || run->budget.Spent()) break;
  }
  Finish(run);
  return ReadStep::kOk;
}

ReadStep SequenceScan::LookAtNext(QueryRun* run) {
  RecordHeader header;
  uint64_t position = 0;
  const ReadStep step = run->source.HeaderOf(next_, &header, &position);
  if (step != ReadStep::kOk) return step;
  run->budget.Charge(kRecordHeaderBytes);
  return Wants(*run, header, position) ? run->Take(next_, position, /*of_stream=*/false)
                                       : ReadStep::kOk;
}

// What can be said by the header, and by the ring's names of streams, without copying the body.
bool SequenceScan::Wants(const QueryRun& run, const RecordHeader& header, uint64_t position) {
  if (!run.filter.MatchesHeader(header)) return false;
  // An event of an older segment may bear the id that a stream had in another ring.
  const bool named = ring_ != nullptr && run.filter.has_prefix() && !run.source.IsCold(position) &&
                     header.stream < ring_->stream_count();
  if (!named) return true;
  if (header.stream != stream_asked_) {
    stream_asked_ = header.stream;
    stream_matched_ = run.filter.MatchesStream(ring_->Stream(header.stream).name);
  }
  return stream_matched_;
}

// False: the page has to end before the gap.
bool SequenceScan::PassOverGap(QueryRun* run) {
  const uint64_t oldest = run->source.oldest();
  if (run->order == Order::kNewestFirst) {
    // Everything older is gone too.
    if (!run->page.NoteGap(run->low + 1, next_, oldest)) return false;
    next_ = run->low;
    return true;
  }
  const uint64_t resume = std::clamp(oldest, next_ + 1, run->high + 1);
  if (!run->page.NoteGap(next_, resume - 1, oldest)) return false;
  next_ = resume;
  return true;
}

void SequenceScan::Finish(QueryRun* run) {
  const bool more = !AtEnd(*run);
  if (run->order == Order::kOldestFirst) {
    run->page.Finish(more ? next_ - 1 : run->high, more);
  } else {
    run->page.Finish(next_ + 1, more);
  }
}

}  // namespace roost
