// Compresses closed segments (log/segment_format.h), one at a time. The file is written under another name,
// read back, synced and renamed over the plain one, so that after a crash at any moment there is the one or
// the other. Whoever has the plain one open goes on reading it; its space is free when nobody has.
//
// For whoever holds the data directory's lock, one thread at a time. Memory: about 3 MiB.
#ifndef ROOST_LOG_SEGMENT_COMPACTOR_H_
#define ROOST_LOG_SEGMENT_COMPACTOR_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/unique_fd.h"
#include "log/data_directory.h"

namespace roost {

inline constexpr int kCompactionLevelMin = 1;
inline constexpr int kCompactionLevelMax = 19;
inline constexpr int kCompactionLevelDefault = 3;

// What is not finished yet. One that was left by who was killed is removed by the next, or by the next start.
inline constexpr std::string_view kCompactName = "compact.new";

struct CompactionOutcome {
  bool compressed = false;  // false: it would not have been smaller, and is as it was
  uint64_t bytes_before = 0;
  uint64_t bytes_after = 0;
};

// The closed segments of a directory that are not compressed, oldest first, but the newest `keep` of all
// closed ones. Also says how many are compressed already. Those with a damaged header are left out.
struct CompactionPlan {
  std::vector<std::string> names;
  uint64_t compressed_already = 0;
  uint64_t not_closed = 0;
};
Result<CompactionPlan> PlanCompaction(const std::string& directory, uint64_t keep);

// kInvalidArgument: it is not closed and plain. kCorruption: it is damaged, and left as it is. kExhausted: no
// room for the compressed one beside it.
Result<CompactionOutcome> CompactSegment(const DataDirectory& directory, const std::string& name,
                                         int level);

// Makes a compressed segment plain again: its records up to `end_position`, and zeros as in an open one, also in the
// place of frames that are damaged. It is
// on the disk when this returns, open for reading and writing.
Result<UniqueFd> ExpandSegment(const DataDirectory& directory, const std::string& name,
                               uint64_t end_position);

}  // namespace roost

#endif  // ROOST_LOG_SEGMENT_COMPACTOR_H_
