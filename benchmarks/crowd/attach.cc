#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "base/check.h"
#include "base/clock.h"
#include "base/unique_fd.h"
#include "benchmarks/crowd/child_processes.h"
#include "benchmarks/crowd/scenarios.h"
#include "benchmarks/crowd/summary.h"

namespace roost {
namespace {

constexpr uint64_t kPatienceNs = 120 * kNsPerSecond;

// Programs that speak MCP on their standard streams, each asked for a claim of a key of its own.
class Shims {
 public:
  // Seconds until all have answered.
  double Start(int count, const std::string& program, const std::string& socket) {
    const uint64_t begin_ns = MonotonicNs();
    for (int i = 0; i < count; ++i) Start(program, socket, i);
    const uint64_t until_ns = begin_ns + kPatienceNs;
    for (size_t left = streams_.size(); left > 0;) {
      ROOST_CHECK(MonotonicNs() < until_ns, "{} did not answer", left);
      ::poll(polled_.data(), polled_.size(), 1000);
      for (pollfd& polled : polled_) {
        if (polled.fd < 0 || polled.revents == 0 || !HasAnswered(polled.fd)) continue;
        polled.fd = -1;
        --left;
      }
    }
    return static_cast<double>(MonotonicNs() - begin_ns) / 1e9;
  }

  ChildProcesses& processes() { return processes_; }

 private:
  void Start(const std::string& program, const std::string& socket, int index) {
    int pair[2];
    ROOST_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    processes_.Fork([&] {
      ::dup2(pair[1], STDIN_FILENO);
      ::dup2(pair[1], STDOUT_FILENO);
      const std::string agent = fmt::format("agent-{}", index);
      if (socket.empty()) {
        ::execl(program.c_str(), program.c_str(), "300", nullptr);
      } else {
        ::execl(program.c_str(), program.c_str(), "--socket", socket.c_str(), "--agent",
                agent.c_str(), nullptr);
      }
    });
    ::close(pair[1]);
    const std::string lines = fmt::format(
        R"({{"jsonrpc":"2.0","id":1,"method":"initialize","params":{{"protocolVersion":"2025-06-18",)"
        R"("capabilities":{{}},"clientInfo":{{"name":"crowd","version":"1"}}}}}})"
        "\n"
        R"({{"jsonrpc":"2.0","id":"claimed","method":"tools/call","params":{{"name":"claim",)"
        R"("arguments":{{"keys":["crowd/{}"],"ttl_ms":600000}}}}}})"
        "\n",
        index);
    ROOST_CHECK(::write(pair[0], lines.data(), lines.size()) ==
                static_cast<ssize_t>(lines.size()));
    streams_.emplace_back(pair[0]);
    polled_.push_back({pair[0], POLLIN, 0});
    inputs_.emplace_back();
  }

  bool HasAnswered(int fd) {
    char piece[8192];
    const ssize_t size = ::recv(fd, piece, sizeof(piece), MSG_DONTWAIT);
    ROOST_CHECK(size != 0, "a shim ended");
    if (size < 0) return false;
    for (size_t i = 0; i < streams_.size(); ++i) {
      if (streams_[i].get() != fd) continue;
      std::string& input = inputs_[i];
      input.append(piece, static_cast<size_t>(size));
      const size_t at = input.find(R"("id":"claimed")");
      if (at == std::string::npos || input.find('\n', at) == std::string::npos) return false;
      ROOST_CHECK(input.find(R"("isError":true)") == std::string::npos, "{}", input);
      return true;
    }
    return false;
  }

  std::vector<UniqueFd> streams_;
  std::vector<std::string> inputs_;
  std::vector<pollfd> polled_;
  ChildProcesses processes_;
};

// The broker counts them now and then.
void WaitForLeases(const CrowdServer& roost, uint64_t count) {
  const uint64_t until_ns = MonotonicNs() + kPatienceNs;
  while (roost.Count(Counter::kLeases) != count) {
    ROOST_CHECK(MonotonicNs() < until_ns, "{} claims are there", roost.Count(Counter::kLeases));
    ::usleep(1000);
  }
}

std::string ProgramBeside(const char* name) {
  return std::filesystem::canonical("/proc/self/exe").parent_path() / name;
}

}  // namespace

int RunAttach(const AttachOptions& options) {
  std::vector<double> attached, reclaimed, bare;
  uint64_t descriptors_left = 0;
  for (int round = 0; round < options.rounds; ++round) {
    {
      Shims floor;
      bare.push_back(floor.Start(options.shims, ProgramBeside("stdio_floor"), ""));
    }
    CrowdServer roost(CrowdServer::Kind::kRoost, CrowdScratch());
    const uint64_t descriptors = FootprintOf(roost.pid()).descriptors;
    Shims shims;
    attached.push_back(shims.Start(options.shims, ProgramBeside("roost-mcp"), roost.socket()));
    const auto count = static_cast<uint64_t>(options.shims);
    ROOST_CHECK(roost.Count(Counter::kSessions) == count);
    WaitForLeases(roost, count);
    const uint64_t killed_ns = MonotonicNs();
    shims.processes().Signal(SIGKILL, shims.processes().size());
    while (roost.Count(Counter::kSessions) > 0) {
      ROOST_CHECK(MonotonicNs() < killed_ns + kPatienceNs, "not everything was reclaimed");
      ::usleep(1000);
    }
    // Each claim is freed with its session.
    reclaimed.push_back(static_cast<double>(MonotonicNs() - killed_ns) / 1e9);
    WaitForLeases(roost, 0);
    const uint64_t now = FootprintOf(roost.pid()).descriptors;
    // The segment that it prepares ahead may be there or not.
    if (now > descriptors + 1) descriptors_left += now - descriptors;
    fmt::print(stderr, "round {}: attached {:.2f} s, floor {:.2f} s, reclaimed {:.3f} s\n",
               round + 1, attached.back(), bare.back(), reclaimed.back());
  }
  fmt::print(R"({{"shims":{},"rounds":{},"attached_s":{},"floor_s":{},"reclaimed_s":{},)"
             R"("descriptors_left":{}}})"
             "\n",
             options.shims, options.rounds, Summary(attached), Summary(bare), Summary(reclaimed),
             descriptors_left);
  const bool is_late =
      (options.attached_s_max > 0 && Median(attached) > options.attached_s_max) ||
      (options.reclaimed_s_max > 0 && Median(reclaimed) > options.reclaimed_s_max);
  return is_late || descriptors_left > 0 ? 1 : 0;
}

}  // namespace roost
