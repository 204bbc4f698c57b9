// What simulated readers were given, and whether it is all that there was. One thread.
#ifndef ROOST_TESTS_SIMULATION_READING_PROMISES_H_
#define ROOST_TESTS_SIMULATION_READING_PROMISES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "roost/read.h"
#include "tests/simulation/whole_log.h"

namespace roost {

class ReadingPromises {
 public:
  explicit ReadingPromises(std::vector<std::string>* violations) : violations_(violations) {}

  // `oldest` is the oldest event that there is now, and will ever be from now on.
  void Read(const ReadQuery& query, const Page& page, uint64_t oldest);
  // The segment of event `sequence` is gone; `oldest_told` was said to be the oldest.
  void Gone(uint64_t sequence, uint64_t oldest_told, uint64_t oldest);

  void FoundAfterPowerCut(uint64_t head);
  void Check(const std::vector<LogEvent>& events);

 private:
  struct Reading {
    std::string stream;         // empty: all
    uint64_t first, last;       // of the events that were looked at
    uint64_t gone_first = 1, gone_last = 0;
    std::vector<uint64_t> found = {};  // in the log's order
  };

  std::vector<std::string>* const violations_;
  std::vector<Reading> readings_;
};

}  // namespace roost

#endif  // ROOST_TESTS_SIMULATION_READING_PROMISES_H_
