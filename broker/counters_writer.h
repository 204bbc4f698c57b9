// The counters file (ipc/counters_format.h), made anew by each broker. Each counter and each histogram has
// one thread of the broker that writes it; where which one does is said by the thread's class.
#ifndef ROOST_BROKER_COUNTERS_WRITER_H_
#define ROOST_BROKER_COUNTERS_WRITER_H_

#include <memory>
#include <string>

#include "base/mapping.h"
#include "base/status.h"
#include "ipc/counters_format.h"
#include "log/log_writer.h"
#include "log/ring_format.h"

namespace roost {

struct CountersIdentity {
  const uint8_t* log_id = nullptr;  // 16 bytes
  Durability durability = Durability::kProcess;
  std::string data_directory;  // empty: none
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
    auto& value = Value(counter);
    value.store(value.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }
  void Set(Counter counter, uint64_t value) {
    Value(counter).store(value, std::memory_order_relaxed);
  }
  void Record(Latency latency, uint64_t ns) {
    histograms_[static_cast<size_t>(latency)].Record(ns);
  }

  // The thread of kDegraded, which is set as well.
  void SetDegraded(const Degradation& degradation);

  // Any thread.
  uint64_t Get(Counter counter) { return Value(counter).load(std::memory_order_relaxed); }

 private:
  explicit CountersWriter(Mapping mapping);

  std::atomic<uint64_t>& Value(Counter counter) { return values_[static_cast<size_t>(counter)]; }

  Mapping mapping_;
  std::atomic<uint64_t>* values_;
  Histogram* histograms_;
};

}  // namespace roost

#endif  // ROOST_BROKER_COUNTERS_WRITER_H_
