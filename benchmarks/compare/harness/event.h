// The event of every comparison: 256 bytes that say who published them, as which, and when, with a sum over all of
// it. Whoever is handed one checks it; a failed check ends the process, and with it the run.
#ifndef ROOST_BENCHMARKS_COMPARE_HARNESS_EVENT_H_
#define ROOST_BENCHMARKS_COMPARE_HARNESS_EVENT_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "base/histogram.h"

namespace roost::compare {

inline constexpr uint32_t kPublishersMax = 1024;

struct Event {
  uint64_t sum = 0;
  uint32_t publisher = 0;
  uint32_t stream = 0;
  uint64_t number = 0;   // of this publisher in this stream, from 0 on
  uint64_t sent_ns = 0;  // CLOCK_MONOTONIC
  uint64_t filler[28] = {};

  uint64_t Sum() const {
    uint64_t words[sizeof(Event) / 8];
    std::memcpy(words, this, sizeof(Event));
    uint64_t total = 0;
    for (size_t i = 1; i < sizeof(Event) / 8; ++i) {
      total += words[i] * (0x9e3779b97f4a7c15ull + 2 * i);
    }
    return total;
  }
  // Call it last: it makes the event one that passes a check.
  void Seal() {
    filler[number % 28] = number;
    sum = Sum();
  }
};
static_assert(sizeof(Event) == 256);

// What events that were read are handed to, in the order in which they were read.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void See(const void* data, size_t size) = 0;

 protected:
  // A copy of what is a whole, undamaged event.
  static Event Checked(const void* data, size_t size) {
    ROOST_CHECK(size == sizeof(Event), "an event of {} bytes", size);
    Event event;
    std::memcpy(&event, data, sizeof(event));
    ROOST_CHECK(event.sum == event.Sum(), "a damaged event of publisher {}", event.publisher);
    ROOST_CHECK(event.publisher < kPublishersMax);
    return event;
  }
};

// Nothing lost, nothing twice, each publisher's events in its order.
class OrderCheck final : public EventSink {
 public:
  // kTail: older events may be gone, the first that is seen of a publisher may be any.
  enum class Begins { kAtZero, kTail };
  explicit OrderCheck(Begins begins = Begins::kAtZero, Histogram* latency = nullptr)
      : begins_(begins), latency_(latency), next_(kPublishersMax) {}

  void See(const void* data, size_t size) override {
    const uint64_t now = latency_ != nullptr ? MonotonicNs() : 0;
    const Event event = Checked(data, size);
    uint64_t& next = next_[event.publisher];
    if (begins_ == Begins::kTail && next == 0) next = event.number;
    ROOST_CHECK(event.number == next, "publisher {}: event {} where {} had to come",
                event.publisher, event.number, next);
    ++next;
    ++seen_;
    if (latency_ != nullptr && event.number >= kWarmUp) latency_->Record(now - event.sent_ns);
  }

  uint64_t seen() const { return seen_; }
  // The number that the publisher's next event must have.
  uint64_t next(uint32_t publisher) const { return next_[publisher]; }

  static constexpr uint64_t kWarmUp = 100;  // so many events are not timed

 private:
  const Begins begins_;
  Histogram* const latency_;
  std::vector<uint64_t> next_;
  uint64_t seen_ = 0;
};

// Keeps them, to be looked at.
class EventCollector final : public EventSink {
 public:
  void See(const void* data, size_t size) override { events.push_back(Checked(data, size)); }
  std::vector<Event> events;
};

}  // namespace roost::compare

#endif  // ROOST_BENCHMARKS_COMPARE_HARNESS_EVENT_H_
