// The choices of one simulation, all from its seed. One thread.
#ifndef ROOST_TESTS_SIMULATION_RANDOM_CHOICE_H_
#define ROOST_TESTS_SIMULATION_RANDOM_CHOICE_H_

#include <cstddef>
#include <cstdint>
#include <random>

namespace roost {

class RandomChoice {
 public:
  explicit RandomChoice(uint64_t seed) : source_(seed) {}

  uint64_t Below(uint64_t bound) { return source_() % bound; }
  uint64_t From(uint64_t least, uint64_t most) { return least + Below(most - least + 1); }
  bool OneIn(uint64_t count) { return Below(count) == 0; }
  // As likely between 1 and 10 as between 10 and 100 times `least`.
  uint64_t Magnitude(uint64_t least, uint64_t most) {
    uint64_t value = least;
    while (value < most && !OneIn(4)) value *= 2;
    return From(value / 2, value) + 1;
  }
  template <typename List>
  const auto& Of(const List& list) {
    return list[Below(std::size(list))];
  }

  std::mt19937_64& source() { return source_; }

 private:
  std::mt19937_64 source_;
};

}  // namespace roost

#endif  // ROOST_TESTS_SIMULATION_RANDOM_CHOICE_H_
