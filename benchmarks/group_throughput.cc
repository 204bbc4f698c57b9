// Events that a group works off in a second: N consumer processes on one group, each taking batches and settling
// them as done, against a real roostd in a scratch directory. Beside it, in the same run and with the same
// processes and batches: plain appends to one stream, which are at the same time what is worked off.
//
//   group_throughput [--consumers 16] [--batch 32] [--events 1000000] [--bytes 256] [--rounds 3]
//                    [--waiting 0] [--durability process]
//
// A consumer settles a batch and takes the next with two requests under way at once, and reads no event: what is
// measured is the broker. With --waiting N the appends are made once more while N sessions wait in one group for
// events of another stream, which should cost them nothing. Prints one JSON object: medians with the least and the greatest of the rounds, and the
// ratio.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "benchmarks/compare/harness/processes.h"
#include "client/connection.h"
#include "roost/client.h"

namespace roost {
namespace {

constexpr uint64_t kPatienceNs = 60 * kNsPerSecond;

struct Load {
  int consumers = 16;
  int batch = 32;
  int events = 1'000'000;
  int bytes = 256;
  int rounds = 3;
  int waiting = 0;
  std::string durability = "process";
};

// Runs `client` in so many processes, from the moment at which all are ready; seconds until the last is done.
double TimeProcesses(int count,
                     const std::function<void(int, const std::function<void()>&)>& client) {
  compare::SharedMemory<compare::Meeting> meeting;
  compare::Children children;
  for (int i = 0; i < count; ++i) {
    children.Fork([&] { client(i, [&] { meeting->Arrive(); }); });
  }
  meeting->WaitForAll(static_cast<uint32_t>(count), &children);
  const uint64_t begin_ns = MonotonicNs();
  meeting->Go();
  children.Join();
  const uint64_t end_ns = MonotonicNs();
  return static_cast<double>(end_ns - begin_ns) / 1e9;
}

void Appender(const Load& load, const std::string& socket, const std::function<void()>& wait) {
  Client client({.socket = socket, .agent = "appender", .program = "group_throughput"});
  Batch batch;
  for (int i = 0; i < load.batch; ++i) {
    batch.events.push_back(
        {.stream = "work",
         .type = "bench.event",
         .data = '"' + std::string(static_cast<size_t>(load.bytes) - 2, 'x') + '"'});
  }
  ROOST_CHECK(client.Info().ok());
  wait();
  int in_flight = 0;
  const int batches = load.events / load.batch / load.consumers;
  for (int i = 0; i < batches; ++i) {
    // As a consumer has a settle and a take under way.
    while (in_flight >= 2) ROOST_CHECK(client.WaitForAnswer().ok());
    ++in_flight;
    ROOST_CHECK(client
                    .Submit(batch,
                            [&](const Result<AppendResult>& result) {
                              ROOST_CHECK(result.ok() && result->appended);
                              --in_flight;
                            })
                    .ok());
  }
  ROOST_CHECK(client.Flush().ok());
}

// Takes until nothing is left, and settles all that it took.
class Consumer {
 public:
  Consumer(const Load& load, const std::string& socket)
      : load_(load), connection_({.socket = socket, .agent = "consumer", .program = "bench"}) {
    connection_.Attach(MonotonicNs() + kPatienceNs,
                       [this](const Status& status) { is_attached_ = status.ok(); });
    while (!is_attached_) Serve();
  }

  void Run() {
    Take();
    while (is_taking_ || settling_ > 0) Serve();
  }

 private:
  void Take() {
    is_taking_ = true;
    TakeRequest request{.stream = "work", .group = "g", .max = static_cast<uint32_t>(load_.batch)};
    connection_.Take(request, MonotonicNs() + kPatienceNs,
                     [this](const Result<TakeResult>& result) {
                       ROOST_CHECK(result.ok(), "{}", result.status().message());
                       is_taking_ = false;
                       if (result->items.empty()) return;
                       tokens_.clear();
                       for (const TakenItem& item : result->items) tokens_.push_back(item.token);
                       Settle();
                       Take();
                     });
  }

  void Settle() {
    ++settling_;
    connection_.Settle(tokens_, Outcome::kDone, {}, MonotonicNs() + kPatienceNs,
                       [this](const Result<std::vector<bool>>& result) {
                         ROOST_CHECK(result.ok(), "{}", result.status().message());
                         ROOST_CHECK(std::ranges::count(*result, false) == 0);
                         --settling_;
                       });
  }

  void Serve() {
    pollfd polled{connection_.fd(), connection_.events(), 0};
    if (::poll(&polled, connection_.fd() >= 0 ? 1 : 0, 1000) > 0) connection_.OnReady();
    if (MonotonicNs() >= connection_.NextTimerNs()) connection_.OnTimer();
  }

