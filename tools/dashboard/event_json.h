// Events as the page gets them. What an agent wrote is always a JSON string, never JSON among ours: the page shows it as it is,
// big integers and all, and can't take it for anything else. Pure; any thread.
#ifndef ROOST_TOOLS_DASHBOARD_EVENT_JSON_H_
#define ROOST_TOOLS_DASHBOARD_EVENT_JSON_H_

#include <cstdint>
#include <string>
#include <vector>

#include "roost/event.h"
#include "roost/read.h"

namespace roost {

inline constexpr size_t kPreviewBytes = 400;  // of an event's data in a list

// Appends one object: sequence, stream, revision, type, agent, session, uid, time, the ids that there are, content_type unless
// it is JSON, and `bytes`, `kind` (json, text or binary) and `data`: its first `data_bytes_max` as text with `cut` if there is more, binary
// data in base64.
void AppendDashboardEvent(const EventView& event, size_t data_bytes_max, std::string* out);

// {"events":[...],"next":N,"head":N,"more":bool,"gap":{...}}, events in the page's order, as previews.
std::string PageJson(const Page& page);

// {"streams":[...],"total":N}: the `limit` of them that were written to last. `total` is how many the log has.
std::string StreamsJson(std::vector<StreamInfo> streams, size_t limit, uint64_t total);

}  // namespace roost

#endif  // ROOST_TOOLS_DASHBOARD_EVENT_JSON_H_
