// The upper part of roost top: how the broker is, and what it does as a whole. Pure; any thread.
#ifndef ROOST_TOOLS_TOP_TOP_SUMMARY_H_
#define ROOST_TOOLS_TOP_TOP_SUMMARY_H_

#include <vector>

#include "tools/monitor/history.h"
#include "tools/monitor/interval.h"
#include "tools/top/frame.h"
#include "tools/top/screen_text.h"
#include "tools/top/top_state.h"

namespace roost {

// What every screen has: the broker, and when it is not well why and what to do.
std::vector<FrameLine> TitleLines(const Interval& interval, const TopState& state, size_t columns,
                                  Charset charset);
// The rest, most important first, so that a small screen can do with the first of them: rates, the broker's process, what is not as
// it is to be (objectives that are not met, latencies and rates that have shifted), latencies, and the other objectives.
std::vector<FrameLine> SummaryLines(const Interval& interval, const History& history,
                                    size_t columns, Charset charset);

}  // namespace roost

#endif  // ROOST_TOOLS_TOP_TOP_SUMMARY_H_
