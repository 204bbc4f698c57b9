#include "tools/monitor/history.h"

#include "base/check.h"

namespace roost {

History::History(size_t capacity) : capacity_(capacity) { ROOST_CHECK(capacity > 0); }

void History::Add(const Overview& overview) {
  if (overviews_.size() == capacity_) overviews_.pop_front();
  overviews_.push_back(overview);
}

const Overview& History::operator[](size_t index) const {
  ROOST_CHECK(index < overviews_.size(), "{} of {}", index, overviews_.size());
  return overviews_[index];
}

}  // namespace roost
