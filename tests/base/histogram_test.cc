#include "base/histogram.h"

#include <gtest/gtest.h>

#include <memory>

namespace roost {
namespace {

TEST(HistogramTest, KnowsEveryValueToWithinTwoPercent) {
  for (uint64_t value = 1; value < (1ull << 39); value = value * 9 / 8 + 1) {
    const uint64_t shown = Histogram::MiddleOf(Histogram::IndexOf(value));
    const double error = static_cast<double>(shown) / static_cast<double>(value) - 1.0;
    EXPECT_LT(error < 0 ? -error : error, 0.02) << value << " shown as " << shown;
  }
}

TEST(HistogramTest, BucketsGrowWithTheValueWithoutAGap) {
  size_t last = 0;
  for (uint64_t value = 0; value < 100'000; ++value) {
    const size_t index = Histogram::IndexOf(value);
    EXPECT_TRUE(index == last || index == last + 1) << value;
    last = index;
  }
  EXPECT_EQ(Histogram::IndexOf(UINT64_MAX), Histogram::kBuckets - 1);
}

TEST(HistogramTest, GivesQuantiles) {
  const auto histogram = std::make_unique<Histogram>();
  EXPECT_EQ(histogram->Quantile(0.5), 0u);
  for (uint64_t i = 1; i <= 1000; ++i) histogram->Record(i * 1000);
  EXPECT_EQ(histogram->Count(), 1000u);
  EXPECT_NEAR(static_cast<double>(histogram->Quantile(0.5)), 500'000, 10'000);
  EXPECT_NEAR(static_cast<double>(histogram->Quantile(0.99)), 990'000, 20'000);
  EXPECT_NEAR(static_cast<double>(histogram->Quantile(1.0)), 1'000'000, 20'000);
}

}  // namespace
}  // namespace roost
