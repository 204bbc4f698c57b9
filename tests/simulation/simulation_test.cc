// Many short lives of a broker and its clients, each under faults of its own; see simulation.h.
//
//   ROOST_TEST_SEED=n     runs that one alone and prints its schedule
//   ROOST_TEST_SEEDS=n    so many, from the first on
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "broker/logging.h"
#include "tests/log/test_scale.h"
#include "tests/simulation/simulation.h"

namespace roost {
namespace {

uint64_t running_seed = 0;

// A check of Roost's own that fails ends the program: who looks needs the seed.
void TellSeed(int) {
  std::fprintf(stderr, "ROOST_TEST_SEED=%llu failed a check\n",
               static_cast<unsigned long long>(running_seed));
}

class SimulationTest : public ::testing::Test {
 protected:
  SimulationTest() : directory_(Place() + fmt::format("roost-simulation-{:010}", ::getpid())) {
    SetLogLevel(LogLevel::kNone);
    std::signal(SIGABRT, TellSeed);
  }
  ~SimulationTest() override {
    std::signal(SIGABRT, SIG_DFL);
    SetLogLevel(LogLevel::kInfo);
    std::filesystem::remove_all(directory_);
  }

  static std::string Place() {
    return ::access("/dev/shm", W_OK) == 0 ? "/dev/shm/" : ::testing::TempDir();
  }

  std::unique_ptr<Simulation> Make(uint64_t seed) {
    running_seed = seed;
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    std::filesystem::permissions(directory_, std::filesystem::perms::owner_all);
    return std::make_unique<Simulation>(seed, directory_);
  }

  // False: it failed, and that was said.
  bool RunSeed(uint64_t seed) {
    const auto simulation = Make(seed);
    const bool went_well = simulation->Run();
    const Simulation::Counts& counts = simulation->counts();
    sums_.steps += counts.steps;
    sums_.starts += counts.starts;
    sums_.crashes += counts.crashes;
    sums_.power_cuts += counts.power_cuts;
    sums_.disk_errors += counts.disk_errors;
    sums_.clients_killed += counts.clients_killed;
    sums_.hang_ups += counts.hang_ups;
    sums_.events += counts.events;
    sums_.checkpoints += counts.checkpoints;
    if (went_well) return true;
    for (const std::string& violation : simulation->violations()) ADD_FAILURE() << violation;
    const size_t lines = simulation->trace().lines().size();
    std::printf("%s", simulation->trace().Text(lines - std::min<size_t>(lines, 60)).c_str());
    ADD_FAILURE() << "again, with the whole schedule: ROOST_TEST_SEED=" << seed;
    return false;
  }

  const std::string directory_;
  Simulation::Counts sums_;
};

TEST_F(SimulationTest, KeepsAllPromises) {
  if (const char* seed = std::getenv("ROOST_TEST_SEED")) {
    const auto simulation = Make(std::strtoull(seed, nullptr, 10));
    simulation->Run();
    std::printf("%s", simulation->trace().Text().c_str());
    for (const LogEvent& event : simulation->log().events()) {
      std::printf("%s\n", event.Text().c_str());
    }
    for (const std::string& violation : simulation->violations()) ADD_FAILURE() << violation;
    return;
  }
  const char* const seeds = std::getenv("ROOST_TEST_SEEDS");
  const uint64_t count = seeds != nullptr
                             ? std::strtoull(seeds, nullptr, 10)
                             : Scaled({.soak = 1'000'000, .gate = 2000, .sanitized = 500});
  const auto begin = std::chrono::steady_clock::now();
  uint64_t seed = 1;
  for (; seed <= count; ++seed) {
    if (!RunSeed(seed)) break;
    if (std::chrono::steady_clock::now() - begin > std::chrono::hours(1)) break;
  }
  std::printf(
      "%llu seeds: %llu steps, %llu events, %llu starts, %llu crashes, %llu power cuts, %llu disk "
      "errors, "
      "%llu clients killed, %llu hang-ups, %llu checkpoints\n",
      (unsigned long long)seed - 1, (unsigned long long)sums_.steps,
      (unsigned long long)sums_.events, (unsigned long long)sums_.starts,
      (unsigned long long)sums_.crashes, (unsigned long long)sums_.power_cuts,
      (unsigned long long)sums_.disk_errors, (unsigned long long)sums_.clients_killed,
      (unsigned long long)sums_.hang_ups, (unsigned long long)sums_.checkpoints);
}

TEST_F(SimulationTest, RunsTheSameTwiceFromOneSeed) {
  for (uint64_t seed = 1; seed <= Scaled({.soak = 1000, .gate = 100, .sanitized = 20}); ++seed) {
    const auto first = Make(seed);
    first->Run();
    const Trace trace = first->trace();
    const uint64_t content = first->ContentHash();
    const auto second = Make(seed);
    second->Run();
    ASSERT_EQ(trace.lines().size(), second->trace().lines().size()) << "seed " << seed;
    ASSERT_TRUE(trace.lines() == second->trace().lines()) << "seed " << seed;
    ASSERT_EQ(content, second->ContentHash()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace roost
