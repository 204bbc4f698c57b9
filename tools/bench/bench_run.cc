#include "tools/bench/bench_run.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

#include "tools/bench/bench_broker.h"
#include "tools/bench/statistics.h"
#include "tools/bench/workloads.h"
#include "tools/bench/yardsticks.h"

namespace roost {
namespace {

// One broker, and what was measured of it.
struct Subject {
  std::unique_ptr<BenchBroker> broker;
  std::unique_ptr<WorkloadRunner> runner;
  std::vector<std::vector<double>> times;   // by workload, one a round
  std::vector<std::vector<double>> ratios;  // the same
};

Result<Subject> MakeSubject(const std::string& program, const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directory(directory, error);
  if (error) return Status::FromErrno(error.value(), "make " + directory);
  Subject subject;
  auto broker = BenchBroker::Start(program, directory);
  if (!broker.ok()) return broker.status();
  subject.broker = *std::move(broker);
  auto runner = WorkloadRunner::Make(subject.broker->socket());
  if (!runner.ok()) return runner.status();
  subject.runner = *std::move(runner);
  return subject;
}

Result<std::vector<WorkloadKind>> Chosen(const std::vector<std::string>& names) {
  const auto all = AllWorkloads();
  if (names.empty()) return std::vector<WorkloadKind>(all.begin(), all.end());
  std::vector<WorkloadKind> chosen;
  for (const std::string& name : names) {
    const auto found = std::ranges::find(all, std::string_view(name), &WorkloadKind::name);
    if (found == all.end()) {
      std::string known;
      for (const WorkloadKind& kind : all) known += fmt::format(" {}", kind.name);
      return Status(StatusCode::kInvalidArgument,
                    fmt::format("there is no workload '{}'; there are:{}", name, known));
    }
    chosen.push_back(*found);
  }
  return chosen;
}

class Bench {
 public:
  Bench(std::vector<WorkloadKind> kinds, Yardsticks* yardsticks, std::vector<Subject> subjects)
      : kinds_(std::move(kinds)),
        yardsticks_(yardsticks),
        subjects_(std::move(subjects)),
        yardstick_times_(kinds_.size()) {
    for (Subject& subject : subjects_) {
      subject.times.resize(kinds_.size());
      subject.ratios.resize(kinds_.size());
    }
  }

  Status Round() {
    for (size_t i = 0; i < kinds_.size(); ++i) ROOST_RETURN_IF_ERROR(MeasureOne(i));
    std::ranges::reverse(order_);
    return {};
  }

  // Caches, page tables and the machine's clock come up; nothing of it is kept.
  Status WarmUp() {
    ROOST_RETURN_IF_ERROR(Round());
    for (auto& times : yardstick_times_) times.clear();
    for (Subject& subject : subjects_) {
      for (auto& times : subject.times) times.clear();
      for (auto& ratios : subject.ratios) ratios.clear();
    }
    return {};
  }

  void Fill(size_t number, BenchResult* result) const {
    const Subject& subject = subjects_[number];
    for (size_t i = 0; i < kinds_.size(); ++i) {
      result->workloads.push_back({kinds_[i].name, YardstickName(kinds_[i].yardstick),
                                   Median(subject.times[i]), Median(yardstick_times_[i]),
                                   subject.ratios[i]});
    }
  }

 private:
  Status MeasureOne(size_t i) {
    const auto before = yardsticks_->Measure(kinds_[i].yardstick);
    if (!before.ok()) return before.status();
    std::vector<double> took(subjects_.size());
    for (const size_t number : order_) {
      if (number >= subjects_.size()) continue;
      const auto time = subjects_[number].runner->Measure(kinds_[i].workload);
      if (!time.ok()) return Named(kinds_[i].name, time.status());
      took[number] = *time;
    }
    const auto after = yardsticks_->Measure(kinds_[i].yardstick);
    if (!after.ok()) return after.status();
    const double yardstick = (*before + *after) / 2;
    yardstick_times_[i].push_back(yardstick);
    for (size_t number = 0; number < subjects_.size(); ++number) {
      subjects_[number].times[i].push_back(took[number]);
      subjects_[number].ratios[i].push_back(took[number] / yardstick);
    }
    return {};
  }

  static Status Named(const char* workload, const Status& status) {
    return {status.code(), fmt::format("workload {}: {}", workload, status.message())};
  }

  const std::vector<WorkloadKind> kinds_;
  Yardsticks* const yardsticks_;
  std::vector<Subject> subjects_;
  std::vector<std::vector<double>> yardstick_times_;
  std::vector<size_t> order_ = {0, 1};
};

}  // namespace

Result<std::vector<BenchResult>> RunBench(const BenchPlan& plan) {
  auto kinds = Chosen(plan.workloads);
  if (!kinds.ok()) return kinds.status();
  const BenchResult machine = DescribeThisMachine();
  auto directory = BenchDirectory::Make();
  if (!directory.ok()) return directory.status();
  auto yardsticks = Yardsticks::Make((*directory)->path());
  if (!yardsticks.ok()) return yardsticks.status();
  std::vector<Subject> subjects;
  for (const std::string& program : plan.brokers) {
    auto subject =
        MakeSubject(program, fmt::format("{}/{}", (*directory)->path(), subjects.size()));
    if (!subject.ok()) return subject.status();
    subjects.push_back(*std::move(subject));
  }
  Bench bench(*std::move(kinds), yardsticks->get(), std::move(subjects));
  ROOST_RETURN_IF_ERROR(bench.WarmUp());
  for (size_t round = 0; round < plan.rounds; ++round) {
    if (plan.go_on && !plan.go_on(round)) return Status(StatusCode::kTimedOut, "interrupted");
    ROOST_RETURN_IF_ERROR(bench.Round());
  }
  std::vector<BenchResult> results(plan.brokers.size(), machine);
  for (size_t i = 0; i < results.size(); ++i) bench.Fill(i, &results[i]);
  return results;
}

}  // namespace roost
