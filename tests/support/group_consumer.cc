// A consumer of a group, as a process of its own that a test can kill: takes, settles most of it, forgets some,
// and goes on for ever. What it was told it writes to stdout at once, a line each: "taken <lease> <revision>" and,
// once that was answered, "done <lease> <revision>". Arguments: socket, stream, group, seed.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "client/connection.h"

namespace roost {
namespace {

class Consumer {
 public:
  Consumer(char** arguments)
      : stream_(arguments[2]),
        group_(arguments[3]),
        random_(std::strtoull(arguments[4], nullptr, 10)),
        connection_({.socket = arguments[1], .agent = "consumer", .program = "group_consumer"}) {}

  void Run() {
    while (true) {
      const std::vector<TakenItem> items = Take();
      // Not in the order in which it got them, and not all of them.
      std::vector<TakenItem> mixed = items;
      std::ranges::shuffle(mixed, random_);
      for (size_t done = 0; done < mixed.size();) {
        const size_t count = std::min<size_t>(1 + random_() % 20, mixed.size() - done);
        Settle(std::span(mixed).subspan(done, count));
        done += count;
        if (random_() % 4 == 0)
          std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 4));
      }
    }
  }

 private:
  static void Write(const std::string& lines) {
    [[maybe_unused]] const ssize_t written = ::write(STDOUT_FILENO, lines.data(), lines.size());
  }
  static uint64_t Deadline() { return MonotonicNs() + 20 * kNsPerSecond; }

  void ServeUntil(const bool& is_done) {
    while (!is_done) {
      const uint64_t timer_ns = connection_.NextTimerNs(), now_ns = MonotonicNs();
      const uint64_t left_ms = timer_ns <= now_ns ? 0 : (timer_ns - now_ns) / kNsPerMs + 1;
      pollfd polled{connection_.fd(), connection_.events(), 0};
      const nfds_t count = connection_.fd() >= 0 ? 1 : 0;
      if (::poll(&polled, count, static_cast<int>(std::min<uint64_t>(left_ms, 1000))) > 0) {
        connection_.OnReady();
      }
      if (MonotonicNs() >= connection_.NextTimerNs()) connection_.OnTimer();
    }
  }

  std::vector<TakenItem> Take() {
    TakeRequest request{.stream = stream_, .group = group_};
    request.max = static_cast<uint32_t>(1 + random_() % 60);
    request.lease = std::chrono::milliseconds(100 + random_() % 400);
    request.wait = std::chrono::milliseconds(random_() % 2 == 0 ? 0 : 100);
    std::vector<TakenItem> items;
    bool is_done = false;
    connection_.Take(request, Deadline(), [&](const Result<TakeResult>& result) {
      is_done = true;
      if (result.ok()) items = result->items;
    });
    ServeUntil(is_done);
    if (items.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::string lines;
    for (const TakenItem& item : items) {
      lines += fmt::format("taken {} {}\n", item.token.lease, item.revision);
    }
    Write(lines);
    return items;
  }

  void Settle(std::span<const TakenItem> items) {
    const uint64_t fate = random_() % 20;
    if (fate == 0) return;  // forgotten: it comes back when the lease has expired
    const Outcome outcome = fate == 1   ? Outcome::kPark
                            : fate <= 4 ? Outcome::kRetry
                                        : Outcome::kDone;
    std::vector<ItemToken> tokens;
    for (const TakenItem& item : items) tokens.push_back(item.token);
    bool is_done = false;
    std::string lines;
    connection_.Settle(
        tokens, outcome, {}, Deadline(), [&](const Result<std::vector<bool>>& result) {
          is_done = true;
          for (size_t i = 0; result.ok() && outcome == Outcome::kDone && i < items.size(); ++i) {
            if (!(*result)[i]) continue;
            lines += fmt::format("done {} {}\n", items[i].token.lease, items[i].revision);
          }
        });
    ServeUntil(is_done);
    Write(lines);
  }

  const std::string stream_;
  const std::string group_;
  std::mt19937_64 random_;
  Connection connection_;
};

}  // namespace
}  // namespace roost

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  roost::Consumer(argv).Run();
}
