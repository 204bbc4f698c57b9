// A word that counts: one thread alone adds to it, any other reads it.
#ifndef ROOST_BASE_ONE_WRITER_H_
#define ROOST_BASE_ONE_WRITER_H_

#include <atomic>
#include <cstdint>

namespace roost {

// A relaxed load and a relaxed store, and no locked instruction, which would cost ten times as much. The writer alone.
inline void AddByOneWriter(std::atomic<uint64_t>& word, uint64_t more) {
#if defined(__x86_64__) && !defined(__clang__) && !defined(__SANITIZE_THREAD__) && \
    !defined(__SANITIZE_ADDRESS__)
  // gcc makes three instructions of the two, clang this one.
  asm("addq %1, %0" : "+m"(word) : "re"(more) : "cc");
#else
  word.store(word.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
#endif
}

}  // namespace roost

#endif  // ROOST_BASE_ONE_WRITER_H_
