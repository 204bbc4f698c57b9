// Steps 2 and 3 of a reader of the ring (log/ring_format.h), where a reader can lose its race: a
// function of its own, so that a test can put the writer between the two.
#ifndef ROOST_LOG_RING_COPY_H_
#define ROOST_LOG_RING_COPY_H_

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "base/bytes.h"

namespace roost {

// The records region of a mapped ring. The mapping outlives it.
struct RingRecords {
  const std::byte* data;
  uint64_t size;  // a power of two
  const std::atomic<uint64_t>* reclaimed;
};

// Copies [position, position + size) out, around the end of the region if need be. False: it may be
// torn. `between` runs after the copy and before the check. REQUIRES: position and size are multiples
// of 8, size <= records.size.
template <typename Between>
bool CopyIntact(const RingRecords& records, uint64_t position, std::byte* to, uint64_t size,
                Between between) {
  const uint64_t offset = position & (records.size - 1);
  const uint64_t first = std::min(size, records.size - offset);
  CopyWordsFromShared(to, records.data + offset, first);  // step 2
  CopyWordsFromShared(to + first, records.data, size - first);
  std::atomic_thread_fence(std::memory_order_acquire);
  between();
  return position >= records.reclaimed->load(std::memory_order_relaxed);  // step 3
}

inline bool CopyIntact(const RingRecords& records, uint64_t position, std::byte* to,
                       uint64_t size) {
  return CopyIntact(records, position, to, size, [] {});
}

}  // namespace roost

#endif  // ROOST_LOG_RING_COPY_H_
