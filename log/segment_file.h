// A segment's header, mark, index and footer as bytes of a file: making, checking, reading, writing.
// Functions of any thread on any descriptor.
#ifndef ROOST_LOG_SEGMENT_FILE_H_
#define ROOST_LOG_SEGMENT_FILE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "log/segment_format.h"

namespace roost {

// "00000000000000000001.segment", and back.
std::string SegmentName(uint64_t base_sequence);
std::optional<uint64_t> ParseSegmentName(std::string_view name);
inline constexpr std::string_view kNextSegmentName = "next.segment";

inline uint64_t OffsetInSegment(const SegmentHeader& header, uint64_t position) {
  return kSegmentHeaderBytes + position - header.base_position;
}

// Fills in magic, versions (a plain segment's unless it says that it is compressed) and checksum, and writes
// it.
Status WriteSegmentHeader(int fd, SegmentHeader header, std::string_view name);
// kCorruption, kIncompatible, kIoError; kGone for a file cut to nothing.
Result<SegmentHeader> ReadSegmentHeader(int fd, std::string_view name);

Status WriteSyncMark(int fd, uint64_t position, uint32_t running_s, std::string_view name);
// base_position if there is none: nothing is known to be on the disk. *is_sound: there is a good one, or
// none was written. *running_s: of the mark, else of the header.
Result<uint64_t> ReadSyncMark(int fd, const SegmentHeader& header, std::string_view name,
                              bool* is_sound = nullptr, uint32_t* running_s = nullptr);

// The footer, if there is a valid one. Its index is checked as well, and read into `index` if given.
Result<std::optional<SegmentFooter>> ReadFooter(int fd, const SegmentHeader& header,
                                                std::string_view name,
                                                std::vector<IndexEntry>* index = nullptr);
// How many bytes index and footer are: they end the file.
inline uint64_t FooterBytes(const SegmentFooter& footer) {
  return footer.index_count * sizeof(IndexEntry) + sizeof(footer);
}
// How long a closed segment is that is not compressed.
inline uint64_t ClosedSegmentBytes(const SegmentHeader& header, const SegmentFooter& footer) {
  return OffsetInSegment(header, footer.end_position) + kSegmentEndBytes + FooterBytes(footer);
}
// Of a compressed segment with this footer, if the trailer and its table of offsets are right too.
Result<std::optional<FrameTrailer>> ReadFrameTrailer(int fd, const SegmentHeader& header,
                                                     const SegmentFooter& footer,
                                                     std::string_view name);
// Fills in magic, version and checksum of the trailer of a compressed segment, and checksum of the footer,
// and returns what ends the file: offsets, trailer, index, footer.
std::vector<std::byte> EncodeCompressedEnd(std::span<const uint64_t> offsets, FrameTrailer trailer,
                                           std::span<const IndexEntry> index, SegmentFooter footer);
// What is not as it must be in a place of a segment that nothing depends on.
struct SpareDamage {
  uint64_t offset = 0;  // of the first such byte
  uint64_t begin = 0;   // from where
  uint64_t end = 0;     //   to where there should be zeros
  const char* what = nullptr;
};
// In the bytes of the header's page that must be zeros, in the mark if its checksum is wrong, and, where a plain
// segment is closed, in the zeros before its index.
Result<std::vector<SpareDamage>> FindSpareDamage(int fd, const SegmentHeader& header,
                                                 std::string_view name);
// Of the frame whose stored bytes these are.
uint32_t FrameChecksum(const FrameHeader& frame, Bytes stored);
// Closes the segment: fills in magic, version, index_count and checksum, writes zeros, index and footer,
// syncs, cuts the file behind them and syncs again. So the footer, which is one only at the file's end, and
// says that all before it is there, is never sooner on the disk than that. Doing it twice is harmless.
Status WriteFooter(int fd, const SegmentHeader& header, SegmentFooter footer,
                   std::span<const IndexEntry> index, std::string_view name);

}  // namespace roost

#endif  // ROOST_LOG_SEGMENT_FILE_H_
