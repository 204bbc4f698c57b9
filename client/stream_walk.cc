#include "client/stream_walk.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "client/link_preload.h"
#include "log/record.h"

namespace roost {

void StreamWalk::Begin(uint64_t last_position) {
  phase_ = Phase::kLast;
  last_position_ = last_position;
  top_ = Node();
  older_gone_ = false;
  preloaded_ = UINT64_MAX;
  places_.clear();
  taken_sequence_ = 0;
  node_taken_ = false;
  spent_ = false;
}

ReadStep StreamWalk::Run(QueryRun* run) {
  ReadStep step = ReadStep::kOk;
  while (step == ReadStep::kOk && phase_ != Phase::kFinished) step = RunPhase(run);
  return step;
}

// Each phase leaves everything as it was when it returns kNeedsSegment, and goes on when called again.
ReadStep StreamWalk::RunPhase(QueryRun* run) {
  switch (phase_) {
    case Phase::kLast:
      return ReadLast(run);
    case Phase::kTop:
      return FindTop(run);
    case Phase::kDense:
      return TryDense(run);
    case Phase::kStart:
      return FindStart(run);
    case Phase::kStretch:
      return GoToStretch(run);
    case Phase::kCollect:
      return Collect(run);
    case Phase::kTake:
      return TakeStretch(run);
    case Phase::kForwards:
      return TakeForwards(run);
    case Phase::kBack:
      return TakeBack(run);
    case Phase::kFinished:
      break;
  }
  return ReadStep::kOk;
}

// ---- from the newest event to the page ----

ReadStep StreamWalk::ReadLast(QueryRun* run) {
  if (last_position_ == 0 || run->low >= run->high) return FinishAll(run);
  node_.position = last_position_;
  const ReadStep step = run->source.HeaderAt(last_position_, &node_.header);
  if (step == ReadStep::kGone) {
    NoteGone(run);
    return FinishAll(run);
  }
  if (step != ReadStep::kOk) return step;
  if (node_.header.kind != RecordKind::kEvent || node_.revision() == 0) {
    return run->source.Fail(StatusCode::kCorruption,
                            fmt::format("no event is at position {}", last_position_));
  }
  phase_ = Phase::kTop;
  if (IsAbove(*run, node_.sequence(), node_.revision())) {
    BeginSearch(node_);
  } else {
    TopIs(run, node_);
  }
  return ReadStep::kOk;
}

ReadStep StreamWalk::FindTop(QueryRun* run) {
  ReadStep step = Search(run);
  if (step != ReadStep::kOk) return step;
  if (node_.header.previous == 0) return FinishAll(run);
  Node top;
  step = Follow(run, node_, node_.header.previous, node_.revision() - 1, &top);
  if (step == ReadStep::kGone) {
    NoteGone(run);
    return FinishAll(run);
  }
  if (step == ReadStep::kOk) TopIs(run, top);
  return step;
}

void StreamWalk::TopIs(QueryRun* run, const Node& top) {
  top_ = top;
  node_ = top;
  if (run->order == Order::kNewestFirst) {
    node_taken_ = false;
    phase_ = Phase::kBack;
    return;
  }
  phase_ = Phase::kDense;
}

ReadStep StreamWalk::TryDense(QueryRun* run) {
  const uint64_t first = std::max<uint64_t>(1, run->from_revision);
  if (top_.sequence() > run->low && top_.revision() >= first) {
    const uint64_t back = std::min(top_.sequence() - run->low - 1, top_.revision() - first);
    bool is_dense = false;
    const ReadStep step = IsDense(run, top_, back, &is_dense);
    if (step != ReadStep::kOk) return step;
    if (is_dense) {
      BeginForwards(top_, back);
      return ReadStep::kOk;
    }
  }
  phase_ = Phase::kStart;
  BeginSearch(top_);
  return ReadStep::kOk;
}

ReadStep StreamWalk::FindStart(QueryRun* run) {
  if (!IsAbove(*run, top_.sequence(), top_.revision())) return FinishAll(run);
  start_revision_ = std::max<uint64_t>(1, run->from_revision);
  if (run->low > 0) {
    const ReadStep step = Search(run);
    if (step != ReadStep::kOk) return step;
    start_revision_ = node_.revision();
    if (older_gone_) NoteGone(run);
  }
  BeginStretch();
  return ReadStep::kOk;
}

// ---- side by side ----

namespace {

// Whether the links of an event lead about as far as its stream's events are long. It says nothing for certain, and costs nothing.
bool LooksDense(const RecordHeader& header, uint64_t position) {
  constexpr uint64_t kTimes = 4;  // longer ones may be among them
  const uint64_t jumped = header.revision - JumpRevision(header.revision);
  return position - header.previous <= kTimes * header.size &&
         (header.jump == 0 || position - header.jump <= kTimes * header.size * jumped);
}

}  // namespace

ReadStep StreamWalk::IsDense(QueryRun* run, const Node& newest, uint64_t back, bool* is_dense) {
  *is_dense = false;
  if (back < kDenseMin || back >= newest.sequence() || back >= newest.revision() ||
      !LooksDense(newest.header, newest.position)) {
    return ReadStep::kOk;
  }
  const bool was_overtaken = run->source.overtaken();
  RecordHeader header;
  uint64_t position = 0;
  ReadStep step = run->source.HeaderOf(newest.sequence() - back, &header, &position);
  if (step == ReadStep::kOk && header.revision == newest.revision() - back) {
    step = IsOfStream(run, position, is_dense);
  }
  if (!*is_dense) run->source.SetOvertaken(was_overtaken);  // it was not to be read
  // What is damaged or gone there may be of another stream.
  return step == ReadStep::kNeedsSegment ? step : ReadStep::kOk;
}

ReadStep StreamWalk::IsOfStream(QueryRun* run, uint64_t position, bool* is_of_stream) {
  record_.clear();
  const ReadStep step = run->source.RecordAt(position, &record_);
  if (step != ReadStep::kOk) return step;
  RecordHeader header;
  std::memcpy(&header, record_.data(), sizeof(header));
  run->budget.Charge(header.size);
  const wire::Event* event =
      header.kind == RecordKind::kEvent
          ? DecodeEventBody(Bytes(record_).subspan(kRecordHeaderBytes, header.body_length))
          : nullptr;
  *is_of_stream = event != nullptr && run->filter.MatchesStream(event->stream()->string_view());
  return ReadStep::kOk;
}

void StreamWalk::BeginForwards(const Node& newest, uint64_t back) {
  forwards_ = newest.sequence() - back;
  end_sequence_ = newest.sequence();
  end_revision_ = newest.revision();
  record_ = std::vector<std::byte>();  // {} would keep its memory
  phase_ = Phase::kForwards;
}

ReadStep StreamWalk::TakeForwards(QueryRun* run) {
  while (forwards_ <= end_sequence_) {
    RecordHeader header;
    uint64_t position = 0;
    ReadStep step = run->source.HeaderOf(forwards_, &header, &position);
    if (step == ReadStep::kOk) {
      run->budget.Charge(kRecordHeaderBytes);
      if (header.revision != end_revision_ - (end_sequence_ - forwards_)) {
        return run->source.Fail(
            StatusCode::kCorruption,
            fmt::format("event {} has revision {} of its stream, which revision {} should be",
                        forwards_, header.revision, end_revision_ - (end_sequence_ - forwards_)));
      }
      if (run->filter.MatchesHeader(header)) {
        step = run->Take(forwards_, position, /*of_stream=*/true);
      }
    }
    if (step == ReadStep::kGone) {
      if (!NoteGone(run)) return Finish(run, taken_sequence_, true);
      forwards_ = std::clamp(run->source.oldest(), forwards_ + 1, end_sequence_ + 1);
      continue;
    }
    if (step != ReadStep::kOk) return step;
    taken_sequence_ = forwards_++;
    spent_ = run->budget.Spent() || spent_;
    const bool is_last = forwards_ > end_sequence_ && end_revision_ == top_.revision();
    if ((run->page.full() || spent_) && !is_last) return Finish(run, taken_sequence_, true);
  }
  return EndStretch(run);
}

// ---- the search ----

bool StreamWalk::IsAbove(const QueryRun& run, uint64_t sequence, uint64_t revision) const {
  if (phase_ == Phase::kStart) return sequence > run.low && revision >= run.from_revision;
  return sequence > run.high || IsTooLate(run, revision);
}

// Newest first, a page may have to begin further back.
bool StreamWalk::IsTooLate(const QueryRun& run, uint64_t revision) const {
  return run.order == Order::kNewestFirst && run.from_revision != 0 && revision > run.from_revision;
}

void StreamWalk::BeginSearch(const Node& from) {
  node_ = from;
  hot_only_ = true;
  previous_first_ = false;
}

// Jumps as long as that stays above the bound, else steps. Cold events are looked at only when the hot
// ones have not decided it, and then the nearest first: mostly it is the one.
ReadStep StreamWalk::Search(QueryRun* run) {
  while (true) {
    Node next;
    Verdict verdict = Verdict::kNotAbove;
    const RecordHeader& at = node_.header;
    if (!previous_first_ && at.jump != 0 && at.jump != at.previous) {
      const ReadStep step = Judge(run, at.jump, JumpRevision(at.revision), &next, &verdict);
      if (step != ReadStep::kOk) return step;
      if (verdict == Verdict::kAbove) {
        node_ = next;
        continue;
      }
    }
    if (at.previous == 0) {
      older_gone_ = at.revision > 1;
      return ReadStep::kOk;
    }
    const ReadStep step = Judge(run, at.previous, at.revision - 1, &next, &verdict);
    if (step != ReadStep::kOk) return step;
    previous_first_ = false;
    switch (verdict) {
      case Verdict::kAbove:
        node_ = next;
        break;
      case Verdict::kNotAbove:
        return ReadStep::kOk;
      case Verdict::kGone:
        older_gone_ = true;
        return ReadStep::kOk;
      case Verdict::kUndecided:
        hot_only_ = false;
        previous_first_ = true;
        break;
    }
  }
}

// What can be said without looking there: revisions are known, and what is older than an event at or
// before the bound is so too.
bool StreamWalk::CannotBeAbove(const QueryRun& run, uint64_t link, uint64_t revision) const {
  if (phase_ == Phase::kStart) {
    return revision < run.from_revision ||
           (run.source.IsCold(link) && run.source.IsHot(run.low + 1));
  }
  if (IsTooLate(run, revision)) return false;
  return node_.sequence() <= run.high ||
         (run.source.IsCold(link) && run.source.IsHot(run.high + 1));
}

ReadStep StreamWalk::Judge(QueryRun* run, uint64_t link, uint64_t revision, Node* node,
                           Verdict* verdict) {
  if (CannotBeAbove(*run, link, revision)) {
    *verdict = Verdict::kNotAbove;
    return ReadStep::kOk;
  }
  if (hot_only_ && run->source.IsCold(link)) {
    *verdict = Verdict::kUndecided;
    return ReadStep::kOk;
  }
  const ReadStep step = Follow(run, node_, link, revision, node);
  if (step == ReadStep::kGone) {
    *verdict = Verdict::kGone;
    return ReadStep::kOk;
  }
  if (step == ReadStep::kOk) {
    *verdict =
        IsAbove(*run, node->sequence(), node->revision()) ? Verdict::kAbove : Verdict::kNotAbove;
  }
  return step;
}

ReadStep StreamWalk::Follow(QueryRun* run, const Node& from, uint64_t link, uint64_t revision,
                            Node* node) {
  if (link >= from.position) {
    return run->source.Fail(StatusCode::kCorruption,
                            fmt::format("event {} has a link that leads forwards, to position {}",
                                        from.sequence(), link));
  }
  const ReadStep step = run->source.HeaderAt(link, &node->header);
  if (step != ReadStep::kOk) return step;
  run->budget.Charge(kRecordHeaderBytes);
  node->position = link;
  if (node->header.kind != RecordKind::kEvent || revision == 0 || node->revision() != revision ||
      node->sequence() >= from.sequence()) {
    return run->source.Fail(
        StatusCode::kCorruption,
        fmt::format("event {} has a link to position {}, where revision {} of its stream should be",
                    from.sequence(), link, revision));
  }
  return ReadStep::kOk;
}

// ---- oldest first ----

void StreamWalk::BeginStretch() {
  node_ = top_;
  preloaded_ = UINT64_MAX;
  end_revision_ = 0;
  phase_ = Phase::kStretch;
}

ReadStep StreamWalk::GoToStretch(QueryRun* run) {
  if (end_revision_ == 0) {
    const uint64_t length = run->filter.is_selective()
                                ? kCollectSelectiveMax
                                : std::min<uint64_t>(run->page.room(), kCollectMax);
    end_revision_ = std::min(top_.revision(), start_revision_ + length - 1);
  }
  while (node_.revision() > end_revision_) {
    const RecordHeader& at = node_.header;
    const uint64_t jump_revision = JumpRevision(at.revision);
    const bool jump = at.jump != 0 && jump_revision >= end_revision_;
    const uint64_t link = jump ? at.jump : at.previous;
    const uint64_t revision = jump ? jump_revision : at.revision - 1;
    Node next;
    const ReadStep step = link == 0 ? ReadStep::kGone : Follow(run, node_, link, revision, &next);
    if (step == ReadStep::kGone) {
      if (!NoteGone(run)) return Finish(run, taken_sequence_, true);
      start_revision_ = revision + 1;
      BeginStretch();
      return ReadStep::kOk;
    }
    if (step != ReadStep::kOk) return step;
    node_ = next;
  }
  bool is_dense = false;
  const uint64_t back = end_revision_ - start_revision_;
  const ReadStep step = IsDense(run, node_, back, &is_dense);
  if (step != ReadStep::kOk) return step;
  if (is_dense) {
    BeginForwards(node_, back);
    return ReadStep::kOk;
  }
  end_sequence_ = node_.sequence();
  places_.clear();
  CollectNode(*run);
  phase_ = Phase::kCollect;
  return ReadStep::kOk;
}

void StreamWalk::CollectNode(const QueryRun& run) {
  if (run.filter.MatchesHeader(node_.header)) {
    places_.push_back({node_.sequence(), node_.position});
  }
}

void StreamWalk::PreloadBefore(QueryRun* run, uint64_t count) {
  if (count == 0 || node_.revision() > preloaded_) return;
  run->source.Preload(node_.header, count);
  preloaded_ = node_.revision() - std::min({node_.revision(), count, kLinkPreloadMax});
}

ReadStep StreamWalk::Collect(QueryRun* run) {
  while (node_.revision() > start_revision_) {
    PreloadBefore(run, node_.revision() - start_revision_);
    Node next;
    const RecordHeader& at = node_.header;
    const ReadStep step = at.previous == 0
                              ? ReadStep::kGone
                              : Follow(run, node_, at.previous, at.revision - 1, &next);
    if (step == ReadStep::kGone) {
      if (!NoteGone(run)) return Finish(run, taken_sequence_, true);
      break;
    }
    if (step != ReadStep::kOk) return step;
    node_ = next;
    CollectNode(*run);
    spent_ = run->budget.Spent() || spent_;
  }
  phase_ = Phase::kTake;
  return ReadStep::kOk;
}

ReadStep StreamWalk::TakeStretch(QueryRun* run) {
  while (!places_.empty()) {
    const Place place = places_.back();
    const ReadStep step = run->Take(place.sequence, place.position, /*of_stream=*/true);
    if (step == ReadStep::kGone) {
      if (!NoteGone(run)) return Finish(run, taken_sequence_, true);
    } else if (step != ReadStep::kOk) {
      return step;
    }
    places_.pop_back();
    taken_sequence_ = place.sequence;
    spent_ = run->budget.Spent() || spent_;
    if (run->page.full() && (!places_.empty() || end_revision_ < top_.revision())) {
      return Finish(run, taken_sequence_, true);
    }
  }
  return EndStretch(run);
}

ReadStep StreamWalk::EndStretch(QueryRun* run) {
  taken_sequence_ = end_sequence_;
  if (end_revision_ == top_.revision()) return FinishAll(run);
  if (spent_) return Finish(run, taken_sequence_, true);
  start_revision_ = end_revision_ + 1;
  BeginStretch();
  return ReadStep::kOk;
}

// ---- newest first ----

ReadStep StreamWalk::TakeBack(QueryRun* run) {
  while (node_.sequence() > run->low) {
    if (!node_taken_) {
      PreloadBefore(run, run->filter.is_selective() ? kLinkPreloadMax : run->page.room() - 1);
      if (run->filter.MatchesHeader(node_.header)) {
        const ReadStep step = run->Take(node_.sequence(), node_.position, /*of_stream=*/true);
        if (step == ReadStep::kGone) {
          NoteGone(run);
          return FinishAll(run);
        }
        if (step != ReadStep::kOk) return step;
      }
      node_taken_ = true;
      taken_sequence_ = node_.sequence();
      spent_ = run->budget.Spent() || spent_;
    }
    const RecordHeader& at = node_.header;
    if (at.previous == 0 && at.revision == 1) break;
    if (run->page.full() || spent_) return Finish(run, taken_sequence_, true);
    Node next;
    const ReadStep step = at.previous == 0
                              ? ReadStep::kGone
                              : Follow(run, node_, at.previous, at.revision - 1, &next);
    if (step == ReadStep::kGone) {
      NoteGone(run);
      break;
    }
    if (step != ReadStep::kOk) return step;
    node_ = next;
    node_taken_ = false;
  }
  return FinishAll(run);
}

// ---- the end ----

// Which of the stream's events are gone nobody can tell any more, but none is older than this.
bool StreamWalk::NoteGone(QueryRun* run) {
  const bool forwards = run->order == Order::kOldestFirst;
  const uint64_t oldest = run->source.oldest();
  const uint64_t first = (forwards ? std::max(run->low, taken_sequence_) : run->low) + 1;
  const uint64_t last = std::clamp<uint64_t>(oldest, 1, run->high + 1) - 1;
  return first > last || run->page.NoteGap(first, last, oldest);
}

ReadStep StreamWalk::FinishAll(QueryRun* run) {
  return Finish(run, run->order == Order::kOldestFirst ? run->high : run->low + 1, false);
}

ReadStep StreamWalk::Finish(QueryRun* run, uint64_t next, bool more) {
  run->page.Finish(next, more);
  phase_ = Phase::kFinished;
  return ReadStep::kOk;
}

}  // namespace roost
