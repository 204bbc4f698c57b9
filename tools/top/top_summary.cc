#include "tools/top/top_summary.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <string>

#include "base/clock.h"
#include "roost/event.h"
#include "tools/top/figures.h"

namespace roost {
namespace {

// Columns that rates and latencies share.
constexpr size_t kLabelEnd = 15;
constexpr size_t kRateWidth = 10;
constexpr size_t kDurationWidth = 9;
constexpr size_t kFiguresEnd = kLabelEnd + kRateWidth + 3 * kDurationWidth;
constexpr size_t kSparkBegin = kFiguresEnd + 2;
constexpr size_t kSparkMin = 6;

Style StyleOf(HealthState state) {
  switch (state) {
    case HealthState::kWell:
      return Style::kGood;
    case HealthState::kDiskFilling:
    case HealthState::kSyncStalled:
    case HealthState::kStopped:
      return Style::kWarning;
    default:
      return Style::kBad;
  }
}

// "disk filling".
std::string Spaced(std::string name) {
  std::ranges::replace(name, '_', ' ');
  return name;
}

std::string Upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

std::string ShowInterval(std::chrono::milliseconds interval) {
  return fmt::format("{:g} s", static_cast<double>(interval.count()) / 1000);
}

bool Lives(const Overview& overview) {
  return overview.has_rates() && overview.health != HealthState::kDead;
}

using Value = std::function<double(const Overview&)>;

class Summary {
 public:
  Summary(const Interval& interval, const History& history, size_t columns, Charset charset)
      : interval_(interval), history_(history), columns_(columns), charset_(charset) {}

  void AddRate(const char* label, const Value& value, const std::string& note);
  void AddBroker();
  void AddLatencies();
  void AddTroubles();
  void AddOtherObjectives();

  std::vector<FrameLine> Take() { return std::move(lines_); }

 private:
  void AddLatency(Latency latency);
  void AddObjective(const Objective& objective);
  void PutSparkline(const Value& value, bool logarithmic, FrameLine* line) const;

