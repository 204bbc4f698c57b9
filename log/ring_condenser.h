// Puts the filled parts of the ring into huge pages, so that who reads all over it waits less for address
// translation and needs next to no page tables: 8 bytes for 2 MiB instead of 4 KiB. A million streams have 90
// MiB of tables and names alone, and each shim would have 180 KiB of page tables for them.
//
// Only parts of which every page is in use: so it takes no memory that was not taken already. Each is done
// once; a process that touches one in that moment waits about 2 ms. Where the kernel has no huge pages for a
// memfd it gives up.
//
// One thread, any. The ring outlives it.
#ifndef ROOST_LOG_RING_CONDENSER_H_
#define ROOST_LOG_RING_CONDENSER_H_

#include <cstddef>
#include <vector>

#include "base/mapping.h"

namespace roost {

class RingCondenser {
 public:
  explicit RingCondenser(const Mapping& ring);

  // Condenses one part. False: there is none left that is filled and was not tried in this round; the next
  // call begins a new round. Costs a system call for each part that is not done, when there is nothing to do.
  bool Step();

 private:
  static constexpr int kFailuresMax = 64;  // then it gives up

  bool IsFilled(size_t part) const;

  const Mapping& ring_;
  std::vector<bool> done_;  // by part of Mapping::kHugePage; empty: given up
  size_t next_ = 0;
  int failures_ = 0;
};

}  // namespace roost

#endif  // ROOST_LOG_RING_CONDENSER_H_
