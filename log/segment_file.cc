#include "log/segment_file.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include <fmt/core.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "log/file_io.h"
#include "log/record_format.h"
#include "log/sequence_name.h"

namespace roost {
namespace {

constexpr std::string_view kSegmentSuffix = ".segment";

template <typename T>
Bytes BytesOf(const T& value) {
  return std::as_bytes(std::span<const T, 1>(&value, 1));
}

// Of everything before the crc32c field, which is the last of each of these structures.
template <typename T>
uint32_t Checksum(const T& value, uint32_t crc = 0) {
  static_assert(offsetof(T, crc32c) + sizeof(uint32_t) == sizeof(T));
  return Crc32c(crc, BytesOf(value).first(offsetof(T, crc32c)));
}

template <typename T>
Result<bool> ReadStruct(int fd, T* value, uint64_t offset, std::string_view name) {
  auto got = ReadAt(fd, std::as_writable_bytes(std::span<T, 1>(value, 1)), offset, name);
  if (!got.ok()) return got.status();
  return *got == sizeof(T);
}

// Rules of a footer but for its checksum.
bool FooterFits(const SegmentFooter& footer, const SegmentHeader& header, uint64_t file_size) {
  if (footer.magic != kFooterMagic || footer.version != kSegmentVersion) return false;
  if (footer.end_position < header.base_position ||
      footer.last_sequence + 1 < header.base_sequence) {
    return false;
  }
  const uint64_t records = footer.end_position - header.base_position;
  const uint64_t events = footer.last_sequence + 1 - header.base_sequence;
  if (records > kSegmentBytesMax || events > records / kEventBytesMin ||
      footer.index_count != (events + kIndexStride - 1) / kIndexStride) {
    return false;
  }
  if (!IsCompressed(header)) return ClosedSegmentBytes(header, footer) == file_size;
  return kSegmentHeaderBytes + sizeof(FrameTrailer) + FooterBytes(footer) <= file_size;
}

// Reads `count` things of a kind into `to`, piece by piece; false: the file ends before. The checksum of them
// goes on in *crc.
template <typename T>
Result<bool> ReadTable(int fd, uint64_t offset, uint64_t count, std::string_view name,
                       uint32_t* crc, std::vector<T>* to) {
  T entries[512];
  for (uint64_t done = 0; done < count;) {
    const std::span part(entries, std::min<uint64_t>(std::size(entries), count - done));
    auto got = ReadAt(fd, std::as_writable_bytes(part), offset + done * sizeof(T), name);
    if (!got.ok()) return got.status();
    if (*got != part.size_bytes()) return false;  // cut meanwhile
    *crc = Crc32c(*crc, std::as_bytes(part));
    if (to != nullptr) to->insert(to->end(), part.begin(), part.end());
    done += part.size();
  }
  return true;
}

}  // namespace

std::string SegmentName(uint64_t base_sequence) {
  return SequenceName(base_sequence, kSegmentSuffix);
}

std::optional<uint64_t> ParseSegmentName(std::string_view name) {
  return ParseSequenceName(name, kSegmentSuffix);
}

Status WriteSegmentHeader(int fd, SegmentHeader header, std::string_view name) {
  header.magic = kSegmentMagic;
  if (!IsCompressed(header)) header.version = kSegmentVersion;
  header.record_version = kRecordVersion;
  header.crc32c = Checksum(header);
  return WriteAt(fd, BytesOf(header), 0, name);
}

Result<SegmentHeader> ReadSegmentHeader(int fd, std::string_view name) {
  auto size = FileSize(fd, name);
  if (!size.ok()) return size.status();
  if (*size == 0) return {StatusCode::kGone, fmt::format("{}: cut to nothing", name)};
  SegmentHeader header;
  auto whole = ReadStruct(fd, &header, 0, name);
  if (!whole.ok()) return whole.status();
  const auto corrupt = [&](const char* what) {
    return Status(StatusCode::kCorruption, fmt::format("{} at offset 0: {}", name, what));
  };
  if (!*whole || *size < kSegmentHeaderBytes) return corrupt("too short for a segment");
  if (header.magic != kSegmentMagic) return corrupt("this is not a segment's magic");
  if ((header.version != kSegmentVersion && !IsCompressed(header)) ||
      header.record_version != kRecordVersion) {
    return {StatusCode::kIncompatible,
            fmt::format("{}: segment of version {}.{}, this program reads {} to {}.{}", name,
                        header.version, header.record_version, kSegmentVersion,
                        kCompressedSegmentVersion, kRecordVersion)};
  }
  if (header.crc32c != Checksum(header)) return corrupt("the header's checksum is wrong");
  if (header.base_sequence == 0 || header.base_position < kFirstPosition ||
      !IsAligned(header.base_position, kRecordAlignment) ||
      header.base_position > UINT64_MAX - kSegmentBytesMax || header.size < kSegmentBytesMin ||
      header.size > kSegmentBytesMax) {
    return corrupt("the header's fields cannot be right");
  }
  return header;
}

Status WriteSyncMark(int fd, uint64_t position, uint32_t running_s, std::string_view name) {
  SyncMark mark{.position = position, .running_s = running_s, .crc32c = 0};
  mark.crc32c = Checksum(mark);
  return WriteAt(fd, BytesOf(mark), kSyncMarkOffset, name);
}

Result<uint64_t> ReadSyncMark(int fd, const SegmentHeader& header, std::string_view name,
                              bool* is_sound, uint32_t* running_s) {
  SyncMark mark;
  auto whole = ReadStruct(fd, &mark, kSyncMarkOffset, name);
  if (!whole.ok()) return whole.status();
  const bool is_right =
      *whole && mark.crc32c == Checksum(mark) && mark.position >= header.base_position;
  const bool is_absent = mark.position == 0 && mark.running_s == 0 && mark.crc32c == 0;
  if (running_s != nullptr) {
    *running_s = is_right ? std::max(header.running_s, mark.running_s) : header.running_s;
  }
  if (is_sound != nullptr) *is_sound = is_right || is_absent;
  return is_right ? mark.position : header.base_position;
}

Result<std::optional<SegmentFooter>> ReadFooter(int fd, const SegmentHeader& header,
                                                std::string_view name,
                                                std::vector<IndexEntry>* index) {
  const std::optional<SegmentFooter> none;
  auto size = FileSize(fd, name);
  if (!size.ok()) return size.status();
  SegmentFooter footer;
  if (*size < kSegmentHeaderBytes + kSegmentEndBytes + sizeof(footer)) return none;
  auto whole = ReadStruct(fd, &footer, *size - sizeof(footer), name);
  if (!whole.ok()) return whole.status();
  if (!*whole || !FooterFits(footer, header, *size)) return none;

  uint32_t crc = 0;
  const uint64_t index_offset = *size - FooterBytes(footer);
  auto read = ReadTable(fd, index_offset, footer.index_count, name, &crc, index);
  if (!read.ok()) return read.status();
  if (!*read || footer.crc32c != Checksum(footer, crc)) return none;
  if (IsCompressed(header)) {
    auto trailer = ReadFrameTrailer(fd, header, footer, name);
    if (!trailer.ok()) return trailer.status();
    if (!*trailer) return none;
  }
  return std::optional(footer);
}

Result<std::optional<FrameTrailer>> ReadFrameTrailer(int fd, const SegmentHeader& header,
                                                     const SegmentFooter& footer,
                                                     std::string_view name) {
  const std::optional<FrameTrailer> none;
  auto size = FileSize(fd, name);
  if (!size.ok()) return size.status();
  FrameTrailer trailer;
  const uint64_t behind = sizeof(trailer) + FooterBytes(footer);
  if (*size < kSegmentHeaderBytes + behind) return none;
  const uint64_t offset = *size - behind;
  auto whole = ReadStruct(fd, &trailer, offset, name);
  if (!whole.ok()) return whole.status();
  const uint64_t records = footer.end_position - header.base_position;
  if (!*whole || trailer.magic != kFramesMagic || trailer.version != kCompressedSegmentVersion ||
      trailer.reserved != 0 || trailer.frame_count != (records + kFrameBytes - 1) / kFrameBytes ||
      trailer.table_offset < kSegmentHeaderBytes || trailer.table_offset > offset ||
      offset - trailer.table_offset != trailer.frame_count * sizeof(uint64_t)) {
    return none;
  }
  uint32_t crc = 0;
  auto read =
      ReadTable<uint64_t>(fd, trailer.table_offset, trailer.frame_count, name, &crc, nullptr);
  if (!read.ok()) return read.status();
  if (!*read || trailer.crc32c != Checksum(trailer, crc)) return none;
  return std::optional(trailer);
}

std::vector<std::byte> EncodeCompressedEnd(std::span<const uint64_t> offsets, FrameTrailer trailer,
                                           std::span<const IndexEntry> index,
                                           SegmentFooter footer) {
  trailer.magic = kFramesMagic;
  trailer.version = kCompressedSegmentVersion;
  trailer.frame_count = offsets.size();
  trailer.crc32c = Checksum(trailer, Crc32c(0, std::as_bytes(offsets)));
  footer.crc32c = Checksum(footer, Crc32c(0, std::as_bytes(index)));
  std::vector<std::byte> bytes;
  const auto append = [&bytes](Bytes more) { bytes.insert(bytes.end(), more.begin(), more.end()); };
  append(std::as_bytes(offsets));
  append(BytesOf(trailer));
  append(std::as_bytes(index));
  append(BytesOf(footer));
  return bytes;
}

Result<std::vector<SpareDamage>> FindSpareDamage(int fd, const SegmentHeader& header,
                                                 std::string_view name) {
  std::vector<SpareDamage> found;
  const auto expect_zeros = [&](uint64_t begin, uint64_t end) -> Status {
    std::vector<std::byte> bytes(end - begin);
    auto got = ReadAt(fd, bytes, begin, name);
    if (!got.ok()) return got.status();
    const auto bad = std::find_if(bytes.begin(), bytes.end(),
                                  [](std::byte byte) { return byte != std::byte{0}; });
    if (bad == bytes.end()) return {};
    found.push_back({begin + static_cast<uint64_t>(bad - bytes.begin()), begin, end,
                     "a byte that must be zero is not"});
    return {};
  };
  ROOST_RETURN_IF_ERROR(expect_zeros(sizeof(SegmentHeader), kSyncMarkOffset));
  const uint64_t mark_end = kSyncMarkOffset + sizeof(SyncMark);
  ROOST_RETURN_IF_ERROR(expect_zeros(mark_end, kSegmentHeaderBytes));
  bool mark_is_sound = false;
  auto mark = ReadSyncMark(fd, header, name, &mark_is_sound);
  if (!mark.ok()) return mark.status();
  if (!mark_is_sound) {
    found.push_back({kSyncMarkOffset, kSyncMarkOffset, mark_end, "the mark's checksum is wrong"});
  }
  if (IsCompressed(header)) return found;
  auto footer = ReadFooter(fd, header, name);
  if (!footer.ok()) return footer.status();
  if (!*footer) return found;
  const uint64_t index = ClosedSegmentBytes(header, **footer) - FooterBytes(**footer);
  ROOST_RETURN_IF_ERROR(expect_zeros(index - kSegmentEndBytes, index));
  return found;
}

uint32_t FrameChecksum(const FrameHeader& frame, Bytes stored) {
  return Crc32c(Checksum(frame), stored);
}

Status WriteFooter(int fd, const SegmentHeader& header, SegmentFooter footer,
                   std::span<const IndexEntry> index, std::string_view name) {
  footer.magic = kFooterMagic;
  footer.version = kSegmentVersion;
  footer.index_count = index.size();
  footer.crc32c = Checksum(footer, Crc32c(0, std::as_bytes(index)));
  std::vector<std::byte> bytes(kSegmentEndBytes);
  const auto append = [&bytes](Bytes more) { bytes.insert(bytes.end(), more.begin(), more.end()); };
  append(std::as_bytes(index));
  append(BytesOf(footer));
  ROOST_RETURN_IF_ERROR(WriteAt(fd, bytes, OffsetInSegment(header, footer.end_position), name));
  ROOST_RETURN_IF_ERROR(SyncData(fd, name));
  if (::ftruncate(fd, static_cast<off_t>(ClosedSegmentBytes(header, footer))) != 0) {
    return Status::FromErrno(errno, "cut " + std::string(name));
  }
  return SyncFile(fd, name);
}

}  // namespace roost
