// What every adapter is linked with: one work, once, in one mode.
//
//   compare_PEER --describe
//   compare_PEER --work append --mode process --publishers 4 --batch 64 --scratch DIR
//
// Prints one JSON object. Exit status 1, or an abort that says why, when anything failed; a check above all.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <csignal>

#include "benchmarks/compare/harness/works.h"

namespace roost::compare {
namespace {

boost::json::object ToJson(const Mode& mode) {
  return {{"name", mode.name},
          {"guarantee", mode.guarantee},
          {"works", boost::json::array(mode.works.begin(), mode.works.end())},
          {"means", mode.means},
          {"clients_max", mode.clients_max},
          {"fan_out_part", mode.fan_out_part}};
}

int PrintDescription() {
  const Description description = Describe();
  boost::json::array modes;
  for (const Mode& mode : description.modes) modes.push_back(ToJson(mode));
  boost::json::array absences;
  for (const Absence& one : description.absences)
    absences.push_back({{"work", one.work}, {"why", one.why}});
  const boost::json::object printed = {{"peer", description.peer},
                                       {"version", MakePeer({})->Version()},
                                       {"client_library", description.client_library},
                                       {"modes", modes},
                                       {"absences", absences}};
  fmt::print("{}\n", boost::json::serialize(printed));
  return 0;
}

Metrics Measure(const Run& run, const Mode& mode) {
  const std::unique_ptr<Peer> peer = MakePeer(run);
  if (run.work == "latency") return MeasureLatency(run, mode, peer.get());
  if (run.work == "append") return MeasureAppend(run, mode, peer.get());
  if (run.work == "fan_out") return MeasureFanOut(run, mode, peer.get());
  if (run.work == "replay") return MeasureReplay(run, mode, peer.get());
  if (run.work == "streams") return MeasureStreams(run, mode, peer.get());
  ROOST_CHECK(run.work == "memory", "no work '{}'", run.work);
  return MeasureMemory(run, mode, peer.get());
}

int Main(int argc, char** argv) {
  Run run;
  bool describe = false, spin = false;
  CLI::App app("One work of the comparison, once, with one peer.");
  app.add_flag("--describe", describe);
  app.add_option("--work", run.work);
  app.add_option("--mode", run.mode);
  app.add_option("--publishers", run.publishers)->check(CLI::Range(1, 256));
  app.add_option("--batch", run.batch)->check(CLI::Range(1, 1000));
  app.add_option("--readers", run.readers)->check(CLI::Range(1, 1000));
  app.add_option("--clients", run.clients)->check(CLI::Range(1, 1000));
  app.add_flag("--spin", spin);
  app.add_option("--seconds", run.seconds)->check(CLI::Range(0.05, 60.0));
  app.add_option("--events", run.events);
  app.add_option("--streams", run.streams)->check(CLI::Range(1, 100000));
  app.add_option("--scratch", run.scratch);
  app.add_option("--bin", run.bin);
  CLI11_PARSE(app, argc, argv);
  if (describe) return PrintDescription();

  const Description description = Describe();
  const auto mode = std::find_if(description.modes.begin(), description.modes.end(),
                                 [&](const Mode& one) { return one.name == run.mode; });
  ROOST_CHECK(mode != description.modes.end(), "no mode '{}'", run.mode);
  run.waiting = spin ? Waiting::kSpin : Waiting::kSleep;
  ::signal(SIGPIPE, SIG_IGN);
  boost::json::object metrics;
  for (const auto& [name, value] : Measure(run, *mode)) metrics[name] = value;
  fmt::print("{}\n", boost::json::serialize(metrics));
  return 0;
}

}  // namespace
}  // namespace roost::compare

int main(int argc, char** argv) { return roost::compare::Main(argc, argv); }
