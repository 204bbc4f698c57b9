// What a broker that died may have left in the kernel's memory alone.
//
// A page whose write to the disk failed stays in memory, and the kernel takes it for clean: whoever reads
// the file sees it, no fdatasync writes it any more, and a power cut takes it. The broker that was told
// has stopped; the next one must not build on such pages. It can't tell them from others, so it writes all
// that is not known to be on the disk once more, with the same bytes. They are dirty then, and whether the
// next fdatasync goes well says how they are.
//
// Any thread.
#ifndef ROOST_LOG_UNSYNCED_H_
#define ROOST_LOG_UNSYNCED_H_

#include <span>

#include "base/status.h"
#include "log/data_directory.h"
#include "log/journal_writer.h"

namespace roost {

// Writes what is behind the newest mark again: `segments`, oldest first, are the journal as recovered.
// Syncs those that are closed; those that are open are synced with what will be appended. At most what
// two syncs of the journal lie apart, unless a broker died before its first.
Status WriteUnsyncedAgain(const DataDirectory& directory, std::span<const JournalSegment> segments);

}  // namespace roost

#endif  // ROOST_LOG_UNSYNCED_H_
