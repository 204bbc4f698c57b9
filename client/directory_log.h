// The log in a data directory, without a broker: for tools that look into a journal which nobody serves
// at the moment (or beside a broker that does: then the log is seen as it was at Open).
//
// One thread. Reads by pread alone, so damage is a Status with file and place, never a signal.
#ifndef ROOST_CLIENT_DIRECTORY_LOG_H_
#define ROOST_CLIENT_DIRECTORY_LOG_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "client/log_reader.h"
#include "client/segment_cache.h"
#include "log/segment_reader.h"
#include "roost/read.h"

namespace roost {

class DirectoryLog {
 public:
  // Lists the segments and looks where the log ends; an incomplete last batch does not count.
  // kNotFound: no such directory, or no segment in it. kCorruption, kIncompatible, kPermissionDenied,
  // kIoError.
  static Result<std::unique_ptr<DirectoryLog>> Open(const std::string& directory);

  uint64_t oldest() const { return oldest_; }  // the oldest event that there is
  uint64_t head() const { return head_; }      // the newest; oldest() - 1: there is none
  const SegmentHeader& newest_segment() const { return newest_; }  // log id and epoch

  // Like Client::Read: at most one page, at most 16 MiB or 20 ms of scanning, then page->more(). A
  // stream's events are found by scanning, since its table is the broker's.
  Status Read(const ReadQuery& query, Page* page);

  // Scans the whole log. In order of first appearance, at most `limit`.
  Result<std::vector<StreamInfo>> ListStreams(std::string_view prefix, size_t limit);

 private:
  DirectoryLog() = default;

  Status FindEnd();
  // Puts the segment with `sequence` into the cache. kGone: there is none.
  Status FetchSegment(uint64_t sequence);

  std::vector<SegmentFile> files_;   // oldest first
  std::vector<IndexEntry> anchors_;  // places in a newest segment that has no index of its own yet
  SegmentHeader newest_{};
  SegmentCache segments_;
  uint64_t oldest_ = 1;
  uint64_t head_ = 0;
  std::unique_ptr<LogReader> reader_;
};

}  // namespace roost

#endif  // ROOST_CLIENT_DIRECTORY_LOG_H_
