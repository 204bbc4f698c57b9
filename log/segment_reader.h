// Reads one segment of the journal by pread, so that a file that is cut or damaged is an error and
// never a signal. For the broker, for clients (on a descriptor that the broker handed out) and for tools
// that look into a data directory without a broker.
//
// A segment may be open, and written by the broker while it is read: then only events up to the ring's
// head may be asked for. It may be closed or taken by retention meanwhile; that is noticed.
//
// One thread at a time. Keeps one read-ahead buffer, at most kReadAheadBytes, given back by Release().
// How much is read at once follows from where the reading goes: a place alone kReadPlaceBytes, the
// neighbourhood of the place before kReadNearBytes, on and on forwards up to kReadAheadBytes. So a walk
// along a stream's links reads little where the stream's events are far apart, and a scan that wants
// headers alone reads none of the bodies larger than kReadNearBytes / 4. To an event that the index leads near to,
// the way is read at once.
// Of a compressed segment whole frames are read (log/segment_bytes.h); Release() gives them back, too.
// A record that is larger is read straight to where it goes, and is never above kRecordBytesMax.
#ifndef ROOST_LOG_SEGMENT_READER_H_
#define ROOST_LOG_SEGMENT_READER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "base/unique_fd.h"
#include "log/record_format.h"
#include "log/segment_bytes.h"
#include "log/segment_format.h"
#include "log/window_buffer.h"

namespace roost {

class SegmentReader {
 public:
  static constexpr size_t kReadAheadBytes = 256 << 10;
  static constexpr size_t kReadNearBytes = 16 << 10;
  static constexpr size_t kReadPlaceBytes = 1 << 10;

  // Reads and checks the header and, if there is one, the footer with its index. `name` is for messages.
  // kCorruption, kIncompatible, kIoError, kGone (the file was cut to nothing by retention).
  static Result<SegmentReader> Open(UniqueFd fd, std::string name);
  // Of a file whose header is damaged, with one that fits: only where its records are must be right.
  static Result<SegmentReader> OpenAs(UniqueFd fd, std::string name, const SegmentHeader& header);

  const SegmentHeader& header() const { return header_; }
  const std::optional<SegmentFooter>& footer() const { return footer_; }
  const std::string& name() const { return name_; }
  uint64_t base_sequence() const { return header_.base_sequence; }
  uint64_t base_position() const { return header_.base_position; }

  enum class Outcome {
    kRecord,
    kEnd,      // zeros, or the end of the segment: nothing was written there (yet)
    kDamaged,  // bytes that are no record, or a position that cannot be; status() says where and what
    kGone,     // the file was cut: retention took it
    kError,    // the read failed; status() has the errno
  };

  // The header of the record at `position`, sizes checked (rule 1), checksum not.
  Outcome ReadHeaderAt(uint64_t position, RecordHeader* header);
  // Appends the whole record to `out`, its checksum checked (rules 1 and 2).
  Outcome ReadRecordAt(uint64_t position, std::vector<std::byte>* out);
  // The same of a record whose header ReadHeaderAt has read.
  Outcome ReadRecordAt(uint64_t position, const RecordHeader& header, std::vector<std::byte>* out);

  // The position of event `sequence`, by walking from `anchor_position` (an event at or before it) or, if
  // that is 0, by the footer's index or else from the beginning. kNotFound if the segment does not have it.
  Result<uint64_t> FindSequence(uint64_t sequence, uint64_t anchor_position = 0);

  // Why the last outcome was kDamaged or kError.
  const Status& status() const { return status_; }

  // Where frames of a compressed segment are kept; else the reader keeps the last one itself.
  void Share(std::shared_ptr<FrameCache> frames) { bytes_.Share(std::move(frames)); }
  // Gives the read-ahead buffer back.
  void Release();
  // Of the read-ahead buffer, as they are had from the allocator.
  size_t buffer_bytes() const { return buffer_.capacity(); }
  // Keeps it if it is no more than a few places': for whoever turns to another segment for now.
  void ReleaseIfLarge();

 private:
  SegmentReader() = default;

  // The end of what may be records, as far as it is known.
  uint64_t EndPosition() const;
  // Has bytes [position, position + size) in the buffer, or as many as the file has; sets *available.
  Outcome Fill(uint64_t position, uint64_t size, uint64_t* available);
  // Fill() without what the buffer has: an open segment may have grown since.
  Outcome Refill(uint64_t position, uint64_t size, uint64_t* available);
  Outcome ReadWindow(uint64_t begin, uint64_t position, uint64_t size, uint64_t* available);
  // Where Refill begins to read, and how much at once is worth it (read_ahead_).
  uint64_t ChooseWindow(uint64_t position, uint64_t size);
  void TrustBuffer();
  Outcome HeaderAt(uint64_t position, RecordHeader* header);
  Outcome ReadLarge(uint64_t position, uint64_t size, std::vector<std::byte>* out);
  Outcome AfterTheRecords(uint64_t position);
  Result<uint64_t> SearchStart(uint64_t sequence, uint64_t anchor_position);
  // By the footer's index.
  Result<uint64_t> IndexedStart(uint64_t sequence);
  // Reads about as much at once as lies from there up to behind event `sequence`.
  void ReadUpTo(uint64_t sequence, const IndexEntry& from, uint64_t next_position);
  Outcome Damaged(uint64_t position, std::string_view what);
  Outcome Failed(Status status);
  Outcome ReadFailed(Status status);
  Status WhyShort(uint64_t position);
  Status TakeFooter(std::optional<SegmentFooter> footer);

  UniqueFd fd_;
  SegmentBytes bytes_;
  uint64_t file_bytes_ = 0;  // of a closed segment
  std::string name_;
  SegmentHeader header_{};
  std::optional<SegmentFooter> footer_;
  WindowBuffer buffer_;
  uint64_t buffer_position_ = 0;
  size_t read_ahead_ = kReadPlaceBytes;
  uint64_t used_end_ = 0;  // of what was asked for last: reading goes on from there, not from the buffer's end
  // Up to here the buffer has whole records. Behind it, in an open segment, there may be half a record
  // that the broker was writing when it was read.
  uint64_t trusted_end_ = 0;
  Status status_;
};

// The segments of a data directory, oldest first, by name alone.
struct SegmentFile {
  uint64_t base_sequence;
  std::string path;
};
Result<std::vector<SegmentFile>> ListSegments(const std::string& directory);

}  // namespace roost

#endif  // ROOST_LOG_SEGMENT_READER_H_
