// Answers a ReadQuery from the ring and, where the ring has not got it (any more), from segments. Never
// blocks and asks nobody: when it needs a segment that is not in the cache it says which, and goes on
// where it was when called again.
//
// One thread. Scans at most kScanBytesMax or kScanNsMax a query (with all its continuations), then ends
// the page with more() and next().
#ifndef ROOST_CLIENT_LOG_READER_H_
#define ROOST_CLIENT_LOG_READER_H_

#include <cstdint>
#include <string>

#include "base/status.h"
#include "client/segment_cache.h"
#include "log/ring_reader.h"
#include "roost/read.h"

namespace roost {

class LogReader {
 public:
  static constexpr uint64_t kScanBytesMax = 16ull << 20;
  static constexpr uint64_t kScanNsMax = 20'000'000;

  // The ring (nullptr: only segments, for tools without a broker) and the cache outlive the reader.
  LogReader(const RingReader* ring, SegmentCache* segments);

  enum class Step {
    kDone,           // *page is the answer
    kNeedsSegment,   // put the segment with needed_sequence() (or needed_position(), if not 0) into the
                     // cache, then Continue(); or ContinueWithout() if it is gone
    kFailed,         // status() says why: kCorruption, kIoError, kInvalidArgument
  };

  // Begins a query. `page` is cleared, and filled over Begin and Continue; it outlives the query.
  Step Begin(const ReadQuery& query, Page* page);
  Step Continue();
  // The events asked for are nowhere: the page gets a Gap up to `oldest`, and reading goes on there.
  Step ContinueWithout(uint64_t oldest);

  uint64_t needed_sequence() const { return needed_sequence_; }
  uint64_t needed_position() const { return needed_position_; }
  const Status& status() const { return status_; }

 private:
  // (to be completed by log_reader.cc's author)
  uint64_t needed_sequence_ = 0;
  uint64_t needed_position_ = 0;
  Status status_;
};

}  // namespace roost

#endif  // ROOST_CLIENT_LOG_READER_H_
