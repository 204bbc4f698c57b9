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
#include "base/one_writer.h"
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
    if constexpr (kCounting) AddByOneWriter(ValueOf(counter), more);
  }
  void Set(Counter counter, uint64_t value) {
    if constexpr (kCounting) ValueOf(counter).store(value, std::memory_order_relaxed);
  }
  void Record(Latency latency, uint64_t ns) {
    if constexpr (kCounting) HistogramOf(latency).Record(ns);
  }
  // Most are small.
  void Record(Size size, uint64_t count) {
    if constexpr (kCounting) RecordIn(file_, size, count);
  }
  // A histogram that somebody else has made: so many more in one of its buckets.
  void Merge(Latency latency, size_t bucket, uint32_t count) {
    if constexpr (kCounting) HistogramOf(latency).Add(bucket, count);
  }

  // The sequencer.
  void CountRequest(RequestKind kind) {
    if constexpr (!kCounting) return;
    std::byte* const file = file_;
    AddByOneWriter(ValueIn(file, Counter::kRequests), 1);
    AddByOneWriter(ElementIn<Section::kRequests>(file, static_cast<size_t>(kind)), 1);
  }
  void CountRefused(size_t reason) {
    if constexpr (kCounting) AddByOneWriter(RefusedFor(reason < kRefusalReasonCount ? reason : 0), 1);
  }
  void SetBeat(Doing doing, uint64_t now_ns) {
    if constexpr (kCounting) Beat().store(BeatOf(doing, now_ns), std::memory_order_relaxed);
  }
  // A commit that succeeded: so much was in it.
  void CountCommit(uint64_t events, uint64_t batches, uint64_t record_bytes) {
    if constexpr (!kCounting) return;
    std::byte* const file = file_;  // the compiler would load it again behind each store
    AddByOneWriter(ValueIn(file, Counter::kCommits), 1);
    AddByOneWriter(ValueIn(file, Counter::kEventsAppended), events);
    AddByOneWriter(ValueIn(file, Counter::kBatchesAppended), batches);
    AddByOneWriter(ValueIn(file, Counter::kBytesAppended), record_bytes);
    RecordIn(file, Size::kEventsPerCommit, events);
  }
  // The journal was written, or that failed, in this time.
  void CountWrite(uint64_t begin_ns, uint64_t end_ns) {
    if constexpr (!kCounting) return;
    std::byte* const file = file_;
    BeatWordIn(file).store(BeatOf(Doing::kWorking, end_ns), std::memory_order_relaxed);
    HistogramIn(file, Latency::kJournalWrite).Record(end_ns - begin_ns);
  }
  // How long a request took, for all and for its session's row.
  void CountAnswer(SessionCountersWriter::Row* row, RequestKind kind, uint64_t ns) {
    if (!kCounting || !HasLatency(kind)) return;
    const bool is_append = kind == RequestKind::kAppend;
    const size_t bucket = Histogram::IndexOf(ns);
    HistogramOf(LatencyOf(kind)).Add(bucket, 1);
    sessions_.Record(row, is_append ? SessionLatency::kAppends : SessionLatency::kRequests, bucket);
  }
  SessionCountersWriter& sessions() { return sessions_; }
  GroupCountersWriter& groups() { return groups_; }
  // The monitor.
  MonitorCountersWriter& monitor() { return monitor_; }

  // The thread of kDegraded, which is set as well.
  void SetDegraded(const Degradation& degradation);

  // Any thread.
  uint64_t Get(Counter counter) { return ValueOf(counter).load(std::memory_order_relaxed); }
  // CLOCK_REALTIME; 0: it is not degraded.
  uint64_t degraded_since_ns() const;
  uint64_t GetRefused(size_t reason) const {
    return RefusedFor(reason).load(std::memory_order_relaxed);
  }
  const Histogram& Get(Latency latency) const { return HistogramOf(latency); }
  // As SetBeat was given it.
  SequencerBeat GetBeat() const { return BeatIn(Beat().load(std::memory_order_relaxed)); }

 private:
  using Word = std::atomic<uint64_t>;

  explicit CountersWriter(Mapping mapping);

  // Where all is, from one address on: this is done several times with every request.
  template <Section section, typename Element = Word>
  static Element& ElementIn(std::byte* file, size_t index) {
    constexpr size_t kOffset = PlaceOf(section).offset;
    return *reinterpret_cast<Element*>(file + kOffset + index * sizeof(Element));
  }
  static Word& ValueIn(std::byte* file, Counter counter) {
    return ElementIn<Section::kCounters>(file, static_cast<size_t>(counter));
  }
  Word& ValueOf(Counter counter) const { return ValueIn(file_, counter); }
  Word& RefusedFor(size_t reason) const { return ElementIn<Section::kRefused>(file_, reason); }
  static Word& BeatWordIn(std::byte* file) {
    return *reinterpret_cast<Word*>(file + offsetof(CountersHeader, beat));
  }
  Word& Beat() const { return BeatWordIn(file_); }
  static Histogram& HistogramIn(std::byte* file, Latency latency) {
    return ElementIn<Section::kLatencies, Histogram>(file, static_cast<size_t>(latency));
  }
  Histogram& HistogramOf(Latency latency) const { return HistogramIn(file_, latency); }
  static void RecordIn(std::byte* file, Size size, uint64_t count) {
    const size_t bucket = count < Histogram::kExactBelow ? count : Histogram::IndexOf(count);
    ElementIn<Section::kSizes, Histogram>(file, static_cast<size_t>(size)).Add(bucket, 1);
  }

  bool degraded_ = false;
  Mapping mapping_;
  std::byte* file_;
  SessionCountersWriter sessions_;
  GroupCountersWriter groups_;
  MonitorCountersWriter monitor_;
};

}  // namespace roost

#endif  // ROOST_BROKER_COUNTERS_WRITER_H_
