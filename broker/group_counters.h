// The rows of groups in the counters file (ipc/counters_format.h): how far each is, for the first kGroupRowCount in the order of
// streams and groups. Whoever knows the groups goes through all of them now and then: Begin(), Write() for each in that
// order, End().
//
// A row is only written anew when its place goes to another group; else its counters are stored. Sequencer thread; 70 KiB once
// there are groups.
#ifndef ROOST_BROKER_GROUP_COUNTERS_H_
#define ROOST_BROKER_GROUP_COUNTERS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/counters_format.h"

namespace roost {

class GroupCountersWriter {
 public:
  using Values = std::array<uint64_t, kGroupCounterCount>;

  // `rows` is that section of the file, which outlives this.
  explicit GroupCountersWriter(std::byte* rows) : rows_(rows) {}

  void Begin() { next_ = 0; }
  // False: there is no row for this one and those behind it.
  bool Write(std::string_view stream, std::string_view group, const Values& values);
  // How many rows are in use.
  size_t End() const { return next_; }

 private:
  struct Name {
    std::string stream;
    std::string group;
    uint64_t version = 0;
  };

  void WriteAnew(size_t row, std::string_view stream, std::string_view group, const Values& values);

  std::byte* rows_;
  std::vector<Name> names_;  // of the rows that were ever used
  size_t next_ = 0;
};

}  // namespace roost

#endif  // ROOST_BROKER_GROUP_COUNTERS_H_
