#include "tools/top/top_screen.h"

#include <fmt/core.h>

#include <algorithm>

#include "tools/top/top_summary.h"

namespace roost {
namespace {

// The table in front has at least so many lines, its tabs and header among them, where the screen has twice as many.
constexpr size_t kFrontLinesMin = 10;
// From so many lines on, the other tables have so many rows below the one in front.
constexpr size_t kTallLines = 44;
constexpr size_t kOtherRows = 5;

constexpr const char* kHelp[] = {
    "q, Ctrl-C      quit",
    "Tab, 1 2 3     sessions, groups, streams",
    "s S, > <       sort by the next or previous column; also with the arrows right and left",
    "r              turn the order round",
    "/              show only rows that have this text; Enter keeps it, Escape drops it",
    "arrows, j k    scroll, also Page Up, Page Down, Home, End",
    "p, Space       hold the picture; what happens meanwhile is still counted",
    "+ -            look more often, less often",
    "Ctrl-L         draw anew",
    "",
    "COST%     the part of one processor that the broker spent on the session's requests",
    "REQ/S     requests a second; EVENT/S, BYTES/S what it appended",
    "P50, P99  how long the broker took for them, dim: not of now, there were none",
    "READ P99  how long its reads took in its own process, as it reports them",
    "MEMORY    what would be free if its process ended (USS); with <, all that it has resident",
    "LAG       events of the stream that the group has not settled; LAG/S how it grows",
    "",
    "Streams are of the newest events, averaged over some seconds.",
};

constexpr const char* kKeys =
    "q quit  Tab table  s sort  r reverse  / filter  p pause  + - interval  ? help";

void Append(std::vector<FrameLine> more, std::vector<FrameLine>* lines) {
  for (FrameLine& line : more) lines->push_back(std::move(line));
}

}  // namespace

TopTable TopScreen::MakeTable(TableKind kind, const TopView& view) const {
  switch (kind) {
    case TableKind::kSessions:
      return SessionTable(view.interval, charset_);
    case TableKind::kGroups:
      return GroupTable(view.interval, charset_);
    case TableKind::kStreams:
      return StreamTable(view.streams, view.interval.overview.wall_ns, charset_);
  }
  return {};
}

FrameLine TopScreen::Tabs(const TopView& view, const TopState& state, size_t columns) const {
  const size_t counts[kTableCount] = {view.interval.sessions.size(), view.interval.groups.size(),
                                      view.streams.size()};
  FrameLine line(columns);
  for (size_t i = 0; i < kTableCount; ++i) {
    const auto kind = static_cast<TableKind>(i);
    const std::string tab = fmt::format(" {} {} ", TableName(kind), counts[i]);
    line.Put(tab, kind == state.table ? Style::kAccent : Style::kDim).Put(" ");
  }
  const TableColumn& sorted = front_.columns[state.order().column];
  line.Put(fmt::format(" by {}{}", sorted.title, state.order().reversed ? " reversed" : ""),
           Style::kDim);
  if (!state.filter.empty()) {
    line.Put(fmt::format("  {} of {} with \"{}\"", front_.rows.size(), front_.total,
                         ScreenText(state.filter, charset_)),
             Style::kWarning);
  }
  return line;
}

void TopScreen::AddOtherTables(const TopView& view, const TopState& state, ScreenSize size,
                               size_t end, Lines* lines) {
  for (size_t i = 0; i < kTableCount; ++i) {
    const auto kind = static_cast<TableKind>(i);
    if (kind == state.table) continue;
    TopTable table = MakeTable(kind, view);
    if (table.rows.empty()) continue;
    const TableOrder& order = state.orders[i];
    Arrange(&table, order, "");
    widths_[i].Fit(table);
    const size_t rows = size.lines == 0 ? table.rows.size() : kOtherRows;
    lines->emplace_back(size.columns);
    Append(DrawTable(table, order, widths_[i], 0,
                     std::min(rows + 1, end - std::min(end, lines->size())), size.columns,
                     charset_),
           lines);
  }
}

void TopScreen::AddTables(const TopView& view, const TopState& state, ScreenSize size,
                          Lines* lines) {
  front_ = MakeTable(state.table, view);
  Arrange(&front_, state.order(), state.filter);
  ColumnWidths& widths = widths_[static_cast<size_t>(state.table)];
  widths.Fit(front_);
  lines->push_back(Tabs(view, state, size.columns));

  const size_t end = size.lines == 0 ? SIZE_MAX : size.lines - 1;  // the keys' line
  size_t others = 0;
  if (size.lines >= kTallLines) {
    const size_t counts[kTableCount] = {view.interval.sessions.size(), view.interval.groups.size(),
                                        view.streams.size()};
    for (size_t i = 0; i < kTableCount; ++i) {
      if (static_cast<TableKind>(i) != state.table && counts[i] != 0) {
        others += 2 + std::min(counts[i], kOtherRows);
      }
    }
  }
  const size_t room = end - std::min(end, lines->size() + others);
  page_ = room == 0 ? 0 : room - 1;
  const size_t last = front_.rows.size() - std::min(front_.rows.size(), page_);
  const size_t before = lines->size();
  Append(DrawTable(front_, state.order(), widths, std::min(state.scroll, last), room, size.columns,
                   charset_),
         lines);
  if (size.lines == 0) return AddOtherTables(view, state, size, end, lines);
  if (others == 0) return;
  while (lines->size() < before + room) lines->emplace_back(size.columns);
  AddOtherTables(view, state, size, end, lines);
}

Frame TopScreen::Draw(const TopView& view, const TopState& state, ScreenSize size) {
  Frame frame;
  Lines& lines = frame.lines;
  lines = TitleLines(view.interval, state, size.columns, charset_);
  if (state.help) {
    lines.emplace_back(size.columns);
    for (const char* text : kHelp) lines.emplace_back(size.columns).Put(text);
  } else {
    Lines summary = SummaryLines(view.interval, view.history, size.columns, charset_);
    if (size.lines != 0) {
      const size_t front = std::min(kFrontLinesMin, size.lines / 2);
      const size_t room = size.lines - std::min(size.lines, lines.size() + front);
      summary.resize(std::min(summary.size(), room), FrameLine(size.columns));
    }
    Append(std::move(summary), &lines);
    AddTables(view, state, size, &lines);
  }
  if (size.lines == 0) return frame;
  lines.resize(size.lines, FrameLine(size.columns));
  FrameLine keys(size.columns);
  if (state.filtering) {
    keys.Put("filter: ", Style::kBold).Put(ScreenText(state.filter, charset_));
    frame.cursor = {size.lines - 1, std::min(keys.columns(), size.columns - 1)};
  } else {
    keys.Put(state.help ? "any key goes back" : kKeys, Style::kDim);
  }
  lines.back() = std::move(keys);
  return frame;
}

}  // namespace roost
