// What happened in a simulation, step by step. Equal traces are equal schedules. One thread.
#ifndef ROOST_TESTS_SIMULATION_TRACE_H_
#define ROOST_TESTS_SIMULATION_TRACE_H_

#include <fmt/core.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace roost {

class Trace {
 public:
  struct Line {
    uint64_t ns;  // CLOCK_MONOTONIC
    std::string_view what;
    uint64_t who, number;
    bool operator==(const Line&) const = default;
  };

  // `what` is a literal.
  void Note(uint64_t ns, std::string_view what, uint64_t who = 0, uint64_t number = 0) {
    lines_.push_back({ns, what, who, number});
  }
  const std::vector<Line>& lines() const { return lines_; }

  std::string Text(size_t from = 0) const {
    std::string text;
    for (size_t i = from; i < lines_.size(); ++i) {
      const Line& line = lines_[i];
      text += fmt::format("{:6} {:15.6f} ms  {} {} ({})\n", i, static_cast<double>(line.ns) / 1e6,
                          line.what, line.who, line.number);
    }
    return text;
  }

 private:
  std::vector<Line> lines_;
};

}  // namespace roost

#endif  // ROOST_TESTS_SIMULATION_TRACE_H_
