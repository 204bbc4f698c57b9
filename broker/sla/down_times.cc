#include "broker/sla/down_times.h"

#include <algorithm>

namespace roost {

void DownTimes::Add(DownTime interval) {
  if (interval.end_ns <= interval.begin_ns) return;
  const auto first = std::ranges::find_if(
      intervals_, [&](const DownTime& one) { return one.end_ns >= interval.begin_ns; });
  auto last = first;
  for (; last != intervals_.end() && last->begin_ns <= interval.end_ns; ++last) {
    interval.begin_ns = std::min(interval.begin_ns, last->begin_ns);
    interval.end_ns = std::max(interval.end_ns, last->end_ns);
  }
  intervals_.insert(intervals_.erase(first, last), interval);
  if (intervals_.size() <= kIntervalsMax) return;
  size_t closest = 1;
  const auto gap = [this](size_t i) { return intervals_[i].begin_ns - intervals_[i - 1].end_ns; };
  for (size_t i = 2; i < intervals_.size(); ++i) {
    if (gap(i) < gap(closest)) closest = i;
  }
  intervals_[closest - 1].end_ns = intervals_[closest].end_ns;
  intervals_.erase(intervals_.begin() + static_cast<std::ptrdiff_t>(closest));
}

void DownTimes::ForgetBefore(int64_t ns) {
  std::erase_if(intervals_, [ns](const DownTime& one) { return one.end_ns <= ns; });
}

uint64_t DownTimes::Within(int64_t begin_ns, int64_t end_ns) const {
  int64_t sum = 0;
  for (const DownTime& one : intervals_) {
    sum += std::max<int64_t>(
        std::min(one.end_ns, end_ns) - std::max(one.begin_ns, begin_ns), 0);
  }
  return static_cast<uint64_t>(sum);
}

}  // namespace roost
