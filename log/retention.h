// Keeps the journal as short as its options say, by deleting whole segments at its front once a checkpoint has what
// their events come to. The steps, and what a crash between them leaves, are in log/checkpoint_format.h.
//
// Bytes: the sizes of the segments' files and of the checkpoint. Age: a segment goes when its newest event is older
// than that by the brokers' running time (SegmentHeader::running_s), so no wall clock deletes anything. So that old
// events do not wait for a segment to become full, one is closed early after a quarter of that age, but only by an
// append: while nothing is appended nothing becomes older than it was.
//
// One thread beside the log's others (Run). Reads each segment that it deletes once, and loads the new checkpoint
// before it deletes anything: what a start could not make use of is never relied on.
#ifndef ROOST_LOG_RETENTION_H_
#define ROOST_LOG_RETENTION_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "base/status.h"
#include "log/data_directory.h"
#include "log/journal_writer.h"
#include "log/log_fold.h"
#include "log/log_writer.h"

namespace roost {

struct RetentionSpec {
  uint64_t bytes = 0;   // 0: no such bound
  uint64_t age_ns = 0;  // 0: no such bound
  uint64_t streams_max = 0;
  uint8_t log_id[16] = {};
};

class Retention {
 public:
  // Called before the first segment is cut: events before `oldest` go.
  using Announce = std::function<void(uint64_t oldest, const LogFold& fold)>;

  // `directory` and `journal` outlive it.
  Retention(const DataDirectory* directory, JournalWriter* journal, const RetentionSpec& spec,
            Announce announce)
      : directory_(directory), journal_(journal), spec_(spec), announce_(std::move(announce)) {}

  // As LogWriter::Retain.
  Result<RetentionRound> Run(const ObserverMaker& make);

 private:
  using Segments = std::vector<JournalSegment>;

  // How many segments at the front are not to be kept.
  size_t CountDue(const Segments& segments, uint64_t checkpoint_bytes) const;
  bool IsTooOld(const JournalSegment& next) const;
  void CloseEarly(const JournalSegment& newest) const;
  Result<RetentionRound> Delete(const Segments& segments, size_t count, const ObserverMaker& make);
  Result<std::vector<std::byte>> MakeFile(const Segments& segments, size_t count,
                                          const ObserverMaker& make) const;
  Result<std::unique_ptr<LogFold>> LoadAgain(const std::vector<std::byte>& file,
                                             const SegmentHeader& next,
                                             RecoveryObserver* observer) const;
  Status FinishDeleting();
  Status Failed(Status why);
  Status Fold(LogFold* fold, const Segments& segments, size_t count) const;

  const DataDirectory* const directory_;
  JournalWriter* const journal_;
  const RetentionSpec spec_;
  const Announce announce_;
  uint64_t checkpoint_ =
      0;  // first sequence of the one that is in force; 0: not looked for yet, or none
  uint64_t checkpoint_bytes_ = 0;
  uint64_t obsolete_ = 0;  // the one before it, while it is still to be removed
  bool has_looked_ = false;
  Status failure_;
};

}  // namespace roost

#endif  // ROOST_LOG_RETENTION_H_
