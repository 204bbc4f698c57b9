#include "broker/adaptive_spin.h"

#include <gtest/gtest.h>

namespace roost {
namespace {

constexpr uint64_t kSpinNs = 50'000;
constexpr uint64_t kSoonNs = 10'000;
constexpr uint64_t kLateNs = 300'000;
constexpr uint64_t kWorkNs = 80'000;

class AdaptiveSpinTest : public ::testing::Test {
 protected:
  // Work after `pause_ns`. True: the sequencer had looked on since the last, and slept only if the pause was longer than that.
  bool WorkAfter(uint64_t pause_ns) {
    now_ns_ += kWorkNs;  // longer than it looks on, which does not count
    const bool looked = spin_.LooksOn(now_ns_);
    if (pause_ns > kSpinNs) {
      EXPECT_FALSE(spin_.LooksOn(now_ns_ + kSpinNs));
    }
    now_ns_ += pause_ns;
    spin_.OnWork(now_ns_);
    return looked;
  }
  int LooksOf(int rounds, uint64_t pause_ns) {
    int looks = 0;
    for (int i = 0; i < rounds; ++i) looks += WorkAfter(pause_ns) ? 1 : 0;
    return looks;
  }

  AdaptiveSpin spin_{kSpinNs};
  uint64_t now_ns_ = 1'000'000'000;
};

TEST_F(AdaptiveSpinTest, LooksOnWhileThatBringsSomething) {
  WorkAfter(kSoonNs);
  EXPECT_EQ(LooksOf(1000, kSoonNs), 999);  // before the first there was too long a gap
}

TEST_F(AdaptiveSpinTest, GivesUpWhatBringsNothingAndTriesItNowAndThen) {
  WorkAfter(kSoonNs);
  LooksOf(20, kLateNs);
  const int looks = LooksOf(61'000, kLateNs);
  EXPECT_EQ(looks, 61'000 / static_cast<int>(AdaptiveSpin::kTryEvery));
}

TEST_F(AdaptiveSpinTest, LearnsThatItPaysAgain) {
  WorkAfter(kSoonNs);
  LooksOf(1000, kLateNs);
  LooksOf(2 * static_cast<int>(AdaptiveSpin::kTryEvery), kSoonNs);
  EXPECT_EQ(LooksOf(1000, kSoonNs), 1000);
}

TEST_F(AdaptiveSpinTest, BearsWithAFewInVain) {
  WorkAfter(kSoonNs);
  LooksOf(10, kSoonNs);
  LooksOf(static_cast<int>(AdaptiveSpin::kPatience) - 1, kLateNs);
  EXPECT_EQ(LooksOf(10, kSoonNs), 10);
}

TEST_F(AdaptiveSpinTest, DoesNotLookOnAfterALongPause) {
  WorkAfter(kSoonNs);
  WorkAfter(AdaptiveSpin::kGapNsMax + 1);
  EXPECT_FALSE(WorkAfter(kSoonNs));
}

TEST(AdaptiveSpinOffTest, NeverLooksOn) {
  AdaptiveSpin off(0);
  for (uint64_t now_ns = 1'000'000'000; now_ns < 1'000'100'000; now_ns += 1000) {
    off.OnWork(now_ns);
    EXPECT_FALSE(off.LooksOn(now_ns));
  }
}

}  // namespace
}  // namespace roost
