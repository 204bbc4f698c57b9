// What a claim's key means, and when two of them exclude each other.
//
// A key is 1 to 255 bytes of UTF-8 without control characters. Slashes divide it into segments, which may be
// empty. Without '*' it is literal and means itself. With it, it is a glob and means every key that it matches:
//   *    within a segment: any run of characters without '/', also none
//   **   as a whole segment: any number of segments, also none; `a/**` matches `a`, `a/b` and `a/b/c`
// Nothing else is special. Two keys overlap when there is a text that both match, be it longer than a key may be.
//
// Pure functions, any thread. Overlap is exact; it takes time in proportion to the product of the lengths at
// worst, to their sum where both keys are globs of the same kind, or literal.
#ifndef ROOST_BROKER_LEASES_KEY_PATTERN_H_
#define ROOST_BROKER_LEASES_KEY_PATTERN_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace roost {

inline constexpr size_t kKeyBytesMax = 255;

// What is wrong with the key, as a sentence for whoever claims it; nullopt: nothing.
std::optional<std::string> KeyProblem(std::string_view key);

inline bool IsGlob(std::string_view key) { return key.find('*') != std::string_view::npos; }

// What every text that the key matches begins with: a literal key itself, of a glob what stands before its
// first wildcard.
std::string_view LiteralPrefix(std::string_view key);

// How much more may be done, in steps of about the time that comparing a character takes (1 to 3 ns): what a comparison
// does beside that is counted as so many of them. What is out of budget answers nothing any more.
class MatchBudget {
 public:
  explicit MatchBudget(uint64_t steps) : left_(steps) {}

  void Spend(uint64_t steps) {
    exhausted_ = exhausted_ || steps > left_;
    left_ -= exhausted_ ? left_ : steps;
  }
  bool exhausted() const { return exhausted_; }
  uint64_t left() const { return left_; }

 private:
  uint64_t left_;
  bool exhausted_ = false;
};

// REQUIRES: both are keys. Meaningless once the budget is exhausted.
bool KeysOverlap(std::string_view a, std::string_view b, MatchBudget* budget);

}  // namespace roost

#endif  // ROOST_BROKER_LEASES_KEY_PATTERN_H_
