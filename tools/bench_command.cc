// roost bench: how quick this build is on this machine, and whether it is
// slower than another one.
#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "base/utf8.h"
#include "tools/bench/bench_run.h"
#include "tools/bench/comparison.h"
#include "tools/command.h"
#include "tools/json_text.h"
#include "tools/sibling_program.h"
#include "tools/stop_signals.h"
#include "tools/table.h"

namespace roost {
namespace {

constexpr char kExamples[] =
    "  roost bench                                    # figures for people\n"
    "  roost bench --save before.json                 # then build the change, "
    "and\n"
    "  roost bench --against before.json              # exit status 1 if "
    "anything is slower\n"
    "  roost bench --against-broker old/bin/roostd    # both brokers in the "
    "same rounds: the surest\n"
    "  roost bench --workload append --workload read --rounds 40\n"
    "\n"
    "Starts a roostd of its own, with an empty log in $TMPDIR, and no other. "
    "What is compared is what a\n"
    "workload takes divided by what a yardstick takes right beside it (a "
    "wake-up, a memcpy, a write),\n"
    "never times: so runs on a noisy machine, and on different days, can be "
    "compared; on different\n"
    "machines they can't. A workload is slower if a Mann-Whitney test, "
    "adjusted for all workloads,\n"
    "says so at the 1 % level and it takes at least 10 % longer "
    "(--threshold).\n"
    "\n"
    "Exit status 0: nothing is slower. 1: something is, or it could not be "
    "measured. 2: wrong usage.\n";

constexpr uint64_t kRounds = 30;

struct Options {
  uint64_t rounds = kRounds;
  std::vector<std::string> workloads;
  std::string save;
  std::string against;
  std::string broker;
  std::string against_broker;
  uint64_t threshold = 10;
  bool json = false;
};

Colour ColourOf(Change change) {
  return change == Change::kSlower   ? Colour::kRed
         : change == Change::kFaster ? Colour::kGreen
                                     : Colour::kPlain;
}

void PrintResult(const BenchResult& result, Output* out) {
  out->Write(Printable(fmt::format("{} x {}, {}, load {:.1f}, {} rounds", result.processors,
                                   result.processor, result.kernel, result.load,
                                   result.workloads.front().ratios.size())) +
             "\n");
  out->Write(fmt::format("{:<14}{:>10}  {:<10}{:>10}{:>9}\n", "workload", "takes", "yardstick",
                         "takes", "ratio"));
  for (const WorkloadResult& one : result.workloads) {
    const auto show = [](double ns) { return ShowDuration(static_cast<uint64_t>(ns + 0.5)); };
    std::vector<double> sorted = one.ratios;
    std::ranges::sort(sorted);
    out->Write(fmt::format("{:<14}{:>10}  {:<10}{:>10}{:>9.3g}   {:.3g} to {:.3g}\n", one.name,
                           show(one.ns), one.yardstick, show(one.yardstick_ns),
                           sorted[sorted.size() / 2], sorted.front(), sorted.back()));
  }
}

void PrintComparison(const Comparison& comparison, Output* out) {
  out->Write(fmt::format("{:<14}{:<10}{:>9}{:>9}{:>9}{:>9}\n", "workload", "yardstick", "before",
                         "after", "change", "p"));
  for (const WorkloadChange& one : comparison.workloads) {
    const std::string line =
        fmt::format("{:<14}{:<10}{:>9.3g}{:>9.3g}{:>+8.1f}%{:>9.2g}  {}", Printable(one.name),
                    Printable(one.yardstick), one.before, one.after, (one.times - 1) * 100,
                    one.p_value, ChangeName(one.change));
    out->Write(out->Paint(ColourOf(one.change), line) + "\n");
  }
  for (const std::string& name : comparison.only_in_one) {
    out->Write(Printable(name) + " was measured in one of the runs only\n");
  }
  if (!comparison.different_machine.empty()) {
    out->Write(Printable("not the same machine: " + comparison.different_machine) + "\n");
  }
}

std::string ComparisonJson(const Comparison& comparison) {
  std::string text;
  JsonObject object(&text);
  object.Bool("slower", comparison.slower());
  if (!comparison.different_machine.empty()) {
    object.Text("different_machine", comparison.different_machine);
  }
  object.Name("workloads");
  text += '[';
  bool first = true;
  for (const WorkloadChange& one : comparison.workloads) {
    if (!first) text += ',';
    first = false;
    JsonObject workload(&text);
    workload.Text("name", one.name);
    workload.Text("yardstick", one.yardstick);
    workload.Raw("before", fmt::format("{:.6g}", one.before));
    workload.Raw("after", fmt::format("{:.6g}", one.after));
    workload.Raw("times", fmt::format("{:.6g}", one.times));
    workload.Raw("p_value", fmt::format("{:.6g}", one.p_value));
    workload.Text("change", ChangeName(one.change));
    workload.End();
  }
  text += ']';
  object.End();
  return text + "\n";
}

ExitStatus Judge(Program& program, const BenchResult& before, const BenchResult& after,
                 const Options& options) {
  ComparisonLimits limits;
  limits.threshold = static_cast<double>(options.threshold) / 100;
  const Comparison comparison = Compare(before, after, limits);
  if (comparison.workloads.empty()) return FailUsage("the two runs have no workload in common");
  if (options.json) {
    program.out.Write(ComparisonJson(comparison));
  } else {
    PrintComparison(comparison, &program.out);
  }
  return comparison.slower() ? ExitStatus::kFailed : ExitStatus::kFine;
}

ExitStatus Run(Program& program, const Options& options) {
  if (options.rounds < kRoundsMin || options.rounds > kRoundsMax) {
    return FailUsage(fmt::format("--rounds: {} to {}", kRoundsMin, kRoundsMax));
  }
  if (!program.socket().empty()) {
    return FailUsage("roost bench starts a broker of its own: leave --socket out");
  }
  std::optional<BenchResult> before;
  if (!options.against.empty()) {
    auto loaded = LoadBench(options.against);
    if (!loaded.ok()) return FailUsage(loaded.status().message());
    before = *std::move(loaded);
  }
  auto stop = StopSignals::Catch();
  if (!stop.ok()) return Fail(stop.status());
  BenchPlan plan;
  plan.brokers = {options.broker.empty() ? SiblingProgram("roostd") : options.broker};
  if (!options.against_broker.empty()) plan.brokers.push_back(options.against_broker);
  plan.workloads = options.workloads;
  plan.rounds = options.rounds;
  plan.go_on = [&](size_t) { return !stop->Came(); };
  const auto results = RunBench(plan);
  if (!results.ok()) return FailRequest(results.status());
  const BenchResult& now = results->front();
  if (!options.save.empty()) {
    const Status saved = SaveBench(now, options.save);
    if (!saved.ok()) return Fail(saved);
  }
  if (results->size() == 2) return Judge(program, results->back(), now, options);
  if (before) return Judge(program, *before, now, options);
  if (options.json) {
    program.out.Write(BenchJson(now) + "\n");
  } else {
    PrintResult(now, &program.out);
  }
  return ExitStatus::kFine;
}

}  // namespace

void AddBenchCommand(Program& program) {
  auto options = std::make_shared<Options>();
  AddCommand(program, "bench", "Measure this build, and compare it with another", kExamples,
             options, Run)
      .Text("--save", &options->save, "FILE", "Write what was measured into FILE, as JSON")
      .Text("--against", &options->against, "FILE", "Compare with a run that was saved")
      .Text("--against-broker", &options->against_broker, "PROGRAM",
            "Compare with this roostd, measured in the same rounds")
      .Text("--broker", &options->broker, "PROGRAM", "The roostd to measure; else the one beside")
      .Texts("--workload", &options->workloads, "NAME",
             "Only this: append, append_batch, read, scan, wait, claim, "
             "verdict, health")
      .Number("--rounds", &options->rounds, "N", "How often to measure each, 8 to 1000")
      .Number("--threshold", &options->threshold, "PERCENT", "By how much it must be slower")
      .Flag("--json", &options->json, "One JSON object")
      .Exclude("--against", "--against-broker");
}

}  // namespace roost
