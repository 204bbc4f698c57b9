#include "tools/bench/statistics.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <cstddef>
#include <numeric>

#include "base/check.h"

namespace roost {
namespace {

constexpr size_t kExactPairsMax = 400;

struct Ranked {
  double rank_sum = 0;  // of the first sample; equal values share their ranks
  double tie_sum = 0;   // t^3 - t of each t equal values
};

Ranked RankTogether(std::span<const double> first, std::span<const double> second) {
  struct Value {
    double value;
    bool of_first;
  };
  std::vector<Value> all;
  for (const double value : first) all.push_back({value, true});
  for (const double value : second) all.push_back({value, false});
  std::ranges::sort(all, {}, &Value::value);
  Ranked ranked;
  for (size_t begin = 0, end; begin < all.size(); begin = end) {
    for (end = begin; end < all.size() && all[end].value == all[begin].value;) ++end;
    const auto equal = static_cast<double>(end - begin);
    ranked.tie_sum += equal * equal * equal - equal;
    const double rank = static_cast<double>(begin + end + 1) / 2;  // ranks begin at 1
    for (size_t i = begin; i < end; ++i) ranked.rank_sum += all[i].of_first ? rank : 0;
  }
  return ranked;
}

// How large a share of all orders of m and n values has each u. The largest of
// all is one of the first sample, and adds n pairs to what the others have, or
// one of the second, and adds none.
std::vector<double> ExactShares(size_t m, size_t n) {
  std::vector<std::vector<double>> with_fewer(
      n + 1, {1.0});  // [j]: 0 values of the first, j of the second
  for (size_t i = 1; i <= m; ++i) {
    std::vector<std::vector<double>> now(n + 1);
    now[0] = {1.0};
    for (size_t j = 1; j <= n; ++j) {
      const double of_first = static_cast<double>(i) / static_cast<double>(i + j);
      now[j].assign(i * j + 1, 0);
      for (size_t u = 0; u < with_fewer[j].size(); ++u)
        now[j][u + j] += of_first * with_fewer[j][u];
      for (size_t u = 0; u < now[j - 1].size(); ++u) now[j][u] += (1 - of_first) * now[j - 1][u];
    }
    with_fewer = std::move(now);
  }
  return with_fewer[n];
}

double ExactP(double u, size_t m, size_t n) {
  const std::vector<double> shares = ExactShares(m, n);
  const auto less = static_cast<size_t>(std::min(u, static_cast<double>(m * n) - u));
  const double tail = std::accumulate(shares.begin(), shares.begin() + less + 1, 0.0);
  return std::min(1.0, 2 * tail);
}

double NormalP(double u, double m, double n, double tie_sum) {
  const double all = m + n;
  const double variance = m * n / 12 * (all + 1 - tie_sum / (all * (all - 1)));
  if (variance <= 0) return 1;  // all are equal
  const double distance = std::max(std::abs(u - m * n / 2) - 0.5, 0.0);
  const boost::math::normal standard;
  return 2 * boost::math::cdf(boost::math::complement(standard, distance / std::sqrt(variance)));
}

}  // namespace

double Median(std::vector<double> values) {
  ROOST_CHECK(!values.empty());
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

MannWhitney CompareByRank(std::span<const double> first, std::span<const double> second) {
  ROOST_CHECK(!first.empty() && !second.empty());
  const auto m = static_cast<double>(first.size());
  const auto n = static_cast<double>(second.size());
  const Ranked ranked = RankTogether(first, second);
  MannWhitney result;
  result.u = ranked.rank_sum - m * (m + 1) / 2;
  const bool exact = ranked.tie_sum == 0 && first.size() * second.size() <= kExactPairsMax;
  result.p_value = exact ? ExactP(result.u, first.size(), second.size())
                         : std::min(1.0, NormalP(result.u, m, n, ranked.tie_sum));
  return result;
}

double ShiftRatio(std::span<const double> first, std::span<const double> second) {
  std::vector<double> ratios;
  for (const double one : first) {
    for (const double other : second) ratios.push_back(other / one);
  }
  return Median(std::move(ratios));
}

std::vector<double> AdjustForSeveral(std::span<const double> p_values) {
  std::vector<size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](size_t i) { return p_values[i]; });
  std::vector<double> adjusted(p_values.size());
  double least = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    const double times = static_cast<double>(order.size() - i);
    least = std::max(least, std::min(1.0, p_values[order[i]] * times));
    adjusted[order[i]] = least;
  }
  return adjusted;
}

}  // namespace roost
