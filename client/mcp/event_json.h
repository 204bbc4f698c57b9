// Events as JSON objects, in one line. What an event says about itself comes from other processes:
// whatever is no valid JSON, or no valid text, is encoded so that the result is. Any thread.
#ifndef ROOST_CLIENT_MCP_EVENT_JSON_H_
#define ROOST_CLIENT_MCP_EVENT_JSON_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "roost/event.h"
#include "roost/read.h"

namespace roost {

// Arrays and objects within each other, in the data of one event.
inline constexpr size_t kDataDepthMax = 64;

// One tool result, before it is wrapped up as an answer; and of it what comes behind a list: next, head,
// more, a gap, a hint, and what must be told besides (ended_leases.h).
inline constexpr size_t kResultBytesMax = 64 << 10;
inline constexpr size_t kResultEndBytesMax = 3 << 10;
inline constexpr size_t kListBytesMax = kResultBytesMax - kResultEndBytesMax;

void AppendNumber(std::string* out, uint64_t number);

// `"name":`, with a comma before it unless it is the first of its object.
void AppendName(std::string* out, std::string_view name);
void AppendMember(std::string* out, std::string_view name, std::string_view text);
void AppendMember(std::string* out, std::string_view name, uint64_t number);
void AppendFlag(std::string* out, std::string_view name, bool value);
void AppendTime(std::string* out, std::string_view name, uint64_t wall_ns);

// "name":[…] of as many items as fit a result; AppendItem(out, item) appends one. Returns how many.
template <typename Items, typename AppendItem>
size_t AppendList(std::string* out, std::string_view name, const Items& items,
                  AppendItem append_item) {
  AppendName(out, name);
  out->push_back('[');
  size_t count = 0;
  for (const auto& item : items) {
    const size_t before = out->size();
    if (count > 0) out->push_back(',');
    append_item(out, item);
    if (out->size() > kListBytesMax) {
      out->resize(before);
      break;
    }
    ++count;
  }
  out->push_back(']');
  return count;
}

// {"sequence":…,"stream":…,…,"data":…}. The data is kept byte for byte, but for line ends, which become
// spaces. Data that is no JSON, and that of other content types, is given as data_base64. If the object
// would pass `bytes_max`, it says "truncated":true and "bytes": how many, instead of the data, and false
// is returned.
bool AppendEvent(std::string* out, const EventView& event, size_t bytes_max = SIZE_MAX);

// {"events":[…],"next":…,"head":…,"more":…} of at most about kResultBytesMax: events that do not fit any
// more are left for the next page, and one that fits no page is cut. `more_members` ends the object:
// "" or members with a comma before them.
std::string PageJson(const Page& page, std::string_view more_members = {});

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_EVENT_JSON_H_
