// The whole screen of roost top, drawn into a frame of any size: how the broker is, rates and latencies with sparklines, then the
// table in front, and the others where there is room. Pure but for the widths of columns, which it remembers. One thread.
#ifndef ROOST_TOOLS_TOP_TOP_SCREEN_H_
#define ROOST_TOOLS_TOP_TOP_SCREEN_H_

#include <array>
#include <string>
#include <vector>

#include "tools/monitor/history.h"
#include "tools/monitor/interval.h"
#include "tools/monitor/stream_tally.h"
#include "tools/top/frame.h"
#include "tools/top/top_state.h"

namespace roost {

// What is shown; the history's last is the interval's.
struct TopView {
  Interval interval;
  History history;
  std::vector<StreamRate> streams;
};

struct ScreenSize {
  size_t columns = 80;
  size_t lines = 24;  // 0: as many as it takes, and nothing about keys: for a pipe
};

class TopScreen {
 public:
  explicit TopScreen(Charset charset) : charset_(charset) {}

  Frame Draw(const TopView& view, const TopState& state, ScreenSize size);
  // Columns begin anew with their least widths.
  void ForgetWidths() { widths_ = {}; }

  // As drawn last: the table in front, filtered and sorted, and how many of its rows the screen has.
  const TopTable& front() const { return front_; }
  size_t page() const { return page_; }

 private:
  using Lines = std::vector<FrameLine>;

  TopTable MakeTable(TableKind kind, const TopView& view) const;
  void AddTables(const TopView& view, const TopState& state, ScreenSize size, Lines* lines);
  void AddOtherTables(const TopView& view, const TopState& state, ScreenSize size, size_t end,
                      Lines* lines);
  FrameLine Tabs(const TopView& view, const TopState& state, size_t columns) const;

  Charset charset_;
  std::array<ColumnWidths, kTableCount> widths_;
  TopTable front_;
  size_t page_ = 0;
};

}  // namespace roost

#endif  // ROOST_TOOLS_TOP_TOP_SCREEN_H_
