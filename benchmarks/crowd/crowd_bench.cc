// A thousand clients at once, among them hostile ones: what they cost each other, and what the broker keeps of them.
//
//   crowd_bench [--realtime] flood    [--agents 999] [--rate 2000] [--seconds 0.4] [--rounds 9] [--ratio-max R]
//   crowd_bench [--realtime] stopped  [--readers 1000] [--stopped 500] [--seconds 10] [--rounds 9] [--slower-max S]
//   crowd_bench [--realtime] attach   [--shims 1000] [--rounds 3] [--attached-max S] [--reclaimed-max S]
//   crowd_bench [--realtime] connects [--connects 100000] [--growth-max-kib K]
//
// Each scenario plays before a real roostd and, in turn with it, before a yardstick (scenarios.h). With a bound the exit
// status is 1 when it does not hold.
#include <CLI/CLI.hpp>
#include <csignal>

#include "benchmarks/crowd/crowd_server.h"
#include "benchmarks/crowd/scenarios.h"

namespace roost {
namespace {

int Main(int argc, char** argv) {
  CLI::App app("A thousand clients at once, and what they cost each other.");
  app.require_subcommand(1);

  FloodOptions flood;
  CLI::App* flood_command = app.add_subcommand("flood", "polite agents beside a flooder");
  flood_command->add_option("--agents", flood.agents)->check(CLI::Range(1, 1000));
  flood_command->add_option("--rate", flood.rate)->check(CLI::Range(0.0, 1e6));
  flood_command->add_option("--seconds", flood.seconds)->check(CLI::Range(0.1, 600.0));
  flood_command->add_option("--rounds", flood.rounds)->check(CLI::Range(1, 99));
  flood_command->add_option("--ratio-max", flood.ratio_max);
  StoppedOptions stopped;
  CLI::App* stopped_command = app.add_subcommand("stopped", "appends while readers are stopped");
  stopped_command->add_option("--readers", stopped.readers)->check(CLI::Range(1, 4000));
  stopped_command->add_option("--stopped", stopped.stopped)->check(CLI::Range(1, 4000));
  stopped_command->add_option("--seconds", stopped.seconds)->check(CLI::Range(0.1, 600.0));
  stopped_command->add_option("--rounds", stopped.rounds)->check(CLI::Range(1, 99));
  stopped_command->add_option("--slower-max", stopped.slower_max);

  AttachOptions attach;
  CLI::App* attach_command = app.add_subcommand("attach", "shims that start and die at once");
  attach_command->add_option("--shims", attach.shims)->check(CLI::Range(1, 4000));
  attach_command->add_option("--rounds", attach.rounds)->check(CLI::Range(1, 99));
  attach_command->add_option("--attached-max", attach.attached_s_max);
  attach_command->add_option("--reclaimed-max", attach.reclaimed_s_max);

  ConnectsOptions connects;
  CLI::App* connects_command = app.add_subcommand("connects", "clients that come and go");
  connects_command->add_option("--connects", connects.connects)->check(CLI::Range(1, 10'000'000));
  connects_command->add_option("--growth-max-kib", connects.growth_kib_max);

  bool is_realtime = false;
  app.add_flag("--realtime", is_realtime, "keep all else off the processors, if it may");
  CLI11_PARSE(app, argc, argv);

  RaiseDescriptorLimit();
  if (is_realtime) ScheduleAsAgents();
  if (flood_command->parsed()) return RunFlood(flood);
  if (stopped_command->parsed()) return RunStopped(stopped);
  if (attach_command->parsed()) return RunAttach(attach);
  return RunConnects(connects);
}

}  // namespace
}  // namespace roost

int main(int argc, char** argv) { return roost::Main(argc, argv); }
