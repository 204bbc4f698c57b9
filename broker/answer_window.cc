#include "broker/answer_window.h"

#include <algorithm>

#include "base/check.h"

namespace roost {

AnswerWindow::State AnswerWindow::Look(uint64_t number) const {
  ROOST_CHECK(number > 0);
  if (number > highest_) return State::kNew;
  if (slots_[number % kSize].number == number) return State::kKept;
  return highest_ - number >= kSize ? State::kTooOld : State::kNew;
}

const KeptAnswer& AnswerWindow::Get(uint64_t number) const {
  ROOST_CHECK(Look(number) == State::kKept, "number={}", number);
  return slots_[number % kSize];
}

void AnswerWindow::Put(const KeptAnswer& answer) {
  ROOST_CHECK(Look(answer.number) != State::kTooOld, "number={}", answer.number);
  if (!slots_) slots_ = std::make_unique<KeptAnswer[]>(kSize);
  highest_ = std::max(highest_, answer.number);
  slot(answer.number) = answer;
}

void AnswerWindow::Confirm(uint64_t number) {
  // A request 64 numbers later may have taken the slot within the same turn.
  if (slot(number).number == number) slot(number).pending = false;
}

void AnswerWindow::Forget(uint64_t number) {
  if (slot(number).number == number) slot(number) = KeptAnswer();
}

}  // namespace roost
