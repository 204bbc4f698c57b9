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

// One tool result, before it is wrapped up as an answer.
inline constexpr size_t kResultBytesMax = 64 << 10;

void AppendNumber(std::string* out, uint64_t number);

// `"name":`, with a comma before it unless it is the first of its object.
void AppendName(std::string* out, std::string_view name);
void AppendMember(std::string* out, std::string_view name, std::string_view text);
void AppendMember(std::string* out, std::string_view name, uint64_t number);
void AppendTime(std::string* out, std::string_view name, uint64_t wall_ns);

// {"sequence":…,"stream":…,…,"data":…}. The data is kept byte for byte, but for line ends, which become
// spaces. Data that is no JSON, and that of other content types, is given as data_base64. If the object
// would pass `bytes_max`, it says "truncated":true and "bytes": how many, instead of the data.
void AppendEvent(std::string* out, const EventView& event, size_t bytes_max = SIZE_MAX);

// {"events":[…],"next":…,"head":…,"more":…} of at most about kResultBytesMax: events that do not fit any
// more are left for the next page, and one that fits no page is cut. `more_members` ends the object:
// "" or members with a comma before them.
std::string PageJson(const Page& page, std::string_view more_members = {});

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_EVENT_JSON_H_
