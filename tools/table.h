// A table for people: a header line, aligned columns, numbers to the right. One thread.
#ifndef ROOST_TOOLS_TABLE_H_
#define ROOST_TOOLS_TABLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tools/output.h"

namespace roost {

class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    const char* title;
    Align align = Align::kLeft;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // Cells are made printable here. REQUIRES: as many cells as columns.
  void Add(std::vector<std::string> cells);
  void Print(Output* out) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// "1,234,567".
std::string WithCommas(uint64_t number);
// "64.0 MiB".
std::string ShowBytes(uint64_t bytes);
// "850 ns", "12.3 us", "4.0 ms", "1.5 s".
std::string ShowDuration(uint64_t ns);
// "12 s", "5 min", "3 h 12 min", "4 d 2 h".
std::string ShowAge(uint64_t ns);

}  // namespace roost

#endif  // ROOST_TOOLS_TABLE_H_
