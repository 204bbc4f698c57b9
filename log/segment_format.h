// A segment: one file of the journal, `<base sequence as 20 digits>.segment` in the data directory.
//
//   0                4096                       end   end + 96
//   +--------+-------+--------------------------+-----+--------------+---------------+
//   | header | mark  | records, without a gap   | 0   | IndexEntry[] | SegmentFooter |
//   +--------+-------+--------------------------+-----+--------------+---------------+
//   <- kSegmentHeaderBytes ->                   <- a closed segment only ------------>
//
// The record at position p is at file offset kSegmentHeaderBytes + p - base_position. A batch is never
// split over two segments. An open segment is preallocated and zero behind its last record. When the
// next batch does not fit, the segment is full: the next one is begun, and a helper thread closes the
// full one behind the writer's back: index and footer are written behind the last record and synced, the
// file is cut to its length and synced again. A closed segment is never written again (but see lost_last).
//
// The kSegmentEndBytes of zeros before the index tell a reader that has opened the file while it was
// open where the records end. `size` has room for index and footer, so closing needs no more space.
//
// A compressed segment has the same header page (with kCompressedSegmentVersion), index and footer, and in
// place of the records
//
//   4096                                table_offset                          end of file
//   +-------------+-------+-----+-------+-----------------+--------------+--------------+---------------+
//   | FrameHeader | bytes | ... |       | uint64_t        | FrameTrailer | IndexEntry[] | SegmentFooter |
//   |             |       |     |       | offset[frames]  |              |              |               |
//   +-------------+-------+-----+-------+-----------------+--------------+--------------+---------------+
//
// Each frame has the next kFrameBytes of the records, the last one what is left: as a zstd frame, or as they
// are where that is no shorter. Positions are those of the plain segment, so all links and indexes stay
// right. offset[n] is where frame n begins in the file. Only a closed segment is compressed: written as
// compact.new, synced, and renamed over the plain one (log/segment_compactor.h). Whoever had that one open
// goes on reading it. It is never written again.
//
// The mark (SyncMark, at kSyncMarkOffset) says up to where the segment is known to have been on the disk
// a moment ago. It is written after the fdatasync that made it true and reaches the disk with a later
// one, so it is always behind the truth. What is before it can't have been lost by a power cut.
//
// The data directory (0700; files 0600):
//   lock            flock()ed while a broker runs; "<pid>\n<socket>\n<log id>\n" for the one that is refused
//   identity        IdentityFile: what this log is
//   identity.new    the same while it is written
//   <20 digits>.segment
//   next.segment    preallocated for the next segment; gets its header, then its name, when it is begun
//   compact.new     a closed segment while it is compressed; or expanded again, when damage was accepted
//   <20 digits>.checkpoint    what the events before that segment come to (log/checkpoint_format.h)
//   checkpoint.new  the same while it is written
//   *.damaged       a segment that --accept-damage has set aside; Roost does not look at it any more
//
// A footer is valid if it ends the file, its magic, version and checksum are right, and its fields fit
// the header and the file's length. A segment without valid footer that another one follows is
// complete up to where that one begins, and gets its footer later. Otherwise it is open, or was when its
// broker died.
#ifndef ROOST_LOG_SEGMENT_FORMAT_H_
#define ROOST_LOG_SEGMENT_FORMAT_H_

#include <cstddef>
#include <cstdint>

namespace roost {

inline constexpr uint64_t kSegmentMagic = 0x3147455354535252;  // "RRSTSEG1"
inline constexpr uint64_t kFooterMagic = 0x31544f4f46545352;   // "RSTFOOT1"
inline constexpr uint64_t kIdentityMagic = 0x3144495453525352;
inline constexpr uint32_t kSegmentVersion = 1;
inline constexpr uint32_t kCompressedSegmentVersion = 2;
inline constexpr uint64_t kSegmentHeaderBytes = 4096;
inline constexpr uint64_t kSegmentEndBytes = 96;  // a record header's
inline constexpr uint64_t kSegmentBytesMin = 64ull << 10;
inline constexpr uint64_t kSegmentBytesMax = 4ull << 30;
inline constexpr uint64_t kFrameBytes = 64ull
                                        << 10;  // of records in a frame of a compressed segment
inline constexpr uint64_t kFramesMagic = 0x314d415246545352;  // "RSTFRAM1"
inline constexpr uint64_t kIndexStride = 64;  // one IndexEntry for each 64th event of a segment

struct SegmentHeader {
  uint64_t magic;
  uint32_t version;
  uint32_t record_version;
  uint8_t log_id[16];
  uint64_t epoch;
  uint64_t base_sequence;  // of its first event
  uint64_t base_position;
  uint64_t created_ns;  // CLOCK_REALTIME
  uint64_t size;        // preallocated bytes, with this header
  uint32_t running_s;   // how long the log's brokers had run, in all, when it was begun
  uint32_t crc32c;      // of the bytes before it
};
static_assert(sizeof(SegmentHeader) == 80);

inline bool IsCompressed(const SegmentHeader& header) {
  return header.version == kCompressedSegmentVersion;
}

inline constexpr uint64_t kSyncMarkOffset =
    512;  // a sector of its own: written whole or not at all
struct SyncMark {
  uint64_t position;   // what is before it is on the disk
  uint32_t running_s;  // as in the header, when it was written
  uint32_t crc32c;     // of the bytes before it
};
static_assert(sizeof(SyncMark) == 16);

struct IndexEntry {
  uint64_t sequence;  // base_sequence, base_sequence + 64, ...
  uint64_t position;
};
static_assert(sizeof(IndexEntry) == 16);

struct SegmentFooter {
  uint64_t magic;
  uint64_t last_sequence;  // base_sequence - 1: it has no event
  uint64_t end_position;   // base_position + length of the records
  uint64_t index_count;
  uint64_t time_ns_min;
  uint64_t time_ns_max;
  uint64_t lost_last;  // 0, or: events last_sequence + 1 to this one were damaged and left out
                       // when the operator accepted that; the next segment goes on behind them
  uint32_t version;
  uint32_t crc32c;  // of the index entries and the bytes before it
};
static_assert(sizeof(SegmentFooter) == 64);

struct FrameHeader {
  uint64_t position;  // of its first byte: base_position + a multiple of kFrameBytes
  uint32_t bytes;     // of records; kFrameBytes in all but the last
  uint32_t stored;    // bytes behind this header; as many as `bytes`: they are not compressed
  uint32_t reserved;
  uint32_t crc32c;  // of the bytes before it and those stored
};
static_assert(sizeof(FrameHeader) == 24);

struct FrameTrailer {
  uint64_t magic;
  uint64_t table_offset;  // of the table of offsets before it
  uint64_t frame_count;
  uint64_t reserved;
  uint32_t version;
  uint32_t crc32c;  // of the offsets and the bytes before it
};
static_assert(sizeof(FrameTrailer) == 40);

struct IdentityFile {
  uint64_t magic;
  uint8_t log_id[16];
  uint64_t epoch;       // grows whenever sequences may be given out again
  uint8_t boot_id[16];  // of the kernel under which a broker opened the log; zeros: it was closed
                        // cleanly since; 0xff: unknown
  uint8_t session_key[32];  // secrets of sessions are made with it
  uint32_t version;
  uint32_t crc32c;  // of the bytes before it
};
static_assert(sizeof(IdentityFile) == 88);

}  // namespace roost

#endif  // ROOST_LOG_SEGMENT_FORMAT_H_
