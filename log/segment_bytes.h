// The bytes of a segment's records by their position in the log, whether the file is plain or compressed.
// Everything that reads segments reads them through this.
//
// Of a compressed segment only the frames are read that are asked for. Nothing in the file is trusted: sizes
// are checked against kFrameBytes before memory is taken, and the checksum before zstd sees a byte.
//
// One thread. Memory: a FrameCache of one frame unless another is shared, given back by Release().
#ifndef ROOST_LOG_SEGMENT_BYTES_H_
#define ROOST_LOG_SEGMENT_BYTES_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "log/frame_cache.h"
#include "log/segment_format.h"

namespace roost {

class SegmentBytes {
 public:
  SegmentBytes() = default;
  // `fd` is the caller's and outlives it; `name` is for messages. A compressed segment without a sound footer
  // can be read up to the first frame that is damaged. kIoError.
  static Result<SegmentBytes> Open(int fd, std::string name, const SegmentHeader& header);

  // How many bytes there were: fewer than asked for at the end of the file, and before a damaged frame.
  // kCorruption: the first frame is damaged, with file and offset; kGone: the file was cut.
  Result<size_t> Read(std::span<std::byte> to, uint64_t position);
  // The same, but a damaged frame is read as zeros: IsDamaged().
  Result<size_t> ReadAround(std::span<std::byte> to, uint64_t position);
  // Whether a frame of [position, position + size) was read as zeros by the last calls of ReadAround.
  bool IsDamaged(uint64_t position, uint64_t size) const;

  // Where in the file the byte at `position` is; in a compressed one, the frame that has it.
  uint64_t OffsetOf(uint64_t position) const;
  // Behind the last byte of a compressed segment. REQUIRES: IsCompressed().
  uint64_t end_position() const { return end_position_; }

  // Where unpacked frames are kept from now on.
  void Share(std::shared_ptr<FrameCache> frames) {
    if (IsCompressed(header_)) frames_ = std::move(frames);
  }
  void Release();

 private:
  Status FindFrames();
  Result<uint64_t> OffsetOfFrame(uint64_t frame) const;
  // kCorruption, kGone, kIoError.
  Result<const std::vector<std::byte>*> Frame(uint64_t frame);
  Status Unpack(uint64_t frame, uint64_t position, uint64_t size);
  Status Damaged(uint64_t offset, const char* what) const;
  Result<size_t> ReadFrames(std::span<std::byte> to, uint64_t position, bool around);
  uint64_t frame_count() const {
    return (end_position_ - header_.base_position + kFrameBytes - 1) / kFrameBytes;
  }

  int fd_ = -1;
  std::string name_;
  SegmentHeader header_{};
  uint64_t end_position_ = 0;
  uint64_t table_offset_ = 0;      // 0: there is no sound table; then
  std::vector<uint64_t> offsets_;  // the frames were found one after the other
  std::shared_ptr<FrameCache> frames_;
  std::set<uint64_t> damaged_;  // positions of frames that ReadAround met
};

// Where the records of a compressed segment begin whose header page is damaged, as its first frame says;
// nullopt: there is no sound frame behind the page. kIoError.
Result<std::optional<uint64_t>> FindFirstFrame(int fd, std::string_view name);

// Where in the file at `path` the byte at `position` is, for a message about it.
uint64_t OffsetOnDisk(const std::string& path, const SegmentHeader& header, uint64_t position);

}  // namespace roost

#endif  // ROOST_LOG_SEGMENT_BYTES_H_
