#include "broker/sla/shift_detector.h"

#include <algorithm>
#include <vector>

namespace roost {

void ShiftDetector::Become(BaselineState state, uint64_t wall_ns) {
  state_ = state;
  since_ns_ = wall_ns;
  up_ = down_ = 0;
}

void ShiftDetector::SetCurrent() {
  const size_t count = std::min(held_back_.size(), kRecent);
  std::vector<uint64_t> newest(held_back_.end() - static_cast<std::ptrdiff_t>(count),
                               held_back_.end());
  const auto middle = newest.begin() + static_cast<std::ptrdiff_t>(count / 2);
  std::ranges::nth_element(newest, middle);
  current_ = *middle;
}

double ShiftDetector::ratio() const {
  const uint64_t usual_value = usual();
  return usual_value == 0 ? 1 : static_cast<double>(current_) / static_cast<double>(usual_value);
}

ShiftDetector::Change ShiftDetector::Add(uint64_t value, uint64_t wall_ns) {
  held_back_.push_back(value);
  SetCurrent();
  if (shifted()) return JudgeShifted(wall_ns);
  if (learned_.count() < kNeeded) {
    learned_.Add(value);
    if (state_ != BaselineState::kLearning || since_ns_ == 0) {
      Become(BaselineState::kLearning, wall_ns);
    }
    if (held_back_.size() > kRecent) held_back_.pop_front();
    if (learned_.count() == kNeeded) {
      held_back_.clear();
      Become(BaselineState::kSteady, wall_ns);
    }
    return Change::kNone;
  }
  if (state_ == BaselineState::kLearning) Become(BaselineState::kSteady, wall_ns);
  return JudgeSteady(value, wall_ns);
}

ShiftDetector::Change ShiftDetector::JudgeSteady(uint64_t value, uint64_t wall_ns) {
  const double rank = learned_.RankOf(value);
  up_ = std::max(0.0, up_ + rank - 0.5 - kSlack);
  down_ = std::max(0.0, down_ + 0.5 - rank - kSlack);
  if (held_back_.size() > kHeldBack) {
    learned_.Add(held_back_.front());
    held_back_.pop_front();
  }
  const bool is_up = up_ > kThreshold && ratio() >= ratio_min_;
  const bool is_down = down_ > kThreshold && ratio() * ratio_min_ <= 1;
  if (!is_up && !is_down) return Change::kNone;
  Become(is_up ? BaselineState::kUp : BaselineState::kDown, wall_ns);
  shifted_for_ = 0;
  ++shifts_;
  return Change::kShifted;
}

ShiftDetector::Change ShiftDetector::JudgeShifted(uint64_t wall_ns) {
  if (held_back_.size() > kNeeded) held_back_.pop_front();
  ++shifted_for_;
  const bool is_near =
      state_ == BaselineState::kUp ? ratio() < kRatioEnd : ratio() * kRatioEnd > 1;
  if (is_near && held_back_.size() >= kRecent) {
    held_back_.clear();
    Become(BaselineState::kSteady, wall_ns);
    return Change::kBack;
  }
  if (shifted_for_ < kAdoptedAfter) return Change::kNone;
  learned_ = BaselineSketch();
  for (const uint64_t value : held_back_) learned_.Add(value);
  held_back_.clear();
  Become(BaselineState::kSteady, wall_ns);
  return Change::kAdopted;
}

void ShiftDetector::Restore(BaselineSketch sketch, BaselineState state, uint64_t since_ns) {
  learned_ = std::move(sketch);
  const bool is_learned = learned_.count() >= kNeeded;
  const bool was_shifted = state == BaselineState::kUp || state == BaselineState::kDown;
  state_ = !is_learned ? BaselineState::kLearning
           : was_shifted ? state
                         : BaselineState::kSteady;
  since_ns_ = since_ns;
}

}  // namespace roost
