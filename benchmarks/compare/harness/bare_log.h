// A log in shared memory with nothing to it: a ring of 64 MiB, one writer, readers that copy. It is what bare
// sequencers and peers without a store of their own keep events in. The newest 262,144 can be read.
#ifndef ROOST_BENCHMARKS_COMPARE_HARNESS_BARE_LOG_H_
#define ROOST_BENCHMARKS_COMPARE_HARNESS_BARE_LOG_H_

#include <atomic>
#include <span>

#include "benchmarks/compare/harness/event.h"

namespace roost::compare {

struct BareLog {
  static constexpr uint64_t kEvents = 1 << 18;

  // The one writer. Returns the number of events that the log has been given.
  uint64_t Append(std::span<const Event> events) {
    const uint64_t first = head.load(std::memory_order_relaxed);
    for (size_t i = 0; i < events.size(); ++i) ring[(first + i) % kEvents] = events[i];
    head.store(first + events.size(), std::memory_order_release);
    return first + events.size();
  }

  // Hands on all from `*position` on, and moves it. REQUIRES: the writer does not overwrite them meanwhile.
  void ReadOn(uint64_t* position, EventSink* sink) const {
    const uint64_t end = head.load(std::memory_order_acquire);
    ROOST_CHECK(end - *position <= kEvents, "a reader was overtaken");
    for (; *position < end; ++*position) sink->See(&ring[*position % kEvents], sizeof(Event));
  }

  uint64_t oldest() const {
    const uint64_t end = head.load(std::memory_order_acquire);
    return end > kEvents ? end - kEvents : 0;
  }

  alignas(64) std::atomic<uint64_t> head{0};
  alignas(64) std::atomic<uint32_t> wakes{0};  // readers that sleep do so on this one
  alignas(64) std::atomic<uint32_t> sleepers{0};
  alignas(64) Event ring[kEvents];
};

}  // namespace roost::compare

#endif  // ROOST_BENCHMARKS_COMPARE_HARNESS_BARE_LOG_H_
