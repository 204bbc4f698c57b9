#include "log/segment_scanner.h"

#include <algorithm>
#include <cstring>

#include "log/record.h"

namespace roost {
namespace {

constexpr char kFrameDamaged[] = "the compressed frame is damaged";

bool IsZero(Bytes bytes) {
  return bytes.empty() || (bytes[0] == std::byte{0} &&
                           std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

}  // namespace

SegmentScanner::SegmentScanner(int fd, std::string name, const SegmentHeader& header,
                               uint64_t end_position)
    : end_position_(end_position), next_(header.base_position) {
  auto bytes = SegmentBytes::Open(fd, std::move(name), header);
  if (bytes.ok()) {
    bytes_ = std::move(*bytes);
  } else {
    status_ = bytes.status();
  }
}

Bytes SegmentScanner::Load(uint64_t position, uint64_t size) {
  const auto within = [&] {
    return position >= buffer_position_ && position <= buffer_position_ + buffer_length_;
  };
  const auto loaded = [&] {
    const uint64_t offset = position - buffer_position_;
    return Bytes(buffer_).subspan(offset, std::min(size, buffer_length_ - offset));
  };
  size = std::min(size, end_position_ - position);
  if (within() && position + size <= buffer_position_ + buffer_length_) return loaded();

  // What is there already moves to the front, the rest is read behind it.
  const uint64_t kept = within() ? buffer_position_ + buffer_length_ - position : 0;
  if (kept > 0) std::memmove(buffer_.data(), buffer_.data() + (buffer_length_ - kept), kept);
  // A short segment needs no whole chunk.
  const size_t capacity =
      std::max(size, std::min<uint64_t>(kChunkBytes, end_position_ - position));
  if (buffer_.size() < capacity) buffer_.resize(capacity);
  buffer_position_ = position;
  buffer_length_ = kept;
  const uint64_t wanted = std::min(buffer_.size() - kept, end_position_ - position - kept);
  if (!status_.ok()) return {};
  auto got = bytes_.ReadAround(std::span(buffer_).subspan(kept, wanted), position + kept);
  if (!got.ok()) {
    status_ = got.status();
    return {};
  }
  buffer_length_ += *got;
  return loaded();
}

SegmentScanner::Outcome SegmentScanner::Bad(const char* what, uint64_t size) {
  what_ = what;
  bad_size_ = size;
  if (bytes_.IsDamaged(position_, std::max(size, kRecordHeaderBytes))) what_ = kFrameDamaged;
  return status_.ok() ? Outcome::kBad : Outcome::kError;
}

SegmentScanner::Outcome SegmentScanner::Next() {
  position_ = next_;
  if (position_ >= end_position_) return Outcome::kEnd;
  const Bytes front = Load(position_, kRecordHeaderBytes);
  if (IsZero(front) && status_.ok()) {
    if (!bytes_.IsDamaged(position_, kRecordHeaderBytes)) return Outcome::kEnd;
    return Bad(kFrameDamaged, kRecordAlignment);
  }
  if (front.size() < kRecordHeaderBytes)
    return Bad("the file ends within a record", kRecordAlignment);
  std::memcpy(&record_header_, front.data(), sizeof(record_header_));
  if (!RecordSizesAreSound(record_header_, end_position_ - position_)) {
    return Bad("no record has such a header", kRecordAlignment);
  }
  const uint64_t size = record_header_.size;
  record_ = Load(position_, size);
  if (record_.size() < size) return Bad("the file ends within a record", size);
  if (RecordChecksum(record_) != record_header_.crc32c) {
    return Bad("the record's checksum is wrong", size);
  }
  next_ = position_ + record_header_.size;
  return Outcome::kRecord;
}

Result<std::optional<uint64_t>> SegmentScanner::FindRecord(uint64_t position, uint64_t sequence) {
  for (; position + kRecordHeaderBytes <= end_position_; position += kRecordAlignment) {
    const Bytes front = Load(position, kRecordHeaderBytes);
    if (front.size() < kRecordHeaderBytes) break;
    RecordHeader candidate;
    std::memcpy(&candidate, front.data(), sizeof(candidate));
    if (!RecordSizesAreSound(candidate, end_position_ - position)) continue;
    if (RecordIsSound(Load(position, candidate.size)) && candidate.sequence > sequence) {
      return std::optional(position);
    }
  }
  if (!status_.ok()) return status_;
  return std::optional<uint64_t>();
}

Result<uint64_t> SegmentScanner::LengthBehind(uint64_t position) {
  uint64_t length = 0;
  for (uint64_t at = position; at < end_position_;) {
    const Bytes part = Load(at, kChunkBytes);
    if (part.empty()) break;
    if (!IsZero(part)) {
      size_t used = part.size();
      while (part[used - 1] == std::byte{0}) --used;
      length = at + used - position;
    }
    at += part.size();
  }
  if (!status_.ok()) return status_;
  return length;
}

}  // namespace roost
