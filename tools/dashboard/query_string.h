// The part of a URL behind the '?', as browsers write it. Pure; any thread. Nothing in it is trusted: it is as long as the
// request's head may be.
#ifndef ROOST_TOOLS_DASHBOARD_QUERY_STRING_H_
#define ROOST_TOOLS_DASHBOARD_QUERY_STRING_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "roost/read.h"

namespace roost {

using QueryFields = std::vector<std::pair<std::string, std::string>>;

// "a=1&b=x%20y" in its order. kInvalidArgument: a % that means nothing, a name or value that is not UTF-8, or more than 32
// fields.
Result<QueryFields> SplitQuery(std::string_view query);

// What an event browser asks for: stream (with * at the end a prefix), type (as often as you like), agent, since (a time or how
// long ago), after, before, limit, order (oldest or newest). Other names are kInvalidArgument.
Result<ReadQuery> ParseReadQuery(std::string_view query, uint32_t limit_max);

// A number in decimal digits alone.
Result<uint64_t> ParseNumber(std::string_view text);

}  // namespace roost

#endif  // ROOST_TOOLS_DASHBOARD_QUERY_STRING_H_
