#include "log/ring_condenser.h"

#include "log/ring_format.h"

namespace roost {

RingCondenser::RingCondenser(const Mapping& ring)
    : ring_(ring), done_(ring.size() / Mapping::kHugePage) {}

bool RingCondenser::IsFilled(size_t part) const {
  const size_t begin = part * Mapping::kHugePage;
  // Most regions are filled from front to back: the last page alone says no quickly.
  return ring_.IsResident(begin + Mapping::kHugePage - kRingPage, kRingPage) &&
         ring_.IsResident(begin, Mapping::kHugePage);
}

bool RingCondenser::Step() {
  while (next_ < done_.size()) {
    const size_t part = next_++;
    if (done_[part] || !IsFilled(part)) continue;
    switch (ring_.Collapse(part * Mapping::kHugePage)) {
      case Mapping::Collapsed::kDone:
        done_[part] = true;
        return true;
      case Mapping::Collapsed::kNotNow:
        if (++failures_ < kFailuresMax) return true;
        [[fallthrough]];
      case Mapping::Collapsed::kNever:
        done_.clear();
        return false;
    }
  }
  next_ = 0;
  return false;
}

}  // namespace roost
