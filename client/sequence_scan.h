// Answers a query by looking at one event after another, in the order of sequences: the whole log, a prefix,
// and, where there is no ring with its stream table, single streams too. One thread.
#ifndef ROOST_CLIENT_SEQUENCE_SCAN_H_
#define ROOST_CLIENT_SEQUENCE_SCAN_H_

#include <cstdint>

#include "client/query_run.h"
#include "log/ring_reader.h"

namespace roost {

class SequenceScan {
 public:
  // `ring` may be nullptr.
  explicit SequenceScan(const RingReader* ring) : ring_(ring) {}

  void Begin(const QueryRun& run);
  // kOk: the page is finished. After kNeedsSegment it goes on where it was.
  ReadStep Run(QueryRun* run);
  // Where a step other than kOk stopped.
  uint64_t next_sequence() const { return next_; }

 private:
  bool Wants(const QueryRun& run, const RecordHeader& header, uint64_t position);
  ReadStep LookAtNext(QueryRun* run);
  bool AtEnd(const QueryRun& run) const;
  bool PassOverGap(QueryRun* run);
  void Finish(QueryRun* run);

  const RingReader* ring_;
  uint64_t next_ = 0;                  // the event to look at next
  uint32_t stream_asked_ = kNoStream;  // the last stream id that was compared with the prefix
  bool stream_matched_ = false;
};

}  // namespace roost

#endif  // ROOST_CLIENT_SEQUENCE_SCAN_H_
