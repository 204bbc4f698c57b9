#include "broker/session_counters.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>

#include "base/check.h"
#include "broker/counters_row.h"

namespace roost {

SessionCountersWriter::SessionCountersWriter(std::byte* counters, std::byte* rows,
                                             std::byte* chunks)
    : counters_(counters),
      rows_(rows),
      chunks_(reinterpret_cast<LatencyChunk*>(chunks)),
      held_(kSessionRowCount),
      versions_(kSessionRowCount) {
  // Ascending numbers are a heap with the lowest first: rows in use stay at the front, and little has to be read.
  for (uint32_t row = 0; row < kSessionRowCount; ++row) free_rows_.push_back(row);
  for (size_t chunk = kChunkCount; chunk > 0; --chunk) {
    free_chunks_.push_back(static_cast<uint16_t>(chunk - 1));
  }
}

uint32_t SessionCountersWriter::Begin(const Identity& identity) {
  if (free_rows_.empty()) {
    AddToCounter(Counter::kSessionsUnplaced, 1);
    return kNoCountersRow;
  }
  std::ranges::pop_heap(free_rows_, std::greater<>());
  const uint32_t row = free_rows_.back();
  free_rows_.pop_back();
  SessionRow words{};
  words.session = identity.session;
  words.attached_ns = identity.attached_ns;
  words.uid = identity.uid;
  words.pid = identity.pid;
  std::memcpy(words.agent, identity.agent.data(),
              std::min(identity.agent.size(), sizeof(words.agent)));
  WriteRow(row, words);
  rows_used_ = std::max(rows_used_, row + 1);
  SetCounter(Counter::kSessionRows, rows_used_);
  return row;
}

void SessionCountersWriter::End(uint32_t row) {
  if (row == kNoCountersRow) return;
  WriteRow(row, SessionRow{});
  GiveChunksBack(row);
  free_rows_.push_back(row);
  std::ranges::push_heap(free_rows_, std::greater<>());
}

void SessionCountersWriter::WriteRow(uint32_t row, const SessionRow& words) {
  SessionRow filled = words;
  for (auto& kind : filled.chunks) std::ranges::fill(kind, kNoChunk);
  versions_[row] += 2;
  WriteCountersRow(rows_ + row * sizeof(SessionRow), versions_[row], filled);
}

void SessionCountersWriter::GiveChunksBack(uint32_t row) {
  Held& held = held_[row];
  for (size_t kind = 0; kind < kSessionLatencyCount; ++kind) {
    for (size_t i = 0; i < held.counts[kind]; ++i) {
      free_chunks_.push_back(held.chunks[kind][i].place);
      held.chunks[kind][i] = {};
    }
    held.counts[kind] = 0;
  }
}

void SessionCountersWriter::RecordInOther(uint32_t row, SessionLatency kind, size_t bucket,
                                          uint32_t count) {
  const auto k = static_cast<size_t>(kind);
  auto& chunks = held_[row].chunks[k];
  for (size_t i = 1; i < held_[row].counts[k]; ++i) {
    if (chunks[i].number != bucket / kChunkBuckets) continue;
    AddTo(chunks[i], bucket, count);
    std::swap(chunks[i], chunks[i - 1]);
    return;
  }
  RecordInNew(row, kind, bucket, count);
}

// Step 4 of the writer.
void SessionCountersWriter::RecordInNew(uint32_t row, SessionLatency kind, size_t bucket,
                                        uint32_t count) {
  ROOST_CHECK(bucket < Histogram::kBuckets, "bucket={}", bucket);
  Held& held = held_[row];
  const auto k = static_cast<size_t>(kind);
  if (held.counts[k] == kChunksPerKindMax || free_chunks_.empty()) {
    AddToCounter(Counter::kLatenciesUnplaced, count);
    return Add(row, SessionCounter::kLatenciesUnplaced, count);
  }
  const size_t index = held.counts[k]++;
  const Chunk chunk{static_cast<uint16_t>(bucket / kChunkBuckets), free_chunks_.back()};
  free_chunks_.pop_back();
  held.chunks[k][index] = chunk;
  for (auto& word : chunks_[chunk.place].counts) word.store(0, std::memory_order_relaxed);
  AddTo(chunk, bucket, count);
  chunks_used_ = std::max(chunks_used_, uint32_t{chunk.place} + 1);
  SetCounter(Counter::kLatencyChunks, chunks_used_);
  std::byte* const at = rows_ + row * sizeof(SessionRow) + offsetof(SessionRow, chunks) +
                        (k * kChunksPerKindMax + index) * sizeof(uint32_t);
  std::atomic_ref(*reinterpret_cast<uint32_t*>(at))
      .store(uint32_t{chunk.number} << 16 | chunk.place, std::memory_order_release);
}

void SessionCountersWriter::AddToCounter(Counter counter, uint64_t more) {
  std::byte* const word = counters_ + 8 * static_cast<size_t>(counter);
  StoreWordRelaxed(word, LoadWordRelaxed(word) + more);
}

void SessionCountersWriter::SetCounter(Counter counter, uint64_t value) {
  StoreWordRelaxed(counters_ + 8 * static_cast<size_t>(counter), value);
}

}  // namespace roost
