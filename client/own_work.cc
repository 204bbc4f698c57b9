#include "client/own_work.h"

#include <algorithm>
#include <limits>

#include "base/histogram.h"
#include "ipc/protocol.h"

namespace roost {
namespace {

uint32_t KeyOf(const wire::WorkDuration& duration) {
  return static_cast<uint32_t>(duration.work()) << 16 | duration.bucket();
}

}  // namespace

void OwnWork::Record(ClientWork work, uint64_t began_ns, uint64_t ended_ns) {
  const uint64_t took_ns = ended_ns > began_ns ? ended_ns - began_ns : 0;
  const wire::WorkDuration one(static_cast<uint16_t>(Histogram::IndexOf(took_ns)), work, 1);
  since_ns_ = std::min(since_ns_, ended_ns);
  const auto at = std::ranges::lower_bound(durations_, KeyOf(one), {}, KeyOf);
  if (at != durations_.end() && KeyOf(*at) == KeyOf(one)) {
    if (at->count() == std::numeric_limits<uint32_t>::max()) {
      ++lost_;
    } else {
      *at = wire::WorkDuration(at->bucket(), work, at->count() + 1);
    }
  } else if (durations_.size() < kReportDurationsMax) {
    durations_.insert(at, one);
  } else {
    ++lost_;
  }
}

void OwnWork::Clear() {
  const uint64_t read_to = read_to_;
  *this = OwnWork();
  read_to_ = read_to;
}

}  // namespace roost
