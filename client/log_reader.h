// Answers a ReadQuery from the ring and, where the ring has not got it (any more), from segments. Never
// blocks and asks nobody: when it needs a segment that is not in the cache it says which, and goes on
// where it was when called again.
//
// One thread. When no more is to be read for now, SegmentCache::Release() gives memory back; a query that
// ends without more() does so itself. Scans at most kScanBytesMax or kScanNsMax a query (with all its continuations), then ends
// the page with more() and next().
#ifndef ROOST_CLIENT_LOG_READER_H_
#define ROOST_CLIENT_LOG_READER_H_

#include <cstdint>
#include <string>

#include "base/status.h"
#include "client/own_work.h"
#include "client/query_run.h"
#include "client/segment_cache.h"
#include "client/sequence_scan.h"
#include "client/stream_walk.h"
#include "log/ring_reader.h"
#include "roost/read.h"

namespace roost {

class LogReader {
 public:
  static constexpr uint64_t kScanBytesMax = 16ull << 20;
  static constexpr uint64_t kScanNsMax = 20'000'000;

  // The ring (nullptr: only segments, for tools without a broker), the cache and `own_work` (nullptr: nobody wants to know
  // who is overtaken) outlive the reader.
  LogReader(const RingReader* ring, SegmentCache* segments, OwnWork* own_work = nullptr);
  // Without a ring, of a log whose events are `oldest` to `head`. A single stream is found by scanning.
  LogReader(uint64_t oldest, uint64_t head, SegmentCache* segments);

  enum class Step {
    kDone,          // *page is the answer
    kNeedsSegment,  // put the segment with needed_sequence() (or needed_position(), if not 0) into the
                    // cache, then Continue(); or ContinueWithout() if it is gone
    kFailed,        // status() says why: kCorruption, kIoError, kInvalidArgument
  };

  // Begins a query. `page` is cleared, and filled over Begin and Continue; it outlives the query.
  Step Begin(const ReadQuery& query, Page* page);
  Step Continue();
  // The events asked for are nowhere: the page gets a Gap up to `oldest`, and reading goes on there.
  Step ContinueWithout(uint64_t oldest);

  uint64_t needed_sequence() const { return run_.source.needed_sequence(); }
  uint64_t needed_position() const { return run_.source.needed_position(); }
  const Status& status() const { return status_; }
  // Without a ring: the event that kNeedsSegment and kFailed are about.
  uint64_t next_sequence() const { return scan_.next_sequence(); }

 private:
  Status SetBounds(const ReadQuery& query, uint64_t head);
  Step Go();
  void NotePlace();

  const RingReader* ring_;
  SegmentCache* segments_;
  OwnWork* own_work_;
  uint64_t oldest_without_ring_ = 0;
  uint64_t head_without_ring_ = 0;

  QueryRun run_;
  SequenceScan scan_;
  StreamWalk walk_;
  bool lost_its_place_ = false;
  bool walks_ = false;  // the query is answered by walk_, else by scan_
  Status status_;
};

}  // namespace roost

#endif  // ROOST_CLIENT_LOG_READER_H_
