// When leases end, by CLOCK_MONOTONIC. Sequencer thread. 112 bytes a lease.
#ifndef ROOST_BROKER_GROUPS_LEASE_TIMERS_H_
#define ROOST_BROKER_GROUPS_LEASE_TIMERS_H_

#include <cstdint>
#include <set>
#include <unordered_map>
#include <utility>

namespace roost {

class LeaseTimers {
 public:
  // REQUIRES: the lease has none.
  void Start(uint64_t lease, uint64_t deadline_ns) {
    deadlines_.emplace(lease, deadline_ns);
    order_.emplace(deadline_ns, lease);
  }
  // Its deadline; 0: it had none.
  uint64_t Stop(uint64_t lease) {
    const auto found = deadlines_.find(lease);
    if (found == deadlines_.end()) return 0;
    const uint64_t deadline_ns = found->second;
    order_.erase({deadline_ns, lease});
    deadlines_.erase(found);
    return deadline_ns;
  }

  uint64_t NextNs() const { return order_.empty() ? UINT64_MAX : order_.begin()->first; }
  // The one that ends first. REQUIRES: NextNs() is not UINT64_MAX.
  uint64_t First() const { return order_.begin()->second; }

 private:
  std::unordered_map<uint64_t, uint64_t> deadlines_;
  std::set<std::pair<uint64_t, uint64_t>> order_;
};

}  // namespace roost

#endif  // ROOST_BROKER_GROUPS_LEASE_TIMERS_H_
