#include "tools/top/top_state.h"

#include <algorithm>

namespace roost {
namespace {

using std::chrono::milliseconds;

constexpr std::array<milliseconds, 9> kIntervals = {
    milliseconds(100),   milliseconds(250),   milliseconds(500),
    milliseconds(1'000), milliseconds(2'000), milliseconds(5'000),
    milliseconds(10'000), milliseconds(30'000), milliseconds(60'000)};

void ScrollBy(long rows, size_t row_count, size_t page, TopState* state) {
  const long last = row_count > page ? static_cast<long>(row_count - page) : 0;
  const long now = std::min(static_cast<long>(state->scroll), last);
  state->scroll = static_cast<size_t>(std::clamp(now + rows, 0l, last));
}

void ShowTable(size_t index, TopState* state) {
  state->table = static_cast<TableKind>(index % kTableCount);
  state->scroll = 0;
  state->filter.clear();
}

void SortBy(size_t column, TopState* state) {
  state->order() = {column, false};
  state->scroll = 0;
}

KeyEffect TypeFilter(const KeyPress& press, TopState* state) {
  std::string& filter = state->filter;
  state->scroll = 0;
  switch (press.key) {
    case Key::kEnter:
      state->filtering = false;
      return KeyEffect::kDraw;
    case Key::kEscape:
      state->filtering = false;
      filter = state->filter_before;
      return KeyEffect::kDraw;
    case Key::kBackspace:
      while (!filter.empty() && (static_cast<unsigned char>(filter.back()) & 0xC0) == 0x80) {
        filter.pop_back();
      }
      if (!filter.empty()) filter.pop_back();
      return KeyEffect::kDraw;
    case Key::kCharacter:
      if (press.text == "\x15") filter.clear();  // Ctrl-U
      if (static_cast<unsigned char>(press.text[0]) >= 0x20 &&
          filter.size() + press.text.size() <= TopState::kFilterBytesMax) {
        filter += press.text;
      }
      return KeyEffect::kDraw;
    default:
      return KeyEffect::kNothing;
  }
}

KeyEffect PressCharacter(char character, size_t columns, TopState* state) {
  const size_t sorted = state->order().column;
  const auto interval = std::ranges::lower_bound(kIntervals, state->interval);
  switch (character) {
    case 'q':
    case 'Q':
    case '\x03':
      return KeyEffect::kQuit;
    case 'h':
    case '?':
      state->help = true;
      break;
    case '1':
    case '2':
    case '3':
      ShowTable(static_cast<size_t>(character - '1'), state);
      break;
    case 's':
    case '>':
      SortBy((sorted + 1) % columns, state);
      break;
    case 'S':
    case '<':
      SortBy((sorted + columns - 1) % columns, state);
      break;
    case 'r':
      state->order().reversed = !state->order().reversed;
      state->scroll = 0;
      break;
    case '/':
      state->filtering = true;
      state->filter_before = state->filter;
      break;
    case ' ':
    case 'p':
      state->paused = !state->paused;
      break;
    case '+':
    case '=':
      if (interval != kIntervals.begin()) state->interval = *(interval - 1);
      break;
    case '-':
      if (const auto next = std::ranges::upper_bound(kIntervals, state->interval);
          next != kIntervals.end()) {
        state->interval = *next;
      }
      break;
    case '\x0c':  // Ctrl-L
      return KeyEffect::kRedrawAll;
    default:
      return KeyEffect::kNothing;
  }
  return KeyEffect::kDraw;
}

}  // namespace

KeyEffect PressKey(const KeyPress& press, const TopTable& table, size_t page, TopState* state) {
  if (press.key == Key::kCharacter && press.text.empty()) return KeyEffect::kNothing;
  if (state->help) {
    state->help = false;  // any key
    const bool quits = press.key == Key::kCharacter && press.text == "\x03";
    return quits ? KeyEffect::kQuit : KeyEffect::kDraw;
  }
  if (state->filtering) {
    if (press.key == Key::kCharacter && press.text == "\x03") return KeyEffect::kQuit;
    return TypeFilter(press, state);
  }
  const size_t rows = table.rows.size();
  const size_t columns = table.columns.size();
  const size_t sorted = state->order().column;
  const auto step = static_cast<long>(std::max<size_t>(page, 2) - 1);
  switch (press.key) {
    case Key::kCharacter:
      if (press.text == "j") {
        ScrollBy(1, rows, page, state);
      } else if (press.text == "k") {
        ScrollBy(-1, rows, page, state);
      } else {
        return PressCharacter(press.text[0], columns, state);
      }
      return KeyEffect::kDraw;
    case Key::kEscape:
      state->filter.clear();
      state->scroll = 0;
      return KeyEffect::kDraw;
    case Key::kTab:
      ShowTable(static_cast<size_t>(state->table) + 1, state);
      return KeyEffect::kDraw;
    case Key::kBackTab:
      ShowTable(static_cast<size_t>(state->table) + kTableCount - 1, state);
      return KeyEffect::kDraw;
    case Key::kRight:
      SortBy((sorted + 1) % columns, state);
      return KeyEffect::kDraw;
    case Key::kLeft:
      SortBy((sorted + columns - 1) % columns, state);
      return KeyEffect::kDraw;
    case Key::kUp:
      ScrollBy(-1, rows, page, state);
      return KeyEffect::kDraw;
    case Key::kDown:
      ScrollBy(1, rows, page, state);
      return KeyEffect::kDraw;
    case Key::kPageUp:
      ScrollBy(-step, rows, page, state);
      return KeyEffect::kDraw;
    case Key::kPageDown:
      ScrollBy(step, rows, page, state);
      return KeyEffect::kDraw;
    case Key::kHome:
      state->scroll = 0;
      return KeyEffect::kDraw;
    case Key::kEnd:
      ScrollBy(static_cast<long>(rows), rows, page, state);
      return KeyEffect::kDraw;
    case Key::kEnter:
    case Key::kBackspace:
      return KeyEffect::kNothing;
  }
  return KeyEffect::kNothing;
}

}  // namespace roost
