#include "log/ring_reader.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include <fmt/core.h>

#include "log/record.h"
#include "log/ring_copy.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

namespace roost {
namespace {

Status CheckSeals(int fd) {
  const int seals = ::fcntl(fd, F_GET_SEALS);
  if (seals < 0) {
    return {StatusCode::kIncompatible, "the ring is not a sealed memfd: it is not Roost's"};
  }
  constexpr int kSizeSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  constexpr int kWriteSeals = F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
  if ((seals & kSizeSeals) != kSizeSeals || (seals & kWriteSeals) == 0) {
    return {StatusCode::kPermissionDenied,
            fmt::format("the ring is not sealed against writers (seals {:#x}): not used", seals)};
  }
  return {};
}

// The constant part, copied word by word: whoever made it may be writing it.
RingHeader* CopyHeader(const std::byte* from, std::byte (&to)[sizeof(RingHeader)]) {
  CopyWordsFromShared(to, from, sizeof(RingHeader));
  return reinterpret_cast<RingHeader*>(to);
}

// `count` elements at `offset` lie inside of `size` bytes.
bool Fits(uint64_t offset, uint64_t count, uint64_t element_size, uint64_t size) {
  return IsAligned(offset, kRingPage) && offset >= kRingPage && offset <= size &&
         count <= (size - offset) / element_size;
}

const char* WhatIsWrong(const RingLayout& ring, uint64_t file_size) {
  if (ring.size != file_size) return "its size is not the memfd's";
  if (ring.streams_max == 0 || ring.streams_max > kStreamsMaxMax) return "streams_max";
  if (!std::has_single_bit(ring.hash_slots) || ring.hash_slots <= ring.streams_max ||
      !Fits(ring.hash_offset, ring.hash_slots, sizeof(uint32_t), ring.size)) {
    return "stream hash";
  }
  if (!Fits(ring.streams_offset, ring.streams_max, sizeof(StreamEntry), ring.size)) {
    return "stream table";
  }
  if (!Fits(ring.names_offset, ring.names_size, 1, ring.size)) return "names";
  if (!std::has_single_bit(ring.index_slots) ||
      !Fits(ring.index_offset, ring.index_slots, sizeof(uint64_t), ring.size)) {
    return "sequence index";
  }
  if (!std::has_single_bit(ring.records_size) || ring.records_size < kRingBytesMin ||
      ring.records_size > kRingBytesMax ||
      !Fits(ring.records_offset, ring.records_size, 1, ring.size)) {
    return "records";
  }
  if (!std::has_single_bit(ring.verdicts_slots) || ring.verdicts_slots < kVerdictBucketSlots ||
      !Fits(ring.verdicts_offset, ring.verdicts_slots, sizeof(VerdictEntry), ring.size)) {
    return "verdicts";
  }
  if (ring.durability > Durability::kPower) return "durability";
  return nullptr;
}

RingLayout LayoutOf(const RingHeader& header) {
  RingLayout layout{};
  std::memcpy(layout.log_id, header.log_id, sizeof(layout.log_id));
  layout.epoch = header.epoch;
  layout.durability = header.durability;
  layout.broker_pid = header.broker_pid;
  layout.started_ns = header.started_ns;
  layout.size = header.size;
  layout.hash_offset = header.hash_offset;
  layout.hash_slots = header.hash_slots;
  layout.streams_offset = header.streams_offset;
  layout.streams_max = header.streams_max;
  layout.names_offset = header.names_offset;
  layout.names_size = header.names_size;
  layout.index_offset = header.index_offset;
  layout.index_slots = header.index_slots;
  layout.records_offset = header.records_offset;
  layout.records_size = header.records_size;
  layout.event_data_bytes_max = header.event_data_bytes_max;
  layout.batch_events_max = header.batch_events_max;
  layout.batch_bytes_max = header.batch_bytes_max;
  layout.verdicts_offset = header.verdicts_offset;
  layout.verdicts_slots = header.verdicts_slots;
  return layout;
}

}  // namespace

Result<RingReader> RingReader::Open(const UniqueFd& fd) {
  ROOST_RETURN_IF_ERROR(CheckSeals(fd.get()));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return Status::FromErrno(errno, "stat the ring");
  const auto file_size = static_cast<uint64_t>(info.st_size);
  if (file_size < kRingPage) {
    return {StatusCode::kIncompatible, fmt::format("the ring has only {} bytes", file_size)};
  }
  auto mapping = Mapping::Map(fd.get(), file_size, Mapping::Access::kRead, "the ring");
  if (!mapping.ok()) return mapping.status();

  alignas(RingHeader) std::byte copy[sizeof(RingHeader)];
  const RingHeader& header = *CopyHeader(mapping->data(), copy);
  if (header.magic != kRingMagic) {
    return {
        StatusCode::kIncompatible,
        fmt::format("not a ring: its magic is {:#018x}, not {:#018x}", header.magic, kRingMagic)};
  }
  if (header.version != kRingVersion || header.record_version != kRecordVersion) {
    return {
        StatusCode::kIncompatible,
        fmt::format("the ring is of version {}.{}, this program reads {}.{}: use programs of one "
                    "release, and restart the broker",
                    header.version, header.record_version, kRingVersion, kRecordVersion)};
  }
  RingReader reader;
  reader.layout_ = LayoutOf(header);
  if (const char* wrong = WhatIsWrong(reader.layout_, file_size)) {
    return {StatusCode::kCorruption, fmt::format("the ring's header cannot be right: {}", wrong)};
  }
  reader.mapping_ = std::move(*mapping);
  return reader;
}

const RingHeader& RingReader::header() const {
  return *reinterpret_cast<const RingHeader*>(mapping_.data());
}

const StreamEntry& RingReader::entry(uint32_t id) const {
  const std::byte* table = mapping_.data() + layout_.streams_offset;
  return reinterpret_cast<const StreamEntry*>(table)[id];
}

uint64_t RingReader::head() const {
  return header().head.load(std::memory_order_acquire);  // step 1
}
uint64_t RingReader::oldest() const { return header().oldest.load(std::memory_order_relaxed); }
uint64_t RingReader::log_oldest() const {
  // The journal may keep less than the ring has.
  return std::min(header().log_oldest.load(std::memory_order_relaxed), oldest());
}
uint64_t RingReader::reclaimed() const {
  return header().reclaimed.load(std::memory_order_relaxed);
}

RingReader::Outcome RingReader::ReadHeaderAt(uint64_t position, RecordHeader* record) const {
  if (position < reclaimed()) return Outcome::kOverrun;  // spares the copy; step 3 decides
  if (!IsAligned(position, kRecordAlignment)) return Outcome::kCorrupt;
  const RingRecords records{mapping_.data() + layout_.records_offset, layout_.records_size,
                            &header().reclaimed};
  if (!CopyIntact(records, position, reinterpret_cast<std::byte*>(record), sizeof(*record))) {
    return Outcome::kOverrun;
  }
  return RecordSizesAreSound(*record, layout_.records_size) ? Outcome::kEvent : Outcome::kCorrupt;
}

RingReader::Outcome RingReader::ReadHeader(uint64_t sequence, RecordHeader* record,
                                           uint64_t* position) const {
  if (sequence > head()) return Outcome::kNotYet;
  const std::byte* slot = mapping_.data() + layout_.index_offset +
                          (sequence & (layout_.index_slots - 1)) * sizeof(uint64_t);
  *position = reinterpret_cast<const std::atomic<uint64_t>*>(slot)->load(
      std::memory_order_acquire);  // step 2
  const Outcome outcome = ReadHeaderAt(*position, record);
  if (outcome == Outcome::kEvent && record->sequence != sequence) return Outcome::kOverrun;  // 4
  return outcome;
}

RingReader::Outcome RingReader::ReadRecordAt(uint64_t position, std::vector<std::byte>* out) const {
  RecordHeader record;
  const Outcome outcome = ReadHeaderAt(position, &record);
  if (outcome != Outcome::kEvent) return outcome;
  const size_t before = out->size();
  out->resize(before + record.size);
  const RingRecords records{mapping_.data() + layout_.records_offset, layout_.records_size,
                            &header().reclaimed};
  if (!CopyIntact(records, position, out->data() + before, record.size)) {
    out->resize(before);
    return Outcome::kOverrun;
  }
  // The header that was checked, whatever is there by now.
  std::memcpy(out->data() + before, &record, sizeof(record));
  return Outcome::kEvent;
}

void RingReader::PrefetchRange(uint64_t position, uint64_t begin, uint64_t end) const {
  constexpr uint64_t kLine = 64;
  const std::byte* records = mapping_.data() + layout_.records_offset;
  for (uint64_t at = (position + begin) & ~(kLine - 1); at < position + end; at += kLine) {
    __builtin_prefetch(records + (at & (layout_.records_size - 1)));
  }
}

void RingReader::PrefetchRest(uint64_t position, uint64_t size) const {
  PrefetchRange(position, kPrefetchBytes, std::min(size, kPrefetchBytesMax));
}

RingReader::Links RingReader::PeekLinks(uint64_t position) const {
  const std::byte* records = mapping_.data() + layout_.records_offset;
  const auto word = [&](uint64_t offset) {
    return LoadWordRelaxed(records + ((position + offset) & (layout_.records_size - 1)));
  };
  return {.size = static_cast<uint32_t>(word(offsetof(RecordHeader, size))),
          .revision = word(offsetof(RecordHeader, revision)),
          .previous = word(offsetof(RecordHeader, previous)),
          .jump = word(offsetof(RecordHeader, jump))};
}

VerdictRegion RingReader::verdicts() const {
  return {mapping_.data() + layout_.verdicts_offset, layout_.verdicts_slots,
          &header().policy_version};
}

std::optional<uint32_t> RingReader::FindStream(std::string_view name) const {
  const uint64_t hash = StreamHash(name);
  const auto* slots =
      reinterpret_cast<const std::atomic<uint32_t>*>(mapping_.data() + layout_.hash_offset);
  for (uint64_t probe = 0; probe < layout_.hash_slots; ++probe) {
    const uint32_t slot =
        slots[(hash + probe) & (layout_.hash_slots - 1)].load(std::memory_order_acquire);
    if (slot == 0 || slot > layout_.streams_max) return std::nullopt;
    const uint32_t id = slot - 1;
    if (entry(id).name_hash != hash) continue;
    // Whoever looks for a stream reads its newest event next: both misses at once.
    Prefetch(entry(id).last_position.load(std::memory_order_relaxed));
    if (Stream(id).name == name) return id;
  }
  return std::nullopt;
}

uint64_t RingReader::stream_count() const {
  return std::min(header().stream_count.load(std::memory_order_acquire), layout_.streams_max);
}

StreamSummary RingReader::Stream(uint32_t id) const {
  StreamSummary summary;
  if (id >= layout_.streams_max) return summary;
  const StreamEntry& stream = entry(id);
  summary.id = id;
  const uint64_t offset = stream.name_offset;
  const uint64_t length = stream.name_length;
  if (length <= kStreamNameBytesMax && offset + length <= layout_.names_size) {
    const std::byte* names = mapping_.data() + layout_.names_offset;
    summary.name = {reinterpret_cast<const char*>(names) + offset, length};
  }
  summary.last_position = stream.last_position.load(std::memory_order_acquire);
  summary.revision = stream.revision.load(std::memory_order_relaxed);
  summary.last_sequence = stream.last_sequence.load(std::memory_order_relaxed);
  summary.last_time_ns = stream.last_time_ns.load(std::memory_order_relaxed);
  return summary;
}

}  // namespace roost
