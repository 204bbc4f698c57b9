// The events that a consumer took, as JSON for its model: read by revision from ring or segments, each with
// its token, in the order in which they were taken.
//
// None is ever left out. What does not fit the result whole is cut (truncated, bytes, and as the last
// resort nothing but its place); what is nowhere any more says gone, what can't be read now says unreadable:
// whoever took it can settle it all the same.
//
// One thread. Reads one page at a time and lets others have their turn between them.
#ifndef ROOST_CLIENT_MCP_TAKEN_READER_H_
#define ROOST_CLIENT_MCP_TAKEN_READER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "client/mcp/log_access.h"
#include "client/mcp/page_reader.h"

namespace roost {

class TakenReader {
 public:
  enum class Step {
    kGoOn,  // call Read again, after others had their turn
    kDone,  // json() is complete
  };

  // REQUIRES: no more than kTakeMax items.
  TakenReader(LogAccess* log, std::string stream, std::vector<TakenItem> items);

  // Reads the next page and calls `done` once, maybe at once. REQUIRES: a ring is mapped.
  void Read(uint64_t deadline_ns, std::function<void(Step)> done);

  // "events":[…], as the first member of an object.
  const std::string& json() const { return json_; }
  // Whether some were cut, whether some could not be shown at all, and why some are unreadable.
  bool truncated() const { return truncated_; }
  bool missing() const { return missing_; }
  const std::string& trouble() const { return trouble_; }

 private:
  size_t RunLength() const;
  void OnPage(const Status& status);
  void ShowEvent(const EventView& event);
  void ShowMissing(std::string_view why);
  void ShowRest(std::string trouble);
  void BeginItem();
  void EndItem();
  // How much of the result the next event may have.
  size_t Room() const;
  Step Next();

  PageReader reader_;
  std::string stream_;
  std::vector<TakenItem> items_;
  size_t next_ = 0;  // items before it are shown
  size_t run_end_ = 0;
  std::string json_;
  bool truncated_ = false;
  bool missing_ = false;
  std::string trouble_;
  int fruitless_ = 0;
};

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_TAKEN_READER_H_
