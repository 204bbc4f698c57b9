#include "log/turn.h"

#include <algorithm>
#include <cstring>
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
  RecordHeader header{};
  header.size = static_cast<uint32_t>(size);
  header.sequence = next_sequence();
  header.revision = links.revision;
  header.previous = links.previous;
  header.jump = links.jump;
  header.time_ns = origin.time_ns;
  header.session = origin.session;
  header.request = origin.request;
  header.stream = stream;
  header.type = event.type_hash;
  header.agent = event.agent_hash;
  header.uid = origin.uid;
  header.batch_index = static_cast<uint16_t>(batch_index);
  header.batch_count = static_cast<uint16_t>(batch_count);
  header.kind = RecordKind::kEvent;
  header.flags =
      static_cast<uint8_t>((event.has_id ? kRecordHasId : 0) | (event.is_own ? kRecordIsOwn : 0));
  header.body_length = static_cast<uint32_t>(event.body.size());

  std::byte* record = buffer_.get() + size_;
  std::byte* body = record + kRecordHeaderBytes;
  std::byte* zeros = body + event.body.size();
  std::memcpy(record, &header, sizeof(header));
  std::memcpy(body, event.body.data(), event.body.size());
  std::memset(zeros, 0, static_cast<size_t>(record + size - zeros));
  const uint32_t crc32c = RecordChecksum(Bytes(record, size));
  std::memcpy(record + offsetof(RecordHeader, crc32c), &crc32c, sizeof(crc32c));
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
