// Checkpoints as bytes and as files: making, checking, reading, writing. The format and the order of the steps are
// in log/checkpoint_format.h.
//
// Functions of any thread. A checkpoint that is read is wholly in memory, at most kCheckpointBytesMax.
#ifndef ROOST_LOG_CHECKPOINT_FILE_H_
#define ROOST_LOG_CHECKPOINT_FILE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "log/checkpoint_format.h"
#include "log/data_directory.h"

namespace roost {

inline constexpr std::string_view kNewCheckpointName = "checkpoint.new";

// "00000000000000000812.checkpoint", and back.
std::string CheckpointName(uint64_t first_sequence);
std::optional<uint64_t> ParseCheckpointName(std::string_view name);

struct StateSection {
  SectionKind kind;
  std::vector<std::byte> bytes;
};

// What a checkpoint says; the sections point into its bytes.
struct CheckpointView {
  CheckpointHeader header{};
  struct Section {
    SectionKind kind;
    uint64_t offset;  // in the file
    Bytes bytes;
  };
  std::vector<Section> sections;

  const Section* Find(SectionKind kind) const;
};

// Rules 1 and 3. kCorruption (with `name` and the offset), kIncompatible. Pure.
Result<CheckpointView> ParseCheckpoint(Bytes file, std::string_view name);

// The whole file. `header`: its log id, first sequence and position; the rest is filled in.
std::vector<std::byte> MakeCheckpoint(CheckpointHeader header,
                                      const std::vector<StateSection>& sections);

// A checkpoint of a data directory, checked by all three rules.
struct Checkpoint {
  std::string path;
  std::vector<std::byte> bytes;
  CheckpointView view;

  uint64_t first_sequence() const { return view.header.first_sequence; }
  uint64_t first_position() const { return view.header.first_position; }
  // Of damage within a section that its checksum does not show.
  Status Damaged(SectionKind kind) const;
};
// `log_id`: nullptr when it is not known. kCorruption, kIncompatible, kNotFound, kIoError.
Result<Checkpoint> ReadCheckpoint(const std::string& directory, uint64_t first_sequence,
                                  const uint8_t* log_id);

// First sequences of those that are there by name, oldest first.
Result<std::vector<uint64_t>> ListCheckpoints(const std::string& directory);

// Steps 1 and 2. When it fails nothing but kNewCheckpointName or a whole checkpoint may be there; kExhausted: no
// room, try again later; any other failure: nobody knows what is on the disk.
Status WriteCheckpoint(const DataDirectory& directory, uint64_t first_sequence, Bytes file);

// Step 4 for one segment: whoever reads it finds that it is gone, and its space is free.
Status DeleteSegment(const DataDirectory& directory, std::string_view name);

}  // namespace roost

#endif  // ROOST_LOG_CHECKPOINT_FILE_H_
