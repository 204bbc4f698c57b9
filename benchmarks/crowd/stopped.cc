#include <fmt/format.h>
#include <unistd.h>

#include <chrono>

#include "base/check.h"
#include "base/clock.h"
#include "benchmarks/crowd/child_processes.h"
#include "benchmarks/crowd/polite_agents.h"
#include "benchmarks/crowd/scenarios.h"
#include "benchmarks/crowd/summary.h"
#include "roost/client.h"

namespace roost {
namespace {

constexpr int kAppenders = 16;
constexpr useconds_t kNewsEveryUs = 200'000;
constexpr double kBareSeconds = 0.5;
constexpr uint64_t kPatienceNs = 60 * kNsPerSecond;

void ReadNews(const std::string& socket) {
  Client client({.socket = socket, .agent = "reader", .program = "crowd_bench"});
  ReadQuery query{.filter = {.stream = "news"}};
  while (true) {
    const Result<Page> page = client.Wait(query, std::chrono::seconds(50));
    if (!page.ok()) return;
    query.after = page->next();
  }
}

void WriteNews(const std::string& socket) {
  Client client({.socket = socket, .agent = "announcer", .program = "crowd_bench"});
  while (client.Append(NewEvent{.stream = "news", .type = "crowd.news", .data = "1"}).ok()) {
    ::usleep(kNewsEveryUs);
  }
}

double AppendsPerSecond(PoliteAgents& appenders, double seconds) {
  const PoliteAgents::Figures figures = appenders.Run(seconds, /*rate=*/0);
  ROOST_CHECK(figures.refused == 0);
  return static_cast<double>(figures.answered) / seconds;
}

}  // namespace

int RunStopped(const StoppedOptions& options) {
  const std::string scratch = CrowdScratch();
  CrowdServer bare(CrowdServer::Kind::kBare, scratch + "-bare");
  CrowdServer roost(CrowdServer::Kind::kRoost, scratch);
  ChildProcesses readers, announcer;
  for (int i = 0; i < options.readers; ++i) readers.Fork([&] { ReadNews(roost.socket()); });
  const uint64_t until_ns = MonotonicNs() + kPatienceNs;
  while (roost.Count(Counter::kWaits) < static_cast<uint64_t>(options.readers)) {
    ROOST_CHECK(MonotonicNs() < until_ns, "the readers do not come");
    ::usleep(10'000);
  }
  announcer.Fork([&] { WriteNews(roost.socket()); });
  PoliteAgents bare_appenders(bare, kAppenders), appenders(roost, kAppenders);
  const auto stopped = static_cast<size_t>(options.stopped);
  std::vector<double> running, with_stopped, ratios, bare_rates;
  for (int round = 0; round < options.rounds; ++round) {
    bare_rates.push_back(AppendsPerSecond(bare_appenders, kBareSeconds));
    running.push_back(AppendsPerSecond(appenders, options.seconds));
    readers.Signal(SIGSTOP, stopped);
    with_stopped.push_back(AppendsPerSecond(appenders, options.seconds));
    readers.Signal(SIGCONT, stopped);
    ratios.push_back(with_stopped.back() / running.back());
    fmt::print(stderr, "round {}: {:.0f}/s, stopped {:.0f}/s, bare {:.0f}/s\n", round + 1,
               running.back(), with_stopped.back(), bare_rates.back());
  }
  fmt::print(R"({{"readers":{},"stopped":{},"seconds":{},"rounds":{},"appends_per_s":{},)"
             R"("with_stopped_per_s":{},"ratio":{},"bare_appends_per_s":{}}})"
             "\n",
             options.readers, options.stopped, options.seconds, options.rounds, Summary(running),
             Summary(with_stopped), Summary(ratios), Summary(bare_rates));
  return options.slower_max > 0 && Median(ratios) < 1 - options.slower_max ? 1 : 0;
}

}  // namespace roost
