#include "broker/group_counters.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "broker/counters_row.h"

namespace roost {
namespace {

template <size_t size>
void CopyText(char (&to)[size], std::string_view text) {
  std::memcpy(to, text.data(), std::min(text.size(), size - 1));
}

}  // namespace

bool GroupCountersWriter::Write(std::string_view stream, std::string_view group,
                                const Values& values) {
  if (next_ == kGroupRowCount) return false;
  const size_t row = next_++;
  if (row == names_.size()) names_.emplace_back();
  if (names_[row].version == 0 || names_[row].stream != stream || names_[row].group != group) {
    WriteAnew(row, stream, group, values);
    return true;
  }
  std::byte* const counters = rows_ + row * sizeof(GroupRow) + offsetof(GroupRow, counters);
  for (size_t i = 0; i < values.size(); ++i) StoreWordRelaxed(counters + 8 * i, values[i]);
  return true;
}

void GroupCountersWriter::WriteAnew(size_t row, std::string_view stream, std::string_view group,
                                    const Values& values) {
  Name& name = names_[row];
  name.stream = stream;
  name.group = group;
  name.version += 2;
  GroupRow words{};
  CopyText(words.stream, stream);
  CopyText(words.group, group);
  std::ranges::copy(values, words.counters);
  WriteCountersRow(rows_ + row * sizeof(GroupRow), name.version, words);
}

}  // namespace roost
