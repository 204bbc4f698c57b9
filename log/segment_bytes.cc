#include "log/segment_bytes.h"

#include <fcntl.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "base/own_file.h"
#include "log/file_io.h"
#include "log/record_format.h"
#include "log/segment_file.h"

namespace roost {
namespace {

// What cannot be right in a frame's header, or nullptr. `size`: how many bytes the frame has; 0: not known.
const char* WrongInFrame(const FrameHeader& frame, uint64_t position, uint64_t size) {
  if (frame.position != position || frame.reserved != 0 || frame.bytes == 0 ||
      frame.bytes > kFrameBytes || frame.stored == 0 || frame.stored > frame.bytes ||
      (size != 0 && frame.bytes != size)) {
    return "no frame has such a header";
  }
  return nullptr;
}

}  // namespace

Result<SegmentBytes> SegmentBytes::Open(int fd, std::string name, const SegmentHeader& header) {
  SegmentBytes bytes;
  bytes.fd_ = fd;
  bytes.name_ = std::move(name);
  bytes.header_ = header;
  if (!IsCompressed(header)) return bytes;
  bytes.frames_ = std::make_shared<FrameCache>(1);
  auto footer = ReadFooter(fd, header, bytes.name_);
  if (!footer.ok()) return footer.status();
  if (*footer) {
    auto trailer = ReadFrameTrailer(fd, header, **footer, bytes.name_);
    if (!trailer.ok()) return trailer.status();
    if (*trailer) {
      bytes.table_offset_ = (*trailer)->table_offset;
      bytes.end_position_ = (*footer)->end_position;
      return bytes;
    }
  }
  ROOST_RETURN_IF_ERROR(bytes.FindFrames());
  return bytes;
}

// Ends at what is no frame's header: the table, or damage.
Status SegmentBytes::FindFrames() {
  uint64_t offset = kSegmentHeaderBytes;
  end_position_ = header_.base_position;
  while (end_position_ - header_.base_position < kSegmentBytesMax) {
    FrameHeader frame;
    auto got =
        ReadAt(fd_, std::as_writable_bytes(std::span<FrameHeader, 1>(&frame, 1)), offset, name_);
    if (!got.ok()) return got.status();
    if (*got != sizeof(frame) || WrongInFrame(frame, end_position_, 0) != nullptr) break;
    offsets_.push_back(offset);
    offset += sizeof(frame) + frame.stored;
    end_position_ += frame.bytes;
    if (frame.bytes < kFrameBytes) break;
  }
  return {};
}

Status SegmentBytes::Damaged(uint64_t offset, const char* what) const {
  return {StatusCode::kCorruption, fmt::format("{} at offset {}: {}", name_, offset, what)};
}

Result<uint64_t> SegmentBytes::OffsetOfFrame(uint64_t frame) const {
  if (table_offset_ == 0) return offsets_[frame];
  uint64_t offset = 0;
  auto got = ReadAt(fd_, std::as_writable_bytes(std::span<uint64_t, 1>(&offset, 1)),
                    table_offset_ + frame * sizeof(offset), name_);
  if (!got.ok()) return got.status();
  if (*got != sizeof(offset)) return {StatusCode::kGone, fmt::format("{}: cut", name_)};
  if (offset < kSegmentHeaderBytes || offset >= table_offset_) {
    return Damaged(table_offset_ + frame * sizeof(offset), "this is no frame's offset");
  }
  return offset;
}

Result<const std::vector<std::byte>*> SegmentBytes::Frame(uint64_t frame) {
  const uint64_t position = header_.base_position + frame * kFrameBytes;
  if (const auto* found = frames_->Find(position)) return found;
  ROOST_RETURN_IF_ERROR(Unpack(frame, position, std::min(kFrameBytes, end_position_ - position)));
  return frames_->Keep(position);
}

// Into what frames_ has made for it.
Status SegmentBytes::Unpack(uint64_t frame, uint64_t position, uint64_t size) {
  const auto offset = OffsetOfFrame(frame);
  if (!offset.ok()) return offset.status();
  FrameHeader header;
  auto got =
      ReadAt(fd_, std::as_writable_bytes(std::span<FrameHeader, 1>(&header, 1)), *offset, name_);
  if (!got.ok()) return got.status();
  if (*got != sizeof(header)) return {StatusCode::kGone, fmt::format("{}: cut", name_)};
  if (const char* wrong = WrongInFrame(header, position, size)) return Damaged(*offset, wrong);
  if (table_offset_ != 0 && header.stored > table_offset_ - *offset) {
    return Damaged(*offset, "the frame reaches behind the last one's end");
  }

  std::vector<std::byte> stored(header.stored);
  got = ReadAt(fd_, stored, *offset + sizeof(header), name_);
  if (!got.ok()) return got.status();
  if (*got != stored.size()) return {StatusCode::kGone, fmt::format("{}: cut", name_)};
  if (FrameChecksum(header, stored) != header.crc32c) {
    return Damaged(*offset, "the frame's checksum is wrong");
  }
  std::vector<std::byte>& unpacked = *frames_->Make(size);
  if (header.stored == header.bytes) {
    std::copy(stored.begin(), stored.end(), unpacked.begin());
    return {};
  }
  ZSTD_DCtx* const unpacker = frames_->Unpacker();
  if (unpacker == nullptr) return Status::FromErrno(ENOMEM, "unpack " + name_);
  const size_t written = ::ZSTD_decompressDCtx(unpacker, unpacked.data(), unpacked.size(),
                                               stored.data(), stored.size());
  if (::ZSTD_isError(written) != 0 || written != size) {
    return Damaged(*offset, "the frame can't be unpacked");
  }
  return {};
}

Result<size_t> SegmentBytes::Read(std::span<std::byte> to, uint64_t position) {
  if (!IsCompressed(header_)) return ReadAt(fd_, to, OffsetInSegment(header_, position), name_);
  return ReadFrames(to, position, false);
}

Result<size_t> SegmentBytes::ReadAround(std::span<std::byte> to, uint64_t position) {
  if (!IsCompressed(header_)) return ReadAt(fd_, to, OffsetInSegment(header_, position), name_);
  return ReadFrames(to, position, true);
}

Result<size_t> SegmentBytes::ReadFrames(std::span<std::byte> to, uint64_t position, bool around) {
  size_t done = 0;
  while (done < to.size() && position < end_position_) {
    const uint64_t frame = (position - header_.base_position) / kFrameBytes;
    const uint64_t begin = header_.base_position + frame * kFrameBytes;
    const uint64_t end = std::min(begin + kFrameBytes, end_position_);
    const auto part = to.subspan(done, std::min<uint64_t>(to.size() - done, end - position));
    const auto bytes = Frame(frame);
    if (bytes.ok()) {
      std::memcpy(part.data(), (*bytes)->data() + (position - begin), part.size());
    } else if (around && bytes.status().code() == StatusCode::kCorruption) {
      std::fill(part.begin(), part.end(), std::byte{0});
      damaged_.insert(begin);
    } else if (done > 0 && bytes.status().code() == StatusCode::kCorruption) {
      break;
    } else {
      return bytes.status();
    }
    done += part.size();
    position += part.size();
  }
  return done;
}

bool SegmentBytes::IsDamaged(uint64_t position, uint64_t size) const {
  const auto frame = damaged_.upper_bound(position - std::min(position, kFrameBytes));
  return frame != damaged_.end() && *frame < position + size;
}

uint64_t SegmentBytes::OffsetOf(uint64_t position) const {
  if (!IsCompressed(header_)) return OffsetInSegment(header_, position);
  const uint64_t count = frame_count();
  if (count == 0) return kSegmentHeaderBytes;
  const uint64_t frame = std::min((position - header_.base_position) / kFrameBytes, count - 1);
  const auto offset = OffsetOfFrame(frame);
  return offset.ok() ? *offset : table_offset_ + frame * sizeof(uint64_t);
}

void SegmentBytes::Release() {
  if (frames_ != nullptr) frames_->Clear();
}

Result<std::optional<uint64_t>> FindFirstFrame(int fd, std::string_view name) {
  const std::optional<uint64_t> none;
  FrameHeader frame;
  auto got = ReadAt(fd, std::as_writable_bytes(std::span<FrameHeader, 1>(&frame, 1)),
                    kSegmentHeaderBytes, name);
  if (!got.ok()) return got.status();
  if (*got != sizeof(frame) || WrongInFrame(frame, frame.position, 0) != nullptr) return none;
  if (frame.position < kFirstPosition || frame.position > UINT64_MAX - kSegmentBytesMax)
    return none;
  std::vector<std::byte> stored(frame.stored);
  got = ReadAt(fd, stored, kSegmentHeaderBytes + sizeof(frame), name);
  if (!got.ok()) return got.status();
  if (*got != stored.size() || FrameChecksum(frame, stored) != frame.crc32c) return none;
  return std::optional(frame.position);
}

uint64_t OffsetOnDisk(const std::string& path, const SegmentHeader& header, uint64_t position) {
  if (!IsCompressed(header)) return OffsetInSegment(header, position);
  const auto fd = OpenPlainFile(path, O_RDONLY);
  if (!fd.ok()) return 0;
  const auto bytes = SegmentBytes::Open(fd->get(), path, header);
  return bytes.ok() ? bytes->OffsetOf(position) : 0;
}

}  // namespace roost
