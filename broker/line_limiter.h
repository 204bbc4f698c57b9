// How many lines each place in the code may log, so that nobody fills a disk with lines which they provoke: ten in
// ten seconds, and of the others how many they were. Any thread.
#ifndef ROOST_BROKER_LINE_LIMITER_H_
#define ROOST_BROKER_LINE_LIMITER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>

namespace roost {

class LineLimiter {
 public:
  static constexpr uint64_t kLines = 10;
  static constexpr uint64_t kWindowNs = 10'000'000'000;
  static constexpr size_t kPlaces = 64;  // what comes from further ones is never left out

  struct LeftOut {
    std::string_view place;
    uint64_t lines;
  };

  // May `place` log a line now? `place` is text with static storage, and is told apart by its address.
  bool Take(std::string_view place, uint64_t now_ns);

  // A place whose window has passed and of which lines were left out in it; each window is told of once.
  std::optional<LeftOut> TakeLeftOut(uint64_t now_ns);

 private:
  struct Window {
    std::string_view place;
    uint64_t begin_ns = 0;
    uint64_t lines = 0;
    uint64_t left_out = 0;
  };

  Window* Find(std::string_view place);

  std::mutex mutex_;
  std::array<Window, kPlaces> windows_;
};

}  // namespace roost

#endif  // ROOST_BROKER_LINE_LIMITER_H_
