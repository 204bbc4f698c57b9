// What the operator has chosen, and what a key changes of it. Pure; one thread.
#ifndef ROOST_TOOLS_TOP_TOP_STATE_H_
#define ROOST_TOOLS_TOP_TOP_STATE_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <string>

#include "tools/top/top_tables.h"

namespace roost {

enum class Key {
  kCharacter,  // `text` says which
  kEnter,
  kEscape,
  kBackspace,
  kTab,
  kBackTab,
  kUp,
  kDown,
  kLeft,
  kRight,
  kPageUp,
  kPageDown,
  kHome,
  kEnd,
};

struct KeyPress {
  Key key = Key::kCharacter;
  std::string text;  // UTF-8
};

struct TopState {
  static constexpr size_t kFilterBytesMax = 128;

  TableKind table = TableKind::kSessions;
  std::array<TableOrder, kTableCount> orders{UsualOrder(TableKind::kSessions),
                                             UsualOrder(TableKind::kGroups),
                                             UsualOrder(TableKind::kStreams)};
  std::string filter;  // of the table that is in front
  bool filtering = false;  // it is being typed
  std::string filter_before;  // what Escape goes back to
  bool paused = false;
  bool help = false;
  size_t scroll = 0;  // rows of the table in front that stand above the screen
  std::chrono::milliseconds interval{1000};

  TableOrder& order() { return orders[static_cast<size_t>(table)]; }
  const TableOrder& order() const { return orders[static_cast<size_t>(table)]; }
};

enum class KeyEffect { kNothing, kDraw, kRedrawAll, kQuit };

// `table` is the one in front as it is shown, `page` how many rows of it the screen has.
KeyEffect PressKey(const KeyPress& press, const TopTable& table, size_t page, TopState* state);

}  // namespace roost

#endif  // ROOST_TOOLS_TOP_TOP_STATE_H_
