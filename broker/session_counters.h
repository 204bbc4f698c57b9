// The rows of sessions in the counters file (ipc/counters_format.h): who is attached, what each has asked for and how long it
// took. A session has a row while it is attached, if one of kSessionRowCount is free; without one nothing is counted for it
// alone. Its durations have as many chunks as they need, up to kChunksPerKindMax and as long as there are any; those that
// find none are counted as such.
//
// What is in the file is written and never read back: where rows and chunks are is known from memory of the broker's own, so
// that nobody who changes the file leads it astray. Sequencer thread. 260 KiB.
#ifndef ROOST_BROKER_SESSION_COUNTERS_H_
#define ROOST_BROKER_SESSION_COUNTERS_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "ipc/counters_format.h"

namespace roost {

inline constexpr uint32_t kNoCountersRow = UINT32_MAX;

class SessionCountersWriter {
 public:
  struct Identity {
    uint64_t session = 0;
    uint64_t attached_ns = 0;  // CLOCK_REALTIME
    uint32_t uid = 0;
    uint32_t pid = 0;
    std::string_view agent;
  };

  // `counters`, `rows` and `chunks` are those sections of the file, which outlives this.
  SessionCountersWriter(std::byte* counters, std::byte* rows, std::byte* chunks);

  // A row for the session; kNoCountersRow, which all functions take and ignore: there is none free.
  uint32_t Begin(const Identity& identity);
  void End(uint32_t row);

  void Add(uint32_t row, SessionCounter counter, uint64_t more = 1) {
    if (row == kNoCountersRow) return;
    std::byte* const word = WordOf(row, counter);
    StoreWordRelaxed(word, LoadWordRelaxed(word) + more);
  }
  void Set(uint32_t row, SessionCounter counter, uint64_t value) {
    if (row != kNoCountersRow) StoreWordRelaxed(WordOf(row, counter), value);
  }
  // `count` more in a bucket of Histogram.
  void Record(uint32_t row, SessionLatency kind, size_t bucket, uint32_t count = 1) {
    if (row == kNoCountersRow) return;
    const Chunk& first = held_[row].chunks[static_cast<size_t>(kind)].front();
    if (first.number == bucket / kChunkBuckets) {
      AddTo(first, bucket, count);
    } else {
      RecordInOther(row, kind, bucket, count);
    }
  }

 private:
  static constexpr uint16_t kNoNumber = UINT16_MAX;
  struct Chunk {
    uint16_t number = kNoNumber;  // which buckets it has
    uint16_t place = 0;           // in the file's section
  };
  struct Held {
    std::array<uint8_t, kSessionLatencyCount> counts{};
    // What is asked for often moves to the front; the row in the file has them in the order in which they came.
    // Behind the last, and where there is none, is kNoNumber.
    std::array<std::array<Chunk, kChunksPerKindMax>, kSessionLatencyCount> chunks;
  };

  std::byte* WordOf(uint32_t row, SessionCounter counter) {
    return rows_ + row * sizeof(SessionRow) + offsetof(SessionRow, counters) +
           8 * static_cast<size_t>(counter);
  }
  void AddTo(const Chunk& chunk, size_t bucket, uint32_t count) {
    auto& word = chunks_[chunk.place].counts[bucket % kChunkBuckets];
    const uint32_t before = word.load(std::memory_order_relaxed);
    const uint32_t room = std::numeric_limits<uint32_t>::max() - before;
    word.store(before + std::min(count, room), std::memory_order_relaxed);
  }
  // In one that is not the first, or in a new one.
  void RecordInOther(uint32_t row, SessionLatency kind, size_t bucket, uint32_t count);
  void RecordInNew(uint32_t row, SessionLatency kind, size_t bucket, uint32_t count);
  void GiveChunksBack(uint32_t row);
  void WriteRow(uint32_t row, const SessionRow& words);
  void AddToCounter(Counter counter, uint64_t more);
  void SetCounter(Counter counter, uint64_t value);

  std::byte* counters_;
  std::byte* rows_;
  LatencyChunk* chunks_;
  std::vector<Held> held_;           // one a row
  std::vector<uint64_t> versions_;   // one a row: what it has now
  std::vector<uint32_t> free_rows_;  // a heap, the lowest first
  std::vector<uint16_t> free_chunks_;
  uint32_t rows_used_ = 0;    // those below were ever used
  uint32_t chunks_used_ = 0;
};

}  // namespace roost

#endif  // ROOST_BROKER_SESSION_COUNTERS_H_
