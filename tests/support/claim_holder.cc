// A holder of claims, as a process of its own that a test can kill: claims keys, also globs, holds them for a while, renews
// or releases them, or lets them expire, and goes on for ever. What it was told it writes to stdout at once, a line each:
// "granted <token>" and "released <token>". Arguments: socket, seed, keys.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "roost/client.h"

namespace roost {
namespace {

void Write(const std::string& line) {
  [[maybe_unused]] const ssize_t written = ::write(STDOUT_FILENO, line.data(), line.size());
}

[[noreturn]] void Run(const std::string& socket, uint64_t seed, std::vector<std::string> keys) {
  std::mt19937_64 random(seed);
  const auto rest = [&random](uint64_t ms) {
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % ms));
  };
  Client client({.socket = socket, .agent = "holder", .timeout = std::chrono::seconds(20)});
  while (true) {
    ClaimRequest request;
    for (size_t i = 0; i < 1 + random() % 2; ++i)
      request.keys.push_back(keys[random() % keys.size()]);
    request.ttl = std::chrono::milliseconds(100 + random() % 400);
    request.wait = std::chrono::milliseconds(random() % 3 == 0 ? 0 : random() % 500);
    const Result<ClaimResult> claimed = client.Claim(request);
    if (!claimed.ok() || !claimed->granted) {
      rest(5);
      continue;
    }
    Write(fmt::format("granted {}\n", claimed->token));
    rest(30);
    if (random() % 8 == 0) continue;  // forgotten: it expires, or is found to be its own
    const Result<bool> released = client.Release(claimed->token);
    if (released.ok() && *released) Write(fmt::format("released {}\n", claimed->token));
  }
}

}  // namespace
}  // namespace roost

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  roost::Run(argv[1], std::strtoull(argv[2], nullptr, 10), {argv + 3, argv + argc});
}
