#include "broker/session_counters.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>

#include "broker/counters_row.h"

namespace roost {

SessionCountersWriter::SessionCountersWriter(std::byte* counters, std::byte* rows,
                                             std::byte* chunks)
    : counters_(counters),
      rows_(rows),
      chunks_(reinterpret_cast<LatencyChunk*>(chunks)),
      nowhere_words_(std::make_unique<SessionRow>()),
      nowhere_(new Row(UINT32_MAX, reinterpret_cast<std::byte*>(nowhere_words_.get()))) {
  // Ascending numbers are a heap with the lowest first: rows in use stay at the front, and little has to be read.
  for (uint32_t row = 0; row < kSessionRowCount; ++row) free_rows_.push_back(row);
  for (size_t chunk = kChunkCount; chunk > 0; --chunk) {
    free_chunks_.push_back(static_cast<uint16_t>(chunk - 1));
  }
}

SessionCountersWriter::Row* SessionCountersWriter::Begin(const Identity& identity) {
  if (free_rows_.empty()) {
    AddToCounter(Counter::kSessionsUnplaced, 1);
    return nowhere();
  }
  std::ranges::pop_heap(free_rows_, std::greater<>());
  const uint32_t index = free_rows_.back();
  free_rows_.pop_back();
  // The lowest free one is one that was used, or the next to those.
  if (index == held_.size()) {
    held_.push_back(std::unique_ptr<Row>(new Row(index, rows_ + index * sizeof(SessionRow))));
  }
  Row* const row = held_[index].get();
  SessionRow words{};
  words.session = identity.session;
  words.attached_ns = identity.attached_ns;
  words.uid = identity.uid;
  words.pid = identity.pid;
  std::memcpy(words.agent, identity.agent.data(),
              std::min(identity.agent.size(), sizeof(words.agent)));
  WriteRow(row, words);
  SetCounter(Counter::kSessionRows, held_.size());
  return row;
}

void SessionCountersWriter::End(Row* row) {
  if (row == nullptr || row == nowhere()) return;
  WriteRow(row, SessionRow{});
  GiveChunksBack(row);
  free_rows_.push_back(row->index_);
  std::ranges::push_heap(free_rows_, std::greater<>());
}

void SessionCountersWriter::WriteRow(Row* row, const SessionRow& words) {
  SessionRow filled = words;
  for (auto& kind : filled.chunks) std::ranges::fill(kind, kNoChunk);
  row->version_ += 2;
  WriteCountersRow(row->words_, row->version_, filled);
}

void SessionCountersWriter::GiveChunksBack(Row* row) {
  for (Row::Chunks& kind : row->chunks_) {
    for (uint16_t& chunk : kind) {
      if (chunk != Row::kNone) free_chunks_.push_back(chunk);
      chunk = Row::kNone;
    }
  }
  row->chunk_counts_.fill(0);
}

// Step 4 of the writer.
void SessionCountersWriter::RecordInNew(Row* row, SessionLatency kind, size_t bucket,
                                        uint32_t count) {
  if (row == nowhere()) return;
  const auto k = static_cast<size_t>(kind);
  if (row->chunk_counts_[k] == kChunksPerKindMax || free_chunks_.empty()) {
    AddToCounter(Counter::kLatenciesUnplaced, count);
    return Add(row, SessionCounter::kLatenciesUnplaced, count);
  }
  const size_t number = bucket / kChunkBuckets;
  const size_t index = row->chunk_counts_[k]++;
  const uint16_t chunk = free_chunks_.back();
  free_chunks_.pop_back();
  row->chunks_[k][number] = chunk;
  for (auto& word : chunks_[chunk].counts) word.store(0, std::memory_order_relaxed);
  AddTo(chunk, bucket, count);
  chunks_used_ = std::max(chunks_used_, uint32_t{chunk} + 1);
  SetCounter(Counter::kLatencyChunks, chunks_used_);
  std::byte* const at = row->words_ + offsetof(SessionRow, chunks) +
                        (k * kChunksPerKindMax + index) * sizeof(uint32_t);
  std::atomic_ref(*reinterpret_cast<uint32_t*>(at))
      .store(static_cast<uint32_t>(number << 16 | chunk), std::memory_order_release);
}

void SessionCountersWriter::AddToCounter(Counter counter, uint64_t more) {
  std::byte* const word = counters_ + 8 * static_cast<size_t>(counter);
  StoreWordRelaxed(word, LoadWordRelaxed(word) + more);
}

void SessionCountersWriter::SetCounter(Counter counter, uint64_t value) {
  StoreWordRelaxed(counters_ + 8 * static_cast<size_t>(counter), value);
}

}  // namespace roost