  const Load& load_;
  Connection connection_;
  bool is_attached_ = false;
  bool is_taking_ = false;
  int settling_ = 0;
  std::vector<ItemToken> tokens_;
};

// Sessions that wait for what never comes, until they are killed.
void WaitForEver(int count, const std::string& socket, int ready) {
  std::vector<std::unique_ptr<Connection>> connections;
  std::vector<pollfd> polled;
  int attached = 0;
  for (int i = 0; i < count; ++i) {
    connections.push_back(std::make_unique<Connection>(
        ConnectionOptions{.socket = socket, .agent = "waiting", .program = "bench"}));
    connections.back()->Attach(MonotonicNs() + kPatienceNs, [&](const Status& status) {
      ROOST_CHECK(status.ok(), "{}", status.message());
      ++attached;
    });
    TakeRequest request{.stream = "idle", .group = "g"};
    request.wait = std::chrono::seconds(50);
    connections.back()->Take(request, MonotonicNs() + 2 * kPatienceNs,
                             [](const Result<TakeResult>&) {});
    while (attached <= i) {
      pollfd one{connections.back()->fd(), connections.back()->events(), 0};
      if (::poll(&one, 1, 1000) > 0) connections.back()->OnReady();
    }
  }
  char byte = 0;
  ROOST_CHECK(::write(ready, &byte, 1) == 1);
  while (true) {
    polled.clear();
    for (auto& connection : connections)
      polled.push_back({connection->fd(), connection->events(), 0});
    ::poll(polled.data(), polled.size(), -1);
    for (size_t i = 0; i < polled.size(); ++i) {
      if (polled[i].revents != 0) connections[i]->OnReady();
    }
  }
}

struct Rates {
  double append = 0;
  double beside_waiting = 0;
  double work = 0;
};

Rates RunRound(const Load& load, const std::string& roostd, const std::string& directory) {
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
  const double events = load.events / load.batch / load.consumers * load.batch * load.consumers;
  Rates rates;
  rates.append = events / TimeProcesses(load.consumers, [&](int, const auto& wait) {
                   Appender(load, socket, wait);
                 });
  if (load.waiting > 0) {
    int waits[2];
    ROOST_CHECK(::pipe(waits) == 0);
    const pid_t waiting = ::fork();
    ROOST_CHECK(waiting >= 0);
    if (waiting == 0) WaitForEver(load.waiting, socket, waits[1]);
    ::close(waits[1]);
    ROOST_CHECK(::read(waits[0], &byte, 1) == 1);
    ::close(waits[0]);
    rates.beside_waiting = events / TimeProcesses(load.consumers, [&](int, const auto& wait) {
                             Appender(load, socket, wait);
                           });
    ::kill(waiting, SIGKILL);
    ::waitpid(waiting, nullptr, 0);
  }
  rates.work = events * (load.waiting > 0 ? 2 : 1) /
               TimeProcesses(load.consumers, [&](int, const auto& wait) {
                 Consumer consumer(load, socket);
                 wait();
                 consumer.Run();
               });
  ::kill(broker, SIGTERM);
  ::waitpid(broker, nullptr, 0);
  std::filesystem::remove_all(directory);
  return rates;
}

std::string Summary(std::vector<double> rates) {
  std::sort(rates.begin(), rates.end());
  return fmt::format(R"({{"median":{:.0f},"least":{:.0f},"greatest":{:.0f}}})",
                     rates[rates.size() / 2], rates.front(), rates.back());
}

int Main(int argc, char** argv) {
  Load load;
  CLI::App app("Events that a group works off in a second, beside plain appends.");
  app.add_option("--consumers", load.consumers)->check(CLI::Range(1, 256));
  app.add_option("--batch", load.batch)->check(CLI::Range(1, 500));
  app.add_option("--events", load.events)->check(CLI::Range(1000, 100'000'000));
  app.add_option("--bytes", load.bytes)->check(CLI::Range(2, 65536));
  app.add_option("--rounds", load.rounds)->check(CLI::Range(1, 99));
  app.add_option("--waiting", load.waiting)->check(CLI::Range(0, 8000));
  app.add_option("--durability", load.durability);
  CLI11_PARSE(app, argc, argv);

  const std::string roostd = std::filesystem::canonical("/proc/self/exe").parent_path() / "roostd";
  const std::string scratch =
      std::filesystem::temp_directory_path() / fmt::format("roost-bench-{}", ::getpid());
  std::vector<double> appends, beside, works, ratios;
  for (int round = 0; round < load.rounds; ++round) {
    const Rates rates = RunRound(load, roostd, scratch);
    appends.push_back(rates.append);
    beside.push_back(rates.beside_waiting);
    works.push_back(rates.work);
    ratios.push_back(rates.work / rates.append);
    fmt::print(stderr, "round {}: {:.0f} events/s appended, {:.0f} events/s worked off\n",
               round + 1, rates.append, rates.work);
  }
  std::sort(ratios.begin(), ratios.end());
  fmt::print(R"({{"consumers":{},"batch":{},"events":{},"bytes":{},"durability":"{}","rounds":{},)"
             R"("worked_off_per_s":{},"appended_per_s":{},"ratio_median":{:.2f},)"
             R"("waiting":{},"appended_beside_waiting_per_s":{}}})"
             "\n",
             load.consumers, load.batch, load.events, load.bytes, load.durability, load.rounds,
             Summary(works), Summary(appends), ratios[ratios.size() / 2], load.waiting,
             Summary(beside));
  return 0;
}

}  // namespace
}  // namespace roost

int main(int argc, char** argv) { return roost::Main(argc, argv); }
