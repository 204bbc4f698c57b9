// A row of the counters file, written anew by the steps of ipc/counters_format.h. The row's one thread.
#ifndef ROOST_BROKER_COUNTERS_ROW_H_
#define ROOST_BROKER_COUNTERS_ROW_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace roost {

// Steps 1 to 3 of the writer. `to`: the row in the file. `version`: even, and larger than ever before in this row; the one in
// `words` does not count.
template <typename Row>
void WriteCountersRow(std::byte* to, uint64_t version, const Row& words) {
  static_assert(offsetof(Row, version) == 0 && sizeof(Row) % 8 == 0);
  StoreWordRelaxed(to, version - 1);
  std::atomic_thread_fence(std::memory_order_release);
  CopyWordsToShared(to + 8, reinterpret_cast<const std::byte*>(&words) + 8, sizeof(words) - 8);
  std::atomic_ref(*reinterpret_cast<uint64_t*>(to)).store(version, std::memory_order_release);
}

}  // namespace roost

#endif  // ROOST_BROKER_COUNTERS_ROW_H_
