// Runs one query at a time against the ring and, where the ring has not got it any more, against segments
// of the journal, which are asked of the broker without waiting for them. One thread; destroying it
// withdraws a query under way.
#ifndef ROOST_CLIENT_MCP_PAGE_READER_H_
#define ROOST_CLIENT_MCP_PAGE_READER_H_

#include <cstdint>
#include <functional>
#include <optional>

#include "client/log_reader.h"
#include "client/mcp/log_access.h"
#include "client/mcp/operation.h"

namespace roost {

class PageReader {
 public:
  explicit PageReader(LogAccess* log) : log_(log) {}

  // Calls `done` once, at once when the ring has everything. If it is ok the page is page(), until the
  // next Read. REQUIRES: a ring is mapped.
  void Read(const ReadQuery& query, uint64_t deadline_ns, LogAccess::Done done);

  const Page& page() const { return page_; }

 private:
  void Begin();
  void Follow(LogReader::Step step);
  void Done(const Status& status);
  void Fetch();
  void OnSegment(const Status& status);

  LogAccess* log_;
  ReadQuery query_;
  uint64_t deadline_ns_ = 0;
  LogAccess::Done done_;
  std::optional<LogReader> reader_;
  uint64_t generation_ = 0;  // of the ring that reader_ reads
  Page page_;
  Guard guard_;
};

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_PAGE_READER_H_
