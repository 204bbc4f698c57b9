// Reads the whole journal when a broker starts: checks every record, cuts an incomplete end off, fills
// the ring and the writer's knowledge of streams. The rules are in recovery.cc.
//
// One thread. Memory: the directory's and the ring's, and one batch.
#ifndef ROOST_LOG_RECOVERY_H_
#define ROOST_LOG_RECOVERY_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "base/status.h"
#include "log/data_directory.h"
#include "log/journal_writer.h"
#include "log/log_writer.h"
#include "log/ring_writer.h"
#include "log/segment_format.h"
#include "log/stream_directory.h"

namespace roost {

struct RecoverySpec {
  uint8_t log_id[16] = {};  // what the segments must bear
  bool same_boot = true;    // the kernel runs since the log was opened last: no power was cut
  bool was_closed = false;  // cleanly: all that was written is on the disk
  bool accept_damage = false;
  // With accept_damage, called once, before anything is done after which numbers of events that were
  // visible may be given out again: what it writes must be on the disk when it returns. May be empty.
  std::function<Status()> before_loss;
};

struct RecoveredJournal {
  std::vector<JournalSegment> segments;  // for JournalWriter::Open
  uint64_t position = 0;                 // where the next record goes
  uint64_t head = 0;
  bool ends_with_mark = false;        // or there is no record at all
  bool sequences_may_repeat = false;  // events that were visible may be gone
  uint32_t running_s = 0;             // how long the log's brokers have run, in all
};

// `streams` is empty, `ring` is new and identified; its StartAt, Load and FinishLoading are called.
// `observer` and `report` may be null. kCorruption: damage, with file and offset. kExhausted: more streams
// than streams_max, or no room to reserve again what was cut.
Result<RecoveredJournal> RecoverJournal(const DataDirectory& directory, const RecoverySpec& spec,
                                        StreamDirectory* streams, RingWriter* ring,
                                        RecoveryObserver* observer, RecoveryReport* report);

}  // namespace roost

#endif  // ROOST_LOG_RECOVERY_H_
