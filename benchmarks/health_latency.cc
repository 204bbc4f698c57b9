// How long CheckHealth() takes within a process, beside the system calls alone that it is made of: the file opened and its
// head read, the process looked at. In turn, a millisecond apart, since whoever asks in a loop asks of warm caches.
#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "base/unique_fd.h"
#include "ipc/broker_health.h"
#include "ipc/socket_path.h"

namespace roost {
namespace {

void ReadHead(const std::string& path, size_t bytes) {
  static std::vector<char> buffer(8192);
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  ROOST_CHECK(fd.valid() && ::fstat(fd.get(), &info) == 0);
  ROOST_CHECK(::read(fd.get(), buffer.data(), bytes) > 0);
}

void Bare(const std::string& counters, const std::string& stat, pid_t pid) {
  ReadHead(counters, 8192);
  ReadHead("/proc/self/stat", 512);
  ReadHead(stat, 512);
  ROOST_CHECK(::kill(pid, 0) == 0);
}

template <typename Call>
uint64_t Timed(Call call) {
  const uint64_t began_ns = MonotonicNs();
  call();
  return MonotonicNs() - began_ns;
}

std::string Summary(std::vector<uint64_t> took) {
  std::sort(took.begin(), took.end());
  const auto micros = [&](double share) {
    return static_cast<double>(took[static_cast<size_t>(share * static_cast<double>(took.size() - 1))]) / 1e3;
  };
  return fmt::format(R"({{"p50_us":{:.1f},"p99_us":{:.1f},"greatest_us":{:.1f}}})", micros(0.5), micros(0.99),
                     micros(1));
}

}  // namespace
}  // namespace roost

int main(int argc, char** argv) {
  using namespace roost;
  CLI::App app("How long a look at the health of a running broker takes");
  std::string socket;
  size_t checks = 5000;
  app.add_option("--socket", socket)->required();
  app.add_option("--checks", checks);
  CLI11_PARSE(app, argc, argv);

  const std::string counters = CountersPath(socket);
  const Health first = CheckHealth(counters);
  ROOST_CHECK(first.broker_pid != 0, "{}", first.reason);
  const std::string stat = fmt::format("/proc/{}/stat", first.broker_pid);
  std::vector<uint64_t> health, bare;
  size_t unwell = 0;
  for (size_t i = 0; i < checks; ++i) {
    ::usleep(1000);
    health.push_back(Timed([&] { unwell += CheckHealth(counters).well() ? 0 : 1; }));
    ::usleep(1000);
    bare.push_back(Timed([&] { Bare(counters, stat, static_cast<pid_t>(first.broker_pid)); }));
  }
  fmt::print(R"({{"health":{},"bare":{},"checks":{},"unwell":{}}})"
             "\n",
             Summary(health), Summary(bare), checks, unwell);
}
