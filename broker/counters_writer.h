// The counters file (ipc/counters_format.h), made anew by each broker. Each counter and each histogram has
// one thread of the broker that writes it; which one is said by the thread's class. Requests, refusals, rows and the beat
// are the sequencer's.
//
// With the build option ROOST_NO_COUNTERS nothing is counted, to measure what counting costs (docs/performance.md).
#ifndef ROOST_BROKER_COUNTERS_WRITER_H_
#define ROOST_BROKER_COUNTERS_WRITER_H_

#include <memory>
#include <string>

#include "base/mapping.h"
#include "base/status.h"
#include "broker/group_counters.h"
#include "broker/monitor_counters.h"
#include "broker/session_counters.h"
#include "ipc/counters_format.h"
#include "log/log_writer.h"
#include "log/ring_format.h"

namespace roost {

#ifdef ROOST_NO_COUNTERS
inline constexpr bool kCounting = false;
#else
inline constexpr bool kCounting = true;
#endif

struct CountersIdentity {
  const uint8_t* log_id = nullptr;  // 16 bytes
  Durability durability = Durability::kProcess;
  std::string data_directory;  // empty: none
  uint64_t segment_bytes = 0;  // 0: no journal
};

class CountersWriter {
 public:
  // Writes the file under another name and renames it to `path`, so that nobody sees half of it. Its space
  // is reserved: a store never fails for want of room.
  static Result<CountersWriter> Create(const std::string& path, const CountersIdentity& identity);

  CountersWriter(CountersWriter&&) noexcept = default;
  CountersWriter& operator=(CountersWriter&&) noexcept = default;

  // The counter's one thread.
  void Add(Counter counter, uint64_t more = 1) {
    if constexpr (kCounting) AddTo(values_[static_cast<size_t>(counter)], more);
  }
  void Set(Counter counter, uint64_t value) {
    if constexpr (kCounting) {
      values_[static_cast<size_t>(counter)].store(value, std::memory_order_relaxed);
    }
  }
  void Record(Latency latency, uint64_t ns) {
    if constexpr (kCounting) latencies_[static_cast<size_t>(latency)].Record(ns);
  }
  // Most are small.
  void Record(Size size, uint64_t count) {
    if constexpr (!kCounting) return;
    const size_t bucket = count < Histogram::kExactBelow ? count : Histogram::IndexOf(count);
    sizes_[static_cast<size_t>(size)].Add(bucket, 1);
  }
  // A histogram that somebody else has made: so many more in one of its buckets.
  void Merge(Latency latency, size_t bucket, uint32_t count) {
    if constexpr (kCounting) latencies_[static_cast<size_t>(latency)].Add(bucket, count);
  }

  // The sequencer.
  void CountRequest(RequestKind kind) {
    if constexpr (kCounting) AddTo(requests_[static_cast<size_t>(kind)], 1);
  }
  void CountRefused(size_t reason) {
    if constexpr (kCounting) AddTo(refused_[reason < kRefusalReasonCount ? reason : 0], 1);
  }
  void SetBeat(Doing doing, uint64_t now_ns) {
    if constexpr (kCounting) beat_->store(BeatOf(doing, now_ns), std::memory_order_relaxed);
  }
  // A commit that succeeded: so much was in it.
  void CountCommit(uint64_t events, uint64_t batches, uint64_t record_bytes) {
    if constexpr (!kCounting) return;
    Word* const values = values_;  // the compiler would load it again behind each store
    AddTo(values[static_cast<size_t>(Counter::kCommits)], 1);
    AddTo(values[static_cast<size_t>(Counter::kEventsAppended)], events);
    AddTo(values[static_cast<size_t>(Counter::kBatchesAppended)], batches);
    AddTo(values[static_cast<size_t>(Counter::kBytesAppended)], record_bytes);
    Record(Size::kEventsPerCommit, events);
  }
  SessionCountersWriter& sessions() { return sessions_; }
  GroupCountersWriter& groups() { return groups_; }
  // The monitor.
  MonitorCountersWriter& monitor() { return monitor_; }

  // The thread of kDegraded, which is set as well.
  void SetDegraded(const Degradation& degradation);

  // Any thread.
  uint64_t Get(Counter counter) {
    return values_[static_cast<size_t>(counter)].load(std::memory_order_relaxed);
  }
  // CLOCK_REALTIME; 0: it is not degraded.
  uint64_t degraded_since_ns() const;
  uint64_t GetRefused(size_t reason) const {
    return refused_[reason].load(std::memory_order_relaxed);
  }
  const Histogram& Get(Latency latency) const { return latencies_[static_cast<size_t>(latency)]; }
  // As SetBeat was given it.
  SequencerBeat GetBeat() const { return BeatIn(beat_->load(std::memory_order_relaxed)); }

 private:
  using Word = std::atomic<uint64_t>;

  explicit CountersWriter(Mapping mapping);

  static void AddTo(Word& word, uint64_t more) {
    word.store(word.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }

  bool degraded_ = false;
  Mapping mapping_;
  Word* values_;
  Word* requests_;
  Word* refused_;
  Word* beat_;
  Histogram* latencies_;
  Histogram* sizes_;
  SessionCountersWriter sessions_;
  GroupCountersWriter groups_;
  MonitorCountersWriter monitor_;
};

}  // namespace roost

#endif  // ROOST_BROKER_COUNTERS_WRITER_H_
