// The last intervals of a broker, oldest first, for sparklines and charts. Bounded. One thread.
#ifndef ROOST_TOOLS_MONITOR_HISTORY_H_
#define ROOST_TOOLS_MONITOR_HISTORY_H_

#include <cstddef>
#include <deque>

#include "tools/monitor/interval.h"

namespace roost {

class History {
 public:
  static constexpr size_t kTenMinutes = 600;  // of one interval a second

  // REQUIRES: capacity > 0.
  explicit History(size_t capacity = kTenMinutes);

  void Add(const Overview& overview);

  size_t size() const { return overviews_.size(); }
  bool empty() const { return overviews_.empty(); }
  size_t capacity() const { return capacity_; }
  // 0 is the oldest. REQUIRES: index < size(). Valid until the next Add.
  const Overview& operator[](size_t index) const;
  auto begin() const { return overviews_.begin(); }
  auto end() const { return overviews_.end(); }

 private:
  size_t capacity_;
  std::deque<Overview> overviews_;
};

}  // namespace roost

#endif  // ROOST_TOOLS_MONITOR_HISTORY_H_
