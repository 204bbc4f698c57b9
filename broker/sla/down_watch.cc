#include "broker/sla/down_watch.h"

#include <utility>

#include "base/histogram.h"

namespace roost {

void DownWatch::Look(const BrokerSigns& signs, const BucketCounts& writes, DownTimes* down) {
  const auto now = static_cast<int64_t>(signs.now_ns);
  is_down_ = false;
  const auto add_since = [&](int64_t begin_ns) {
    down->Add({begin_ns, now});
    is_down_ = true;
  };
  const int64_t to_monotonic = now - static_cast<int64_t>(signs.wall_ns);
  for (const uint64_t since_ns : {signs.degraded_since_ns, signs.disk_full_since_ns}) {
    if (since_ns != 0) add_since(static_cast<int64_t>(since_ns) + to_monotonic);
  }
  const bool is_busy = signs.beat.doing == Doing::kWorking || signs.beat.doing == Doing::kWriting;
  if (is_busy && signs.now_ns > signs.beat.at_ns + kPatienceNs) {
    add_since(static_cast<int64_t>(signs.beat.at_ns));
  }
  // What has ended since the last look.
  for (const BucketCount& write : writes) {
    const uint64_t took_ns = Histogram::MiddleOf(write.bucket);
    if (took_ns > kPatienceNs) down->Add({now - static_cast<int64_t>(took_ns), now});
  }
  if (signs.due_ns != 0 && signs.now_ns > signs.due_ns + kPatienceNs) {
    down->Add({static_cast<int64_t>(signs.due_ns), now});
  }
  if (std::exchange(refused_, signs.refused) != signs.refused && !is_down_) {
    down->Add({now - static_cast<int64_t>(kLookNs), now});
  }
}

}  // namespace roost
