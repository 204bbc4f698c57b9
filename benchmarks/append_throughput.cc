// Acknowledged appends a second, through sockets or lanes: N client processes, each with a number of batches in
// flight, against a real roostd in a scratch directory. Beside it, in turn with it and with the same
// processes, batches and bytes: a bare sequencer, which only receives a message, writes it to a file and
// answers. It is what no broker over sockets with a journal can beat by much.
//
//   append_throughput [--clients 1] [--batch 64] [--in-flight 4] [--bytes 256] [--seconds 2] [--rounds 5]
//                     [--durability process] [--lane [--lane-spin-us 100]]
//
// Prints one JSON object: medians with the least and the greatest of the rounds, and the ratio.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "base/unix_socket.h"
#include "benchmarks/compare/harness/processes.h"
#include "roost/client.h"

namespace roost {
namespace {

struct Load {
  int clients = 1;
  int batch = 64;
  int in_flight = 4;
  int bytes = 256;
  double seconds = 2;
  int rounds = 5;
  std::string durability = "process";
  bool lane = false;
  int lane_spin_us = 100;
};

// Shared by the processes of one round.
struct Shared {
  compare::Meeting meeting;
  std::atomic<uint64_t> events{0};
};

// Runs `client` in `count` processes at once for the load's time; events a second in all.
template <typename ClientMain>
double RunClients(const Load& load, ClientMain client) {
  compare::SharedMemory<Shared> shared;
  compare::Children children;
  for (int i = 0; i < load.clients; ++i) children.Fork([&] { client(i, *shared); });
  shared->meeting.WaitForAll(static_cast<uint32_t>(load.clients), &children);
  const uint64_t start = MonotonicNs();
  shared->meeting.Go();
  ::usleep(static_cast<useconds_t>(load.seconds * 1e6));
  const uint64_t counted = shared->events.load(std::memory_order_acquire);
  const uint64_t end = MonotonicNs();
  shared->meeting.stop.store(true, std::memory_order_release);
  children.Join();
  return static_cast<double>(counted) * 1e9 / static_cast<double>(end - start);
}

// ---- Roost ----

void RoostClient(const Load& load, const std::string& socket, int index, Shared& shared) {
  Client client({.socket = socket,
                 .agent = fmt::format("bench-{}", index),
                 .program = "append_throughput",
                 .lane = load.lane,
                 .lane_spin = std::chrono::microseconds(load.lane_spin_us)});
  Batch batch;
  for (int i = 0; i < load.batch; ++i) {
    batch.events.push_back({.stream = fmt::format("bench/{}", index),
                            .type = "bench.event",
                            .data = '"' + std::string(static_cast<size_t>(load.bytes) - 2, 'x') + '"'});
  }
  ROOST_CHECK(client.Append(batch).ok());
  shared.meeting.Arrive();
  int in_flight = 0;
  const auto done = [&](const Result<AppendResult>& result) {
    ROOST_CHECK(result.ok() && result->appended, "{}", result.status().message());
    --in_flight;
    shared.events.fetch_add(result->count, std::memory_order_relaxed);
  };
  // Submit() blocks on 64; fewer in flight is for the load to keep.
  while (!shared.meeting.stopped()) {
    while (in_flight < load.in_flight) {
      ++in_flight;
      const Status status = client.Submit(batch, done);
      ROOST_CHECK(status.ok(), "{}", status.message());
    }
    ROOST_CHECK(client.WaitForAnswer().ok());
  }
  ROOST_CHECK(client.Flush().ok());
}

double RunRoost(const Load& load, const std::string& roostd, const std::string& directory) {
  std::filesystem::create_directories(directory);
  const std::string socket = directory + "/roost.sock";
  const std::string data = directory + "/data";
  int ready[2];
  ROOST_CHECK(::pipe(ready) == 0);
  const pid_t broker = ::fork();
  ROOST_CHECK(broker >= 0);
  if (broker == 0) {
    ::close(ready[0]);
    const int null = ::open("/dev/null", O_WRONLY);
    ::dup2(null, STDOUT_FILENO);
    const std::string fd = std::to_string(ready[1]);
    ::execl(roostd.c_str(), "roostd", "--socket", socket.c_str(), "--data", data.c_str(),
            "--durability", load.durability.c_str(), "--ready-fd", fd.c_str(), nullptr);
    ::_exit(127);
  }
  ::close(ready[1]);
  char byte;
  ROOST_CHECK(::read(ready[0], &byte, 1) == 1, "roostd did not start");
  ::close(ready[0]);
  const double rate = RunClients(load, [&](int index, Shared& shared) {
    RoostClient(load, socket, index, shared);
  });
  ::kill(broker, SIGTERM);
  ::waitpid(broker, nullptr, 0);
  std::filesystem::remove_all(directory);
  return rate;
}

// ---- the bare sequencer ----

void BareSequencer(std::vector<UniqueFd>& sockets, const std::string& file) {
  const UniqueFd journal(::open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  std::vector<pollfd> polled;
  for (const UniqueFd& socket : sockets) polled.push_back({socket.get(), POLLIN, 0});
  std::vector<std::byte> buffer(256 << 10);
  const std::byte answer[64] = {};
  size_t open = polled.size();
  while (open > 0) {
    ::poll(polled.data(), polled.size(), -1);
    for (pollfd& one : polled) {
      if (one.fd < 0 || one.revents == 0) continue;
      const Received received = ReceiveSeqpacket(one.fd, buffer.data(), buffer.size());
      if (received.outcome == SocketOutcome::kWouldBlock) continue;
      if (received.outcome != SocketOutcome::kDone) {
        one.fd = -1;
        --open;
        continue;
      }
      ROOST_CHECK(::write(journal.get(), buffer.data(), received.size) ==
                  static_cast<ssize_t>(received.size));
      if (SendSeqpacket(one.fd, answer) != SocketOutcome::kDone) {
        one.fd = -1;
        --open;
      }
    }
  }
}

void BareClient(const Load& load, int socket, Shared& shared) {
  // As many bytes as Roost's clients send: the events with names and framing.
  const std::vector<std::byte> message(static_cast<size_t>(load.batch) *
                                       (static_cast<size_t>(load.bytes) + 110));
  std::byte answer[128];
  shared.meeting.Arrive();
  int in_flight = 0;
  while (!shared.meeting.stopped()) {
    while (in_flight < load.in_flight) {
      const SocketOutcome outcome = SendSeqpacket(socket, message);
      if (outcome == SocketOutcome::kWouldBlock) break;
      ROOST_CHECK(outcome == SocketOutcome::kDone);
      ++in_flight;
    }
    pollfd polled{socket, POLLIN, 0};
    ::poll(&polled, 1, -1);
    while (ReceiveSeqpacket(socket, answer, sizeof(answer)).outcome == SocketOutcome::kDone) {
      --in_flight;
      shared.events.fetch_add(static_cast<uint64_t>(load.batch), std::memory_order_relaxed);
    }
  }
}

double RunBare(const Load& load, const std::string& directory) {
  std::filesystem::create_directories(directory);
  std::vector<UniqueFd> near, far;
  for (int i = 0; i < load.clients; ++i) {
    int pair[2];
    ROOST_CHECK(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
    near.emplace_back(pair[0]);
    far.emplace_back(pair[1]);
  }
  const pid_t sequencer = ::fork();
  ROOST_CHECK(sequencer >= 0);
  if (sequencer == 0) {
    near.clear();
    BareSequencer(far, directory + "/journal");
    ::_exit(0);
  }
  far.clear();
  const double rate = RunClients(load, [&](int index, Shared& shared) {
    const int mine = near[static_cast<size_t>(index)].Release();
    near.clear();
    BareClient(load, mine, shared);
  });
  near.clear();
  ::waitpid(sequencer, nullptr, 0);
  std::filesystem::remove_all(directory);
  return rate;
}

std::string Summary(std::vector<double> rates) {
  std::sort(rates.begin(), rates.end());
  return fmt::format(R"({{"median":{:.0f},"least":{:.0f},"greatest":{:.0f}}})", rates[rates.size() / 2],
                     rates.front(), rates.back());
}

int Main(int argc, char** argv) {
  Load load;
  CLI::App app("Acknowledged appends a second through sockets, beside a bare sequencer.");
  app.add_option("--clients", load.clients)->check(CLI::Range(1, 1000));
  app.add_option("--batch", load.batch)->check(CLI::Range(1, 1000));
  app.add_option("--in-flight", load.in_flight)->check(CLI::Range(1, 64));
  app.add_option("--bytes", load.bytes)->check(CLI::Range(2, 65536));
  app.add_option("--seconds", load.seconds)->check(CLI::Range(0.1, 600.0));
  app.add_option("--rounds", load.rounds)->check(CLI::Range(1, 99));
  app.add_option("--durability", load.durability);
  app.add_flag("--lane", load.lane, "through a lane each");
  app.add_option("--lane-spin-us", load.lane_spin_us)->check(CLI::Range(0, 1000000));
  CLI11_PARSE(app, argc, argv);

  const std::string roostd = std::filesystem::canonical("/proc/self/exe").parent_path() / "roostd";
  const std::string scratch =
      std::filesystem::temp_directory_path() / fmt::format("roost-bench-{}", ::getpid());
  std::vector<double> roost, bare, ratios;
  for (int round = 0; round < load.rounds; ++round) {
    bare.push_back(RunBare(load, scratch));
    roost.push_back(RunRoost(load, roostd, scratch));
    ratios.push_back(roost.back() / bare.back());
    fmt::print(stderr, "round {}: roost {:.0f}/s, bare {:.0f}/s\n", round + 1, roost.back(), bare.back());
  }
  std::sort(ratios.begin(), ratios.end());
  fmt::print(R"({{"clients":{},"batch":{},"in_flight":{},"bytes":{},"durability":"{}","lane":{},"rounds":{},)"
             R"("roost_events_per_s":{},"bare_events_per_s":{},"ratio_median":{:.2f}}})" "\n",
             load.clients, load.batch, load.in_flight, load.bytes, load.durability, load.lane, load.rounds,
             Summary(roost), Summary(bare), ratios[ratios.size() / 2]);
  return 0;
}

}  // namespace
}  // namespace roost

int main(int argc, char** argv) { return roost::Main(argc, argv); }
