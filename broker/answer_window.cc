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

void AnswerWindow::Save(StateWriter* out) const {
  std::vector<const KeptAnswer*> kept;
  for (size_t i = 0; slots_ && i < kSize; ++i) {
    if (slots_[i].number != 0) kept.push_back(&slots_[i]);
  }
  std::ranges::sort(kept, {}, &KeptAnswer::number);
  out->Number(kept.size());
  for (const KeptAnswer* answer : kept) {
    out->Number(answer->number);
    out->Number(static_cast<uint64_t>(answer->kind));
    for (const uint64_t number :
         {uint64_t{answer->count}, answer->first, answer->last, answer->revision, answer->expect}) {
      out->Number(number);
    }
    out->Number(answer->refused ? answer->refused->size() : 0);
    for (size_t i = 0; answer->refused && i < answer->refused->size(); ++i) {
      out->Flag((*answer->refused)[i]);
    }
  }
}

bool AnswerWindow::Load(StateReader* in) {
  for (size_t left = in->Count(kSize); left > 0; --left) {
    KeptAnswer answer;
    answer.number = in->Number();
    answer.kind = static_cast<KeptAnswer::Kind>(
        in->Number(static_cast<uint64_t>(KeptAnswer::Kind::kGroupRemoved)));
    answer.count = in->Number32();
    answer.first = in->Number();
    answer.last = in->Number();
    answer.revision = in->Number();
    answer.expect = in->Number();
    if (const size_t tokens = in->Count(kRefusedMax); tokens > 0) {
      auto refused = std::make_shared<std::vector<bool>>();
      while (refused->size() < tokens) refused->push_back(in->Flag());
      answer.refused = std::move(refused);
    }
    if (!in->ok() || answer.number <= highest_) return in->Fail();
    Put(answer);
  }
  return in->ok();
}

}  // namespace roost
