#include <fmt/format.h>
#include <unistd.h>

#include <map>

#include "base/check.h"
#include "benchmarks/crowd/flooder.h"
#include "benchmarks/crowd/polite_agents.h"
#include "benchmarks/crowd/scenarios.h"
#include "benchmarks/crowd/summary.h"

namespace roost {
namespace {

constexpr FloodKind kKinds[] = {FloodKind::kAppends, FloodKind::kDeaf, FloodKind::kSwarm,
                                FloodKind::kAttaching};

// One server with its agents, and what was measured before it.
struct Scene {
  Scene(CrowdServer::Kind kind, const std::string& directory, int count)
      : server(kind, directory), agents(server, count) {}

  CrowdServer server;
  PoliteAgents agents;
  std::vector<double> quiet_us;
  std::map<FloodKind, std::vector<double>> ratios, flooded_us, attached;
  uint64_t refused = 0;
  uint64_t answered = 0;
  std::map<FloodKind, uint64_t> busy;
};

void RunRound(const FloodOptions& options, Scene& scene) {
  for (const FloodKind kind : kKinds) {
    const PoliteAgents::Figures quiet = scene.agents.Run(options.seconds, options.rate);
    PoliteAgents::Figures flooded;
    {
      const Flooder flooder(scene.server, kind);
      flooded = scene.agents.Run(options.seconds, options.rate);
      scene.busy[kind] += flooder.counts().busy.load(std::memory_order_relaxed);
      scene.attached[kind].push_back(
          static_cast<double>(flooder.counts().attached.load(std::memory_order_relaxed)) /
          options.seconds);
    }
    ::usleep(50'000);  // what is under way comes to its end
    scene.quiet_us.push_back(quiet.p99_us);
    scene.flooded_us[kind].push_back(flooded.p99_us);
    scene.ratios[kind].push_back(flooded.p99_us / quiet.p99_us);
    scene.refused += quiet.refused + flooded.refused;
    scene.answered += quiet.answered + flooded.answered;
    fmt::print(stderr, "{} {}: p99 {:.0f} us, quiet {:.0f} us\n",
               scene.server.is_bare() ? "bare" : "roost", NameOf(kind), flooded.p99_us,
               quiet.p99_us);
  }
}

}  // namespace

int RunFlood(const FloodOptions& options) {
  const std::string scratch = CrowdScratch();
  Scene bare(CrowdServer::Kind::kBare, scratch + "-bare", options.agents);
  Scene roost(CrowdServer::Kind::kRoost, scratch, options.agents);
  for (int round = 0; round < options.rounds; ++round) {
    RunRound(options, bare);
    RunRound(options, roost);
  }
  fmt::print(R"({{"agents":{},"rate":{},"rounds":{},"answered":{},"refused":{},"quiet_p99_us":{},)"
             R"("bare_quiet_p99_us":{},"floods":{{)",
             options.agents, options.rate, options.rounds, roost.answered, roost.refused,
             Summary(roost.quiet_us), Summary(bare.quiet_us));
  bool is_good = roost.refused == 0;
  const char* comma = "";
  for (const FloodKind kind : kKinds) {
    fmt::print(R"({}"{}":{{"p99_us":{},"ratio":{},"bare_ratio":{},"busy":{},"attached_per_s":{},"bare_attached_per_s":{}}})",
               comma, NameOf(kind), Summary(roost.flooded_us[kind]), Summary(roost.ratios[kind]),
               Summary(bare.ratios[kind]), roost.busy[kind], Summary(roost.attached[kind]),
               Summary(bare.attached[kind]));
    comma = ",";
    // What a swarm costs is shown, and promised to nobody: it is as much as many clients ask for.
    if (kind != FloodKind::kSwarm && Median(roost.ratios[kind]) > options.ratio_max) is_good = false;
    if (kind == FloodKind::kDeaf && roost.busy[kind] == 0) is_good = false;
  }
  fmt::print("}}}}\n");
  return is_good || options.ratio_max == 0 ? 0 : 1;
}

}  // namespace roost
