// Medians with the least and the greatest, as JSON.
#ifndef ROOST_BENCHMARKS_CROWD_SUMMARY_H_
#define ROOST_BENCHMARKS_CROWD_SUMMARY_H_

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace roost {

inline double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

inline std::string Summary(const std::vector<double>& values) {
  if (values.empty()) return "null";
  const auto [least, greatest] = std::minmax_element(values.begin(), values.end());
  return fmt::format(R"({{"median":{:.4g},"least":{:.4g},"greatest":{:.4g}}})", Median(values),
                     *least, *greatest);
}

}  // namespace roost

#endif  // ROOST_BENCHMARKS_CROWD_SUMMARY_H_