  const Interval& interval_;
  const History& history_;
  size_t columns_;
  Charset charset_;
  std::vector<FrameLine> lines_;
};

// `value` below 0: there is none at that time.
void Summary::PutSparkline(const Value& value, bool logarithmic, FrameLine* line) const {
  if (columns_ < kSparkBegin + kSparkMin) return;
  std::vector<double> values;
  for (const Overview& overview : history_) {
    values.push_back(Lives(overview) ? value(overview) : -1);
  }
  line->PadTo(kSparkBegin);
  line->Put(Sparkline(values, columns_ - kSparkBegin, charset_, logarithmic), Style::kAccent);
}

void Summary::AddRate(const char* label, const Value& value, const std::string& note) {
  const Overview& now = interval_.overview;
  FrameLine& line = lines_.emplace_back(columns_);
  line.Put(label, Style::kBold).PadTo(kLabelEnd);
  const std::string rate = now.has_rates() ? ShortNumber(value(now)) + "/s" : "-";
  line.Put(FitRight(rate, kRateWidth, charset_));
  line.Put("  " + FitLeft(note, kFiguresEnd - kLabelEnd - kRateWidth - 2, charset_), Style::kDim);
  PutSparkline(value, false, &line);
}

void Summary::AddBroker() {
  const Overview& now = interval_.overview;
  FrameLine& line = lines_.emplace_back(columns_);
  line.Put("broker", Style::kBold).PadTo(kLabelEnd + 1);
  const char* gap = "";
  const auto add = [&](const std::string& text, Style style = Style::kPlain) {
    // Whole figures or none.
    if (line.columns() + 3 + ColumnsOf(text) > columns_) return;
    line.Put(gap).Put(text, style);
    gap = "   ";
  };
  add(fmt::format("cpu {:>5}%", now.has_rates() ? Percent(now.cpu) : "-"));
  add(fmt::format("memory {:>8}", now.resident_bytes == 0
                                      ? "-"
                                      : ShortBytes(static_cast<double>(now.resident_bytes))));
  add(fmt::format("sessions {:>3}", now[Counter::kSessions]));
  add(fmt::format("waits {:>3}", now[Counter::kWaits] + now[Counter::kRequestsWaiting]));
  add(fmt::format("claims {:>3}", now[Counter::kLeases]));
  const auto bytes = [&now](Counter counter) {
    return ShortBytes(static_cast<double>(now[counter]));
  };
  add(fmt::format("streams {}", ShortCount(now[Counter::kStreams])));
  add(fmt::format("head {}", ShortCount(now[Counter::kHead])));
  if (now[Counter::kJournalBytes] != 0) add("journal " + bytes(Counter::kJournalBytes));
  if (now[Counter::kDiskTotalBytes] != 0) {
    const bool low = now.health == HealthState::kDiskFull || now.health == HealthState::kDiskFilling;
    add("disk free " + bytes(Counter::kDiskFreeBytes), low ? Style::kBad : Style::kPlain);
  }
}

void Summary::AddLatency(Latency latency) {
  const Overview& now = interval_.overview;
  const Quantiles& quantiles = now[latency];
  FrameLine& line = lines_.emplace_back(columns_);
  line.Put(Spaced(LatencyName(latency))).PadTo(kLabelEnd);
  const bool any = quantiles.count != 0;
  const Style style = any ? Style::kPlain : Style::kDim;
  const auto rate = static_cast<double>(quantiles.count) / std::max(now.seconds, 1e-9);
  line.Put(FitRight(any ? ShortNumber(rate) + "/s" : "-", kRateWidth, charset_), style);
  for (const uint64_t ns : {quantiles.p50, quantiles.p99, quantiles.p999}) {
    line.Put(FitRight(any ? ShortDuration(ns) : "-", kDurationWidth, charset_), style);
  }
  const auto p99 = [latency](const Overview& overview) {
    const Quantiles& then = overview[latency];
    return then.count == 0 ? -1.0 : static_cast<double>(then.p99);
  };
  PutSparkline(p99, true, &line);
}

void Summary::AddLatencies() {
  FrameLine& header = lines_.emplace_back(columns_);
  header.Put("latency", Style::kBold).PadTo(kLabelEnd);
  header.Put(FitRight("rate", kRateWidth, charset_), Style::kDim);
  for (const char* title : {"p50", "p99", "p99.9"}) {
    header.Put(FitRight(title, kDurationWidth, charset_), Style::kDim);
  }
  if (columns_ >= kSparkBegin + kSparkMin) {
    header.PadTo(kSparkBegin).Put("p99 over time", Style::kDim);
  }
  for (size_t i = 0; i < kLatencyCount; ++i) {
    const auto is_used = [i](const Overview& then) { return then.latencies[i].count != 0; };
    if (i == 0 || std::any_of(history_.begin(), history_.end(), is_used)) {
      AddLatency(static_cast<Latency>(i));
    }
  }
}

// "append p99 < 1ms over 1m  met          35.0 us   budget 98.2%   burns 0.1 x".
void Summary::AddObjective(const Objective& objective) {
  FrameLine& line = lines_.emplace_back(columns_);
  const bool judged = objective.state != ObjectiveState::kNotJudged;
  const Style style = objective.breached() ? Style::kBad : judged ? Style::kGood : Style::kDim;
  line.Put("  " + FitLeft(ScreenText(objective.text, charset_), kFiguresEnd - 16, charset_));
  line.Put("  " + FitLeft(Spaced(ObjectiveStateName(objective.state)), 12, charset_), style);
  if (!judged) return;
  const std::string measured = objective.kind == ObjectiveKind::kLatency
                                   ? ShortDuration(static_cast<uint64_t>(objective.measured()))
                                   : fmt::format("{:.3f}%", objective.measured() * 100);
  line.PadTo(kSparkBegin).Put(FitRight(measured, 8, charset_));
  line.Put(fmt::format("   budget {:>6}%", fmt::format("{:.1f}", objective.budget_left() * 100)),
           objective.budget_left() < 0 ? Style::kBad : Style::kDim);
  line.Put(fmt::format("   burns {} x", ShortNumber(objective.burn_rate())),
           objective.burn_rate() > 1 ? Style::kWarning : Style::kDim);
}

void Summary::AddTroubles() {
  const CountersSnapshot& counters = *interval_.counters;
  if (!counters.objectives.empty()) {
    const auto breached = std::ranges::count_if(counters.objectives, &Objective::breached);
    FrameLine& line = lines_.emplace_back(columns_);
    line.Put("objectives", Style::kBold).PadTo(kLabelEnd + 1);
    const std::string count = fmt::format("{} of {}", breached, counters.objectives.size());
    line.Put(breached == 0 ? fmt::format("all {} met", counters.objectives.size())
                           : count + " not met",
             breached == 0 ? Style::kGood : Style::kBad);
    for (const Objective& objective : counters.objectives) {
      if (objective.breached()) AddObjective(objective);
    }
  }
  for (const Baseline& baseline : counters.baselines) {
    if (!baseline.shifted()) continue;
    const auto show = [&baseline](double value) {
      return baseline.is_rate() ? ShortNumber(value) + "/s"
                                : ShortDuration(static_cast<uint64_t>(value));
    };
    FrameLine& line = lines_.emplace_back(columns_);
    line.Put("shifted", Style::kBold).PadTo(kLabelEnd + 1);
    line.Put(ScreenText(baseline.name, charset_), Style::kWarning);
    line.Put(fmt::format("  {} now, usually {}", show(baseline.current()), show(baseline.usual())));
    const uint64_t now_ns = interval_.overview.wall_ns;
    if (baseline.since_ns != 0 && now_ns > baseline.since_ns) {
      line.Put("  for " + ShortAge(now_ns - baseline.since_ns), Style::kDim);
    }
  }
}

void Summary::AddOtherObjectives() {
  for (const Objective& objective : interval_.counters->objectives) {
    if (!objective.breached()) AddObjective(objective);
  }
}

}  // namespace

std::vector<FrameLine> TitleLines(const Interval& interval, const TopState& state, size_t columns,
                                  Charset charset) {
  const Overview& now = interval.overview;
  std::vector<FrameLine> lines;
  std::string right = ShowInterval(state.interval);
  right = FormatTime(now.wall_ns).substr(11, 8) + "Z  every " + right + " ";
  if (state.paused) right = "PAUSED  " + right;
  FrameLine& title = lines.emplace_back(columns);
  title.Put(" roost top ", Style::kBar);
  title.Put(" " + Upper(Spaced(HealthStateName(now.health))) + " ", StyleOf(now.health));
  if (interval.counters) {
    const CountersSnapshot& counters = *interval.counters;
    const auto durability = DurabilityName(static_cast<Durability>(counters.durability));
    std::string text = fmt::format(" pid {}", counters.broker_pid);
    if (now.health != HealthState::kDead && now.wall_ns > counters.started_ns) {
      text += "  up " + ShortAge(now.wall_ns - counters.started_ns);
    }
    const std::string place = counters.data_directory.empty()
                                  ? "no journal"
                                  : ScreenText(counters.data_directory, charset);
    text += fmt::format("  {}  {}", durability, place);
    const size_t end = columns - std::min(columns, ColumnsOf(right) + 1);
    if (end > title.columns()) {
      title.Put(FitLeft(text, end - title.columns(), charset), Style::kBar);
    }
  }
  title.PadTo(columns - std::min(columns, ColumnsOf(right)), Style::kBar);
  title.Put(right, state.paused ? Style::kWarning : Style::kBar);
  if (!interval.health.well()) {
    lines.emplace_back(columns).Put(ScreenText(interval.health.reason, charset),
                                    StyleOf(now.health) == Style::kBad ? Style::kBad
                                                                       : Style::kWarning);
    if (!interval.health.advice.empty()) {
      lines.emplace_back(columns).Put("  " + ScreenText(interval.health.advice, charset),
                                      Style::kBold);
    }
  }
  return lines;
}

std::vector<FrameLine> SummaryLines(const Interval& interval, const History& history,
                                    size_t columns, Charset charset) {
  if (!interval.counters) return {};
  const Overview& now = interval.overview;
  Summary summary(interval, history, columns, charset);
  const auto rate = [](Counter counter) {
    return [counter](const Overview& overview) { return overview.Rate(counter); };
  };
  summary.AddRate("events", rate(Counter::kEventsAppended),
                  ShortBytes(now.Rate(Counter::kBytesAppended)) + "/s");
  summary.AddRate("requests", rate(Counter::kRequests),
                  fmt::format("{} refused/s", ShortNumber(now.Rate(Counter::kRequestsRefused))));
  summary.AddRate("commits", rate(Counter::kCommits),
                  fmt::format("{} events each (p50)", now[Size::kEventsPerCommit].p50));
  summary.AddBroker();
  summary.AddTroubles();
  summary.AddLatencies();
  summary.AddOtherObjectives();
  return summary.Take();
}

}  // namespace roost
