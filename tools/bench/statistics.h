// Whether two samples differ, without assuming what their distributions look
// like: benchmarks have long tails, and a mean follows the worst round. Pure;
// any thread.
#ifndef ROOST_TOOLS_BENCH_STATISTICS_H_
#define ROOST_TOOLS_BENCH_STATISTICS_H_

#include <span>
#include <vector>

namespace roost {

// REQUIRES: not empty.
double Median(std::vector<double> values);

struct MannWhitney {
  double u = 0;        // of the first sample: pairs in which it is larger, a tie counts half
  double p_value = 1;  // two-sided: how often samples of one distribution differ
                       // as much as this, or more
};
// Exact where no two values are equal and there are at most 2500 pairs; else
// the normal approximation, corrected for ties and for continuity. REQUIRES:
// neither is empty.
MannWhitney CompareByRank(std::span<const double> first, std::span<const double> second);

// How many times as large `second` is: the median of all ratios of one of its
// values to one of `first` (Hodges and Lehmann). REQUIRES: neither is empty,
// all are > 0.
double ShiftRatio(std::span<const double> first, std::span<const double> second);

// Several tests at once: each value so much larger that the chance of even one
// false alarm among them is what it says (Holm). In the same order.
std::vector<double> AdjustForSeveral(std::span<const double> p_values);

}  // namespace roost

#endif  // ROOST_TOOLS_BENCH_STATISTICS_H_
