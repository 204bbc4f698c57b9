// The log in a data directory, without a broker: for tools that look into a journal which nobody serves
// at the moment (or beside a broker that does: then the log is seen as it was at Open).
//
// One thread. Reads by pread alone, so damage is never a signal. It hides no event but those that it has
// taken: a segment in which some is met is looked through whole, once, and reading goes on around it.
#ifndef ROOST_CLIENT_DIRECTORY_LOG_H_
#define ROOST_CLIENT_DIRECTORY_LOG_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "client/log_reader.h"
#include "client/segment_cache.h"
#include "log/segment_reader.h"
#include "log/segment_salvage.h"
#include "roost/read.h"

namespace roost {

class DirectoryLog {
 public:
  // Lists the segments and looks where the log ends; an incomplete last batch does not count.
  // kNotFound: no such directory, or no segment in it. kIncompatible, kPermissionDenied, kIoError.
  static Result<std::unique_ptr<DirectoryLog>> Open(const std::string& directory);

  uint64_t oldest() const { return oldest_; }  // the oldest event that there is
  uint64_t head() const { return head_; }      // the newest; oldest() - 1: there is none
  const SegmentHeader& newest_segment() const { return newest_; }  // log id and epoch

  // Like Client::Read: at most one page, at most 16 MiB or 20 ms of scanning, then page->more(). A
  // stream's events are found by scanning, since its table is the broker's.
  Status Read(const ReadQuery& query, Page* page);

  // What the last call of Read or ListStreams passed over because damage has taken it, in its order.
  const std::vector<LostStretch>& lost() const { return lost_; }

  // Scans the whole log. In order of first appearance, at most `limit`.
  Result<std::vector<StreamInfo>> ListStreams(std::string_view prefix, size_t limit);

 private:
  DirectoryLog() = default;

  Status FindEnd();
  Status ReadPage(const ReadQuery& query, Page* page);
  void NoteLost(const ReadQuery& query, const Page& page);
  // Which file should have the event; files_.size(): none.
  size_t FileOf(uint64_t sequence) const;
  // Puts the segment with `sequence` into the cache. kGone: there is none.
  Status FetchSegment(uint64_t sequence);
  // Finds out what can be read of a file that has damage. kGone: it was taken meanwhile.
  Status LookInto(size_t file);
  Result<SalvageSpec> SpecOf(size_t file, int fd);
  uint64_t LikelyBase(size_t file);
  Result<SegmentCache::Entry> OpenAround(size_t file) const;

  std::vector<SegmentFile> files_;  // oldest first
  SegmentHeader newest_{};
  std::map<size_t, std::shared_ptr<const SegmentSalvage>> salvages_;  // by file
  std::vector<LostStretch> lost_;
  SegmentCache segments_;
  uint64_t oldest_ = 1;
  uint64_t head_ = 0;
  std::unique_ptr<LogReader> reader_;
};

}  // namespace roost

#endif  // ROOST_CLIENT_DIRECTORY_LOG_H_
