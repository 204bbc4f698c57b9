#include "broker/answer_window.h"

#include <gtest/gtest.h>

namespace roost {
namespace {

using State = AnswerWindow::State;

class AnswerWindowTest : public ::testing::Test {
 protected:
  void Put(uint64_t number, bool pending = false) {
    KeptAnswer answer;
    answer.number = number;
    answer.last = 1000 + number;
    answer.pending = pending;
    window_.Put(answer);
  }

  AnswerWindow window_;
};

TEST_F(AnswerWindowTest, KnowsNothingToBeginWith) {
  EXPECT_EQ(window_.Look(1), State::kNew);
  EXPECT_EQ(window_.highest(), 0u);
}

TEST_F(AnswerWindowTest, KeepsAnAnswer) {
  Put(7);
  EXPECT_EQ(window_.Look(7), State::kKept);
  EXPECT_EQ(window_.Get(7).last, 1007u);
  EXPECT_EQ(window_.highest(), 7u);
}

TEST_F(AnswerWindowTest, TakesALowerNumberThatWasNeverDoneAsNew) {
  Put(7);
  EXPECT_EQ(window_.Look(5), State::kNew);
  Put(5);
  EXPECT_EQ(window_.Look(5), State::kKept);
  EXPECT_EQ(window_.Look(7), State::kKept);
  EXPECT_EQ(window_.highest(), 7u);
}

TEST_F(AnswerWindowTest, KeepsTheLast64AndSaysOfOlderOnesThatTheyAreTooOld) {
  for (uint64_t number = 1; number <= 100; ++number) Put(number);
  for (uint64_t number = 37; number <= 100; ++number) EXPECT_EQ(window_.Look(number), State::kKept);
  EXPECT_EQ(window_.Look(36), State::kTooOld);
  EXPECT_EQ(window_.Look(1), State::kTooOld);
}

TEST_F(AnswerWindowTest, IsNotConfusedByAJump) {
  Put(3);
  Put(1'000'003);  // 1'000'003 % 64 == 3: another slot or the same, the number decides
  EXPECT_EQ(window_.Look(1'000'000), State::kNew);
  EXPECT_EQ(window_.Look(1'000'003 - 64), State::kTooOld);
  EXPECT_EQ(window_.Look(UINT64_MAX), State::kNew);
}

TEST_F(AnswerWindowTest, ForgetsWhatACommitDidNotTake) {
  Put(7, /*pending=*/true);
  EXPECT_TRUE(window_.Get(7).pending);
  window_.Forget(7);
  EXPECT_EQ(window_.Look(7), State::kNew);
}

TEST_F(AnswerWindowTest, ConfirmsWhatACommitTook) {
  Put(7, /*pending=*/true);
  window_.Confirm(7);
  EXPECT_FALSE(window_.Get(7).pending);
}

TEST_F(AnswerWindowTest, LeavesAnotherAnswerInTheSlotAlone) {
  Put(7, /*pending=*/true);
  Put(71, /*pending=*/true);
  window_.Forget(7);
  window_.Confirm(7);
  EXPECT_EQ(window_.Look(71), State::kKept);
  EXPECT_TRUE(window_.Get(71).pending);
}

}  // namespace
}  // namespace roost
