// What `roost stat` says of a broker's objectives and baselines. Pure functions, any thread.
#ifndef ROOST_TOOLS_SLA_STATUS_H_
#define ROOST_TOOLS_SLA_STATUS_H_

#include <string>
#include <vector>

#include "ipc/counters_reader.h"
#include "tools/json_text.h"

namespace roost {

// One line an objective; none if there are none.
std::vector<std::string> ObjectiveLines(const CountersSnapshot& counters);
// One line for each that has shifted.
std::vector<std::string> ShiftLines(const CountersSnapshot& counters);

// The members `sla` and `baselines` of an object that is written to `text`.
void AddSlaJson(const CountersSnapshot& counters, JsonObject* object, std::string* text);

}  // namespace roost

#endif  // ROOST_TOOLS_SLA_STATUS_H_
