#include "client/late_answers.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace roost {

void LateAnswers::GiveUp(uint64_t number) {
  if (IsGivenUp(number)) return;
  if (given_up_.size() == kGivenUpMax) given_up_.pop_front();
  given_up_.push_back(number);
}

bool LateAnswers::IsGivenUp(uint64_t number) const {
  return std::ranges::find(given_up_, number) != given_up_.end();
}

void LateAnswers::Note(const wire::Reply& reply) {
  Return back;
  if (const wire::Granted* granted = reply.body_as_Granted()) {
    back.token = granted->token();
  } else if (const wire::Taken* taken = reply.body_as_Taken();
             taken != nullptr && taken->lease() != 0 && taken->items() != nullptr) {
    for (uint32_t i = 0; i < taken->items()->size(); ++i) {
      back.items.push_back({taken->lease(), i});
    }
  }
  if (back.token != 0 || !back.items.empty()) returns_.push_back(std::move(back));
}

LateAnswers::Return LateAnswers::NextReturn() {
  ROOST_CHECK(HasReturn());
  Return back = std::move(returns_.front());
  returns_.pop_front();
  return back;
}

}  // namespace roost
