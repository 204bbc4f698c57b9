#include "broker/line_limiter.h"

#include <algorithm>

namespace roost {

LineLimiter::Window* LineLimiter::Find(std::string_view place) {
  const auto found = std::find_if(windows_.begin(), windows_.end(), [&](const Window& window) {
    return window.place.data() == place.data() || window.place.data() == nullptr;
  });
  if (found == windows_.end()) return nullptr;
  found->place = place;
  return &*found;
}

bool LineLimiter::Take(std::string_view place, uint64_t now_ns) {
  const std::lock_guard lock(mutex_);
  Window* window = Find(place);
  if (window == nullptr) return true;
  // With lines left out the next window begins when those were told of.
  if (window->left_out == 0 && now_ns - window->begin_ns >= kWindowNs) {
    window->begin_ns = now_ns;
    window->lines = 0;
  }
  if (window->lines < kLines) {
    ++window->lines;
    return true;
  }
  ++window->left_out;
  return false;
}

std::optional<LineLimiter::LeftOut> LineLimiter::TakeLeftOut(uint64_t now_ns) {
  const std::lock_guard lock(mutex_);
  for (Window& window : windows_) {
    if (window.left_out == 0 || now_ns - window.begin_ns < kWindowNs) continue;
    const LeftOut left_out{window.place, window.left_out};
    window = {.place = window.place, .begin_ns = now_ns, .lines = 0, .left_out = 0};
    return left_out;
  }
  return {};
}

}  // namespace roost
