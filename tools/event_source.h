// Where a command reads events: from a broker or, with --data, from the files of a data directory,
// whether a broker runs there or not. One thread.
#ifndef ROOST_TOOLS_EVENT_SOURCE_H_
#define ROOST_TOOLS_EVENT_SOURCE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "log/segment_salvage.h"
#include "roost/read.h"
#include "tools/command.h"

namespace roost {

class EventSource {
 public:
  virtual ~EventSource() = default;

  // One page, as of Client::Read.
  virtual Status Read(const ReadQuery& query, Page* page) = 0;
  virtual Result<std::vector<StreamInfo>> ListStreams(std::string_view prefix, size_t limit) = 0;
  // What the last of these calls passed over because of damage: a broker has none.
  virtual const std::vector<LostStretch>& lost() const = 0;
};

// Of the broker when `data_directory` is empty.
Result<std::unique_ptr<EventSource>> OpenEventSource(const Program& program,
                                                     const std::string& data_directory);

// Reads page after page until `limit` events (0: all there are) were shown, the end, or `show` returns
// false. Events that are gone are told on stderr, also those that damage has taken; of these kCorruption
// tells at the end, when the others were shown. `end`, if given, gets the last page's marks:
// next() to go on from, head() and more().
struct ReadEnd {
  uint64_t next = 0;
  uint64_t head = 0;
  bool more = false;
};
Status ReadPages(EventSource& source, ReadQuery query, uint64_t limit,
                 const std::function<bool(const Page&)>& show, ReadEnd* end = nullptr);

// "tasks/1" is that stream, "tasks/*" all that begin with "tasks/", "" and "*" are all.
void SetStream(const std::string& text, Filter* filter);

// A time of RFC 3339, or a duration before now ("10m").
Result<uint64_t> ParseSince(const std::string& text);

// One line on stderr.
void PrintGap(const Gap& gap);
// One for each; returns how many of them were not accepted yet.
size_t PrintLost(const std::vector<LostStretch>& lost);
// What is said when all the rest is done: kCorruption if stretches were lost.
Status LostStatus(size_t count);

}  // namespace roost

#endif  // ROOST_TOOLS_EVENT_SOURCE_H_
