// A table that can be sorted, filtered, scrolled, and drawn into any width: columns of little use go first. Pure; one thread.
#ifndef ROOST_TOOLS_TOP_TOP_TABLE_H_
#define ROOST_TOOLS_TOP_TOP_TABLE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "tools/top/frame.h"
#include "tools/top/screen_text.h"

namespace roost {

struct Cell {
  std::string text;  // as on the screen
  double number = 0;  // what it is sorted by, in a column of numbers
  Style style = Style::kPlain;
};

struct TableColumn {
  const char* name;   // for --sort
  const char* title;  // on the screen; at most as wide as the column
  size_t width;       // at least
  bool is_text;       // to the left, sorted by the alphabet; else to the right, largest first
  int keep;           // of columns that do not fit together those with the smallest go; the first column always stays
};

struct TopTable {
  const char* title;  // "sessions"
  std::vector<TableColumn> columns;
  std::vector<std::vector<Cell>> rows;  // as many cells each as columns
  size_t total = 0;                     // before the filter
};

struct TableOrder {
  size_t column = 0;
  bool reversed = false;
};

// Of the column's name; columns.size() if there is none.
size_t FindColumn(const TopTable& table, std::string_view name);

// Keeps the rows of which a text, or a number as it is shown, has `filter` in it (capitals and small letters are the same; empty:
// all), and sorts them. Rows that are equal stay in their order. Sets `total`.
void Arrange(TopTable* table, const TableOrder& order, std::string_view filter);

// How wide columns are: they grow with what they held, and do not shrink, so that nothing jumps.
class ColumnWidths {
 public:
  void Fit(const TopTable& table);
  size_t operator[](size_t column) const { return widths_[column]; }

 private:
  std::vector<size_t> widths_;
};

// The header line, then rows from `first` on; `lines` in all, or fewer. The title of the column sorted by is marked.
// REQUIRES: `widths` were fitted to the table.
std::vector<FrameLine> DrawTable(const TopTable& table, const TableOrder& order,
                                 const ColumnWidths& widths, size_t first, size_t lines,
                                 size_t width, Charset charset);

}  // namespace roost

#endif  // ROOST_TOOLS_TOP_TOP_TABLE_H_
