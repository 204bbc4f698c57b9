// The tables of roost top, made of what a BrokerWatch sees. Texts of agents are made harmless here (ScreenText). Pure; one thread.
#ifndef ROOST_TOOLS_TOP_TOP_TABLES_H_
#define ROOST_TOOLS_TOP_TOP_TABLES_H_

#include <vector>

#include "tools/monitor/interval.h"
#include "tools/monitor/stream_tally.h"
#include "tools/top/top_table.h"

namespace roost {

enum class TableKind { kSessions, kGroups, kStreams };
inline constexpr size_t kTableCount = 3;
const char* TableName(TableKind kind);  // "sessions", "groups", "streams"

TopTable SessionTable(const Interval& interval, Charset charset);
TopTable GroupTable(const Interval& interval, Charset charset);
// `wall_ns` is the time of the interval, to tell how old the newest events are.
TopTable StreamTable(const std::vector<StreamRate>& streams, uint64_t wall_ns, Charset charset);

// How it is sorted if nobody says otherwise: sessions by what they cost, groups by their lag, streams by their rate.
TableOrder UsualOrder(TableKind kind);

}  // namespace roost

#endif  // ROOST_TOOLS_TOP_TOP_TABLES_H_
