// Where the reading of a journal begins: at event 1, or behind what a checkpoint has. For recovery and verification.
//
// The newest valid checkpoint is the one in force: what is before it was to be deleted, however far that came. One
// that is damaged is not needed if everything from an older one on, or from event 1 on, is still there. Functions of
// any thread.
#ifndef ROOST_LOG_JOURNAL_START_H_
#define ROOST_LOG_JOURNAL_START_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "log/checkpoint_file.h"
#include "log/segment_survey.h"

namespace roost {

struct DamagedCheckpoint {
  uint64_t first_sequence = 0;
  Status why;
};

struct JournalStart {
  std::optional<Checkpoint> checkpoint;  // none: with the first segment
  size_t segments_before = 0;            // so many are before it, and are to be deleted
  std::vector<uint64_t> obsolete;        // checkpoints older than it
  std::vector<DamagedCheckpoint> damaged;
  Status trouble;  // what is at the front is missing: checkpoint is not set then
};

// `segments`: by name, oldest first, also those that are not valid. `log_id`: nullptr when it is not known. The Status
// is for what can't be read, or is of another version.
Result<JournalStart> FindJournalStart(const std::string& directory,
                                      std::span<const SurveyedSegment> segments,
                                      const uint8_t* log_id);

}  // namespace roost

#endif  // ROOST_LOG_JOURNAL_START_H_
