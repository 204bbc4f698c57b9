// A checkpoint: what the events up to some segment come to, so that the segments before it can be deleted. One file
// of the data directory, `<first sequence as 20 digits>.checkpoint`: the name is that of the segment behind it.
//
//   0                  64
//   +------------------+------------------------+-----------+-----------+-----
//   | CheckpointHeader | CheckpointSection[n]   | bytes     | bytes     | ...
//   +------------------+------------------------+-----------+-----------+-----
//
// The sections' bytes follow each other without a gap, in the order of the entries, up to the file's end, and
// each kind is there at most once. Each byte of the file is under a checksum. Numbers within sections are written as
// log/state_codec.h says. kStreams is the log's own (log/stream_checkpoint.h); of the others the log only knows
// that they are there: they are what a RecoveryObserver saved.
//
// A checkpoint is valid if
//   1. magic, version, sizes and the header's checksum (over header and entries) are right;
//   2. it bears this log's id, and its name its first sequence;
//   3. the sections are where the entries say, and their checksums are right.
//
// Making one, and what may be found after a crash in between:
//   1. checkpoint.new is written and synced            it is removed
//   2. it gets its name, and the directory is synced   both are there: the segments before it need not be read
//   3. `log_oldest` is published (log/ring_format.h)
//   4. each segment before it is cut to nothing, then  the next start goes on with it
//      unlinked, the oldest one first
//   5. the checkpoint before it is unlinked            it is removed
#ifndef ROOST_LOG_CHECKPOINT_FORMAT_H_
#define ROOST_LOG_CHECKPOINT_FORMAT_H_

#include <cstddef>
#include <cstdint>

namespace roost {

inline constexpr uint64_t kCheckpointMagic = 0x3154504b43545352;  // "RSTCKPT1"
inline constexpr uint32_t kCheckpointVersion = 1;
inline constexpr uint32_t kCheckpointSectionsMax = 64;
inline constexpr uint64_t kCheckpointBytesMax = 4ull << 30;

enum class SectionKind : uint32_t {
  kStreams = 1,
  kSessions = 2,
  kIds = 3,
  kGroups = 4,
  kLeases = 5,
  kQuestions = 6,
};

struct CheckpointHeader {
  uint64_t magic;
  uint32_t version;
  uint32_t section_count;
  uint8_t log_id[16];
  uint64_t first_sequence;  // of the first event that is not in it; at least 2
  uint64_t first_position;  // where that is
  uint64_t file_bytes;
  uint32_t reserved;
  uint32_t crc32c;  // of the bytes before it and the entries
};
static_assert(sizeof(CheckpointHeader) == 64);

struct CheckpointSection {
  SectionKind kind;
  uint32_t crc32c;  // of its bytes
  uint64_t offset;  // in the file
  uint64_t length;
};
static_assert(sizeof(CheckpointSection) == 24);

}  // namespace roost

#endif  // ROOST_LOG_CHECKPOINT_FORMAT_H_
