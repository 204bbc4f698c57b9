#include "log/turn.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <span>

#include "base/check.h"
#include "log/record.h"

namespace roost {

Turn::Turn(uint64_t shared_bytes, uint64_t bytes_max)
    : shared_bytes_(std::min(shared_bytes, bytes_max)),
      bytes_max_(bytes_max),
      buffer_(std::make_unique_for_overwrite<std::byte[]>(bytes_max)) {}

void Turn::Begin(uint64_t position, uint64_t sequence) {
  size_ = 0;
  count_ = 0;
  first_position_ = position;
  first_sequence_ = sequence;
}

bool Turn::HasRoomFor(uint64_t size) const {
  return size_ + size <= shared_bytes_ || (empty() && size <= bytes_max_);
}

void Turn::Add(const EventToStage& event, const BatchOrigin& origin, uint32_t stream,
               const StreamLinks& links, size_t batch_index, size_t batch_count) {
  const uint64_t size = RecordSize(RecordKind::kEvent, event.body.size());
  ROOST_CHECK(size <= bytes_max_ - size_, "size={} of {}", size, bytes_max_ - size_);
  // Made where it lies: a copy of fields that were stored one by one waits until they are in the cache.
  std::byte* const record = buffer_.get() + size_;
  auto* const header = ::new (record) RecordHeader{
      .size = static_cast<uint32_t>(size),
      .crc32c = 0,
      .sequence = next_sequence(),
      .revision = links.revision,
      .previous = links.previous,
      .jump = links.jump,
      .time_ns = origin.time_ns,
      .session = origin.session,
      .request = origin.request,
      .stream = stream,
      .type = event.type_hash,
      .agent = event.agent_hash,
      .uid = origin.uid,
      .batch_index = static_cast<uint16_t>(batch_index),
      .batch_count = static_cast<uint16_t>(batch_count),
      .kind = RecordKind::kEvent,
      .flags = static_cast<uint8_t>((event.has_id ? kRecordHasId : 0) |
                                    (event.is_own ? kRecordIsOwn : 0)),
      .reserved = 0,
      .body_length = static_cast<uint32_t>(event.body.size()),
      .reserved2 = 0};
  std::byte* const body = record + kRecordHeaderBytes;
  std::byte* const zeros = body + event.body.size();
  const auto zero_bytes = static_cast<size_t>(record + size - zeros);
  if (zero_bytes < kRecordAlignment) {  // nearly always: one store and no call; the body goes over it
    std::memset(record + size - kRecordAlignment, 0, kRecordAlignment);
  } else {
    std::memset(zeros, 0, zero_bytes);
  }
  std::memcpy(body, event.body.data(), event.body.size());
  header->crc32c = RecordChecksum(Bytes(record, size));
  size_ += size;
  ++count_;
}

void Turn::RollBackTo(const Savepoint& savepoint) {
  ROOST_CHECK(savepoint.size <= size_ && savepoint.count <= count_, "{} of {}", savepoint.size,
              size_);
  size_ = savepoint.size;
  count_ = savepoint.count;
}

RecordHeader ClosingMark(uint64_t sequence, uint64_t time_ns) {
  RecordHeader mark{};
  mark.size = kRecordHeaderBytes;
  mark.sequence = sequence;
  mark.time_ns = time_ns;
  mark.stream = kNoStream;
  mark.batch_count = 1;
  mark.kind = RecordKind::kClose;
  mark.crc32c = RecordChecksum(std::as_bytes(std::span<const RecordHeader, 1>(&mark, 1)));
  return mark;
}

}  // namespace roost
