#include "tools/top/top_table.h"

#include <algorithm>
#include <cctype>
#include <climits>
#include <functional>

#include "base/check.h"

namespace roost {
namespace {

constexpr size_t kGap = 1;
constexpr size_t kFirstWidthMax = 48;

bool EqualLetters(char one, char other) {
  return std::tolower(static_cast<unsigned char>(one)) ==
         std::tolower(static_cast<unsigned char>(other));
}

bool Matches(const std::vector<Cell>& row, const std::vector<TableColumn>& columns,
             std::string_view filter) {
  for (size_t i = 0; i < columns.size(); ++i) {
    const std::string& text = row[i].text;
    if (std::search(text.begin(), text.end(), filter.begin(), filter.end(), EqualLetters) !=
        text.end()) {
      return true;
    }
  }
  return false;
}

// The columns that are shown, and how wide each is.
struct Shown {
  std::vector<size_t> columns;
  std::vector<size_t> widths;
};

Shown Choose(const TopTable& table, const TableOrder& order, const ColumnWidths& widths,
             size_t width) {
  std::vector<size_t> by_worth;
  for (size_t i = 1; i < table.columns.size(); ++i) by_worth.push_back(i);
  std::ranges::stable_sort(by_worth, std::greater(), [&](size_t i) {
    return i == order.column ? INT_MAX : table.columns[i].keep;
  });
  Shown shown;
  size_t used = table.columns[0].width;
  for (const size_t column : by_worth) {
    // What is worth less than a column that did not fit does not stand there in its place.
    if (used + kGap + widths[column] > width) break;
    used += kGap + widths[column];
    shown.columns.push_back(column);
  }
  shown.columns.push_back(0);
  std::ranges::sort(shown.columns);
  for (const size_t column : shown.columns) shown.widths.push_back(widths[column]);
  const size_t spare = width > used ? width - used : 0;
  const size_t least = table.columns[0].width;
  shown.widths[0] = std::min({width, least + spare, std::max(widths[0], least)});
  return shown;
}

}  // namespace

size_t FindColumn(const TopTable& table, std::string_view name) {
  const auto found = std::ranges::find_if(
      table.columns, [name](const TableColumn& column) { return name == column.name; });
  return static_cast<size_t>(found - table.columns.begin());
}

void Arrange(TopTable* table, const TableOrder& order, std::string_view filter) {
  ROOST_CHECK(order.column < table->columns.size());
  table->total = table->rows.size();
  if (!filter.empty()) {
    std::erase_if(table->rows, [&](const std::vector<Cell>& row) {
      return !Matches(row, table->columns, filter);
    });
  }
  const size_t column = order.column;
  const bool is_text = table->columns[column].is_text;
  std::ranges::stable_sort(table->rows, [&](const auto& one, const auto& other) {
    const Cell& left = order.reversed ? other[column] : one[column];
    const Cell& right = order.reversed ? one[column] : other[column];
    return is_text ? left.text < right.text : left.number > right.number;
  });
}

void ColumnWidths::Fit(const TopTable& table) {
  widths_.resize(table.columns.size());
  for (size_t i = 0; i < widths_.size(); ++i) {
    widths_[i] = std::max(widths_[i], table.columns[i].width);
    for (const auto& row : table.rows) widths_[i] = std::max(widths_[i], ColumnsOf(row[i].text));
  }
  // The first has what the others leave of this.
  widths_[0] = std::min(widths_[0], kFirstWidthMax);
}

std::vector<FrameLine> DrawTable(const TopTable& table, const TableOrder& order,
                                 const ColumnWidths& widths, size_t first, size_t lines,
                                 size_t width, Charset charset) {
  const Shown shown = Choose(table, order, widths, width);
  const auto draw = [&](const auto& cell_of, Style gap) {
    FrameLine line(width);
    for (size_t i = 0; i < shown.columns.size(); ++i) {
      const size_t column = shown.columns[i];
      const Cell cell = cell_of(column);
      const bool is_text = table.columns[column].is_text;
      if (i > 0) line.Put(std::string(kGap, ' '), gap);
      line.Put((is_text ? FitLeft : FitRight)(cell.text, shown.widths[i], charset), cell.style);
    }
    return line;
  };
  std::vector<FrameLine> drawn;
  if (lines == 0) return drawn;
  drawn.push_back(draw(
      [&](size_t column) {
        const Style style = column == order.column ? Style::kBarAccent : Style::kBar;
        return Cell{table.columns[column].title, 0, style};
      },
      Style::kBar));
  drawn.back().PadTo(width, Style::kBar);
  for (size_t row = first; row < table.rows.size() && drawn.size() < lines; ++row) {
    drawn.push_back(draw([&](size_t column) { return table.rows[row][column]; }, Style::kPlain));
  }
  return drawn;
}

}  // namespace roost
