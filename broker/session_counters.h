// The rows of sessions in the counters file (ipc/counters_format.h): who is attached, what each has asked for and how long it
// took. A session has a row while it is attached, if one of kSessionRowCount is free; without one nothing is counted for it
// alone. Its durations have as many chunks as they need, up to kChunksPerKindMax and as long as there are any; those that
// find none are counted as such.
//
// What is in the file is written and never read back: where rows and chunks are is known from memory of the broker's own, so
// that nobody who changes the file leads it astray. Sequencer thread. 60 KiB, and half a KiB a session.
#ifndef ROOST_BROKER_SESSION_COUNTERS_H_
#define ROOST_BROKER_SESSION_COUNTERS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/one_writer.h"
#include "ipc/counters_format.h"

namespace roost {

class SessionCountersWriter {
 public:
  // One session's, from Begin to End.
  class Row;

  struct Identity {
    uint64_t session = 0;
    uint64_t attached_ns = 0;  // CLOCK_REALTIME
    uint32_t uid = 0;
    uint32_t pid = 0;
    std::string_view agent;
  };

  // `counters`, `rows` and `chunks` are those sections of the file, which outlives this.
  SessionCountersWriter(std::byte* counters, std::byte* rows, std::byte* chunks);

  // The lowest one that is free, or nowhere().
  Row* Begin(const Identity& identity);
  // nullptr: it had not begun.
  void End(Row* row);
  // For whom there is no row: one that nobody reads, so that nothing that counts has to ask.
  Row* nowhere() const { return nowhere_.get(); }

  void Add(Row* row, SessionCounter counter, uint64_t more = 1);
  // It has asked for something, at this time (CLOCK_REALTIME).
  void CountRequest(Row* row, uint64_t now_ns);
  void CountAppended(Row* row, uint64_t events, uint64_t record_bytes);
  // `count` more in a bucket of Histogram. REQUIRES: bucket < Histogram::kBuckets.
  void Record(Row* row, SessionLatency kind, size_t bucket, uint32_t count = 1);

 private:
  void AddTo(uint16_t chunk, size_t bucket, uint32_t count) {
    auto& word = chunks_[chunk].counts[bucket % kChunkBuckets];
    const uint32_t before = word.load(std::memory_order_relaxed);
    const uint32_t after = before + count;
    word.store(after < before ? UINT32_MAX : after, std::memory_order_relaxed);
  }
  // Does nothing for nowhere(), which never has chunks.
  void RecordInNew(Row* row, SessionLatency kind, size_t bucket, uint32_t count);
  void GiveChunksBack(Row* row);
  void WriteRow(Row* row, const SessionRow& words);
  void AddToCounter(Counter counter, uint64_t more);
  void SetCounter(Counter counter, uint64_t value);

  std::byte* counters_;
  std::byte* rows_;
  LatencyChunk* chunks_;
  std::unique_ptr<SessionRow> nowhere_words_;
  std::unique_ptr<Row> nowhere_;
  std::vector<std::unique_ptr<Row>> held_;  // those that were ever used; they stay where they are
  std::vector<uint32_t> free_rows_;         // a heap, the lowest first
  std::vector<uint16_t> free_chunks_;
  uint32_t chunks_used_ = 0;  // those below were ever used
};

class SessionCountersWriter::Row {
 private:
  friend SessionCountersWriter;
  static constexpr size_t kNumbers = Histogram::kBuckets / kChunkBuckets;  // of chunks
  static constexpr uint16_t kNone = UINT16_MAX;
  // Where it has them in the file's section, by their numbers, or kNone.
  using Chunks = std::array<uint16_t, kNumbers>;

  Row(uint32_t index, std::byte* words) : index_(index), words_(words) {
    for (Chunks& kind : chunks_) kind.fill(kNone);
  }
  static std::atomic<uint64_t>& WordIn(std::byte* row, SessionCounter counter) {
    return *reinterpret_cast<std::atomic<uint64_t>*>(row + offsetof(SessionRow, counters) +
                                                     8 * static_cast<size_t>(counter));
  }
  static void Add(std::byte* row, SessionCounter counter, uint64_t more) {
    AddByOneWriter(WordIn(row, counter), more);
  }

  const uint32_t index_;
  std::byte* const words_;  // in the file
  uint64_t version_ = 0;    // that it has there
  std::array<uint8_t, kSessionLatencyCount> chunk_counts_{};
  std::array<Chunks, kSessionLatencyCount> chunks_;
};

inline void SessionCountersWriter::Add(Row* row, SessionCounter counter, uint64_t more) {
  Row::Add(row->words_, counter, more);
}

inline void SessionCountersWriter::CountRequest(Row* row, uint64_t now_ns) {
  std::byte* const words = row->words_;
  Row::Add(words, SessionCounter::kRequests, 1);
  Row::WordIn(words, SessionCounter::kLastRequestNs).store(now_ns, std::memory_order_relaxed);
}

inline void SessionCountersWriter::CountAppended(Row* row, uint64_t events, uint64_t record_bytes) {
  std::byte* const words = row->words_;
  Row::Add(words, SessionCounter::kEvents, events);
  Row::Add(words, SessionCounter::kBytes, record_bytes);
}

inline void SessionCountersWriter::Record(Row* row, SessionLatency kind, size_t bucket,
                                          uint32_t count) {
  const uint16_t chunk = row->chunks_[static_cast<size_t>(kind)][bucket / kChunkBuckets];
  if (chunk != Row::kNone) {
    AddTo(chunk, bucket, count);
  } else {
    RecordInNew(row, kind, bucket, count);
  }
}

}  // namespace roost

#endif  // ROOST_BROKER_SESSION_COUNTERS_H_
