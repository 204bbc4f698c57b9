#include "broker/sla/latency_window.h"

#include "base/check.h"
#include "base/histogram.h"

namespace roost {
namespace {

// The first bucket whose middle is not below the target: so a quantile that is shown below it is one that counts as good.
size_t GoodEnd(uint64_t target_ns) {
  const size_t bucket = Histogram::IndexOf(target_ns);
  return Histogram::MiddleOf(bucket) < target_ns ? bucket + 1 : bucket;
}

// Both sorted.
void MergeInto(BucketCounts* to, const BucketCounts& more) {
  BucketCounts merged;
  merged.reserve(to->size() + more.size());
  size_t i = 0;
  for (const BucketCount& next : more) {
    while (i < to->size() && (*to)[i].bucket < next.bucket) merged.push_back((*to)[i++]);
    merged.push_back(next);
    if (i < to->size() && (*to)[i].bucket == next.bucket) merged.back().count += (*to)[i++].count;
  }
  merged.insert(merged.end(), to->begin() + static_cast<std::ptrdiff_t>(i), to->end());
  *to = std::move(merged);
}

}  // namespace

LatencyWindow::LatencyWindow(uint64_t window_ns, uint64_t target_ns)
    : step_ns_(StepOf(window_ns)),
      steps_((window_ns + step_ns_ - 1) / step_ns_),
      short_steps_(std::max<uint64_t>(ShortWindowOf(window_ns) / step_ns_, 1)),
      good_end_(GoodEnd(target_ns)),
      whole_(Histogram::kBuckets) {}

void LatencyWindow::Add(uint64_t now_ns, const BucketCounts& more) {
  SlideTo(now_ns);
  if (more.empty()) return;
  const uint64_t index = IndexAt(now_ns);
  if (kept_.empty() || kept_.back().index != index) kept_.push_back({index, {}, {}});
  Step& step = kept_.back();
  for (const auto& [bucket, count] : more) {
    whole_[bucket] += count;
    step.tally.total += count;
    tally_.total += count;
    if (bucket >= good_end_) continue;
    step.tally.good += count;
    tally_.good += count;
  }
  MergeInto(&step.counts, more);
}

void LatencyWindow::SlideTo(uint64_t now_ns) {
  while (!kept_.empty() && kept_.front().index + steps_ <= IndexAt(now_ns)) {
    const Step& gone = kept_.front();
    for (const auto& [bucket, count] : gone.counts) whole_[bucket] -= count;
    tally_.total -= gone.tally.total;
    tally_.good -= gone.tally.good;
    kept_.pop_front();
  }
}

Tally LatencyWindow::Recent(uint64_t now_ns) const {
  Tally recent;
  for (auto step = kept_.rbegin(); step != kept_.rend(); ++step) {
    if (step->index + short_steps_ <= IndexAt(now_ns)) break;
    recent.total += step->tally.total;
    recent.good += step->tally.good;
  }
  return recent;
}

uint64_t LatencyWindow::NextSlideNs() const {
  return kept_.empty() ? UINT64_MAX : (kept_.front().index + steps_) * step_ns_;
}

}  // namespace roost
