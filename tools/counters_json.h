// The tables of a counters file as members of a JSON object: requests by kind, refusals by reason, sizes, sessions and groups.
// Pure function, any thread.
#ifndef ROOST_TOOLS_COUNTERS_JSON_H_
#define ROOST_TOOLS_COUNTERS_JSON_H_

#include <string>

#include "ipc/counters_reader.h"
#include "tools/json_text.h"

namespace roost {

// `object` is being written to `text`. What agents say of themselves becomes valid UTF-8, and is otherwise as it was.
void AddCounterTables(const CountersSnapshot& counters, JsonObject* object, std::string* text);

// A member `name`: how many durations there are, and their quantiles.
void AddLatencyJson(const char* name, const LatencySnapshot& latency, JsonObject* object,
                    std::string* text);

}  // namespace roost

#endif  // ROOST_TOOLS_COUNTERS_JSON_H_
