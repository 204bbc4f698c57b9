#include "broker/sla/baseline_board.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>

#include "base/clock.h"
#include "broker/own_event.h"

namespace roost {
namespace {

constexpr size_t kFirstRate = 2 * kLatencyCount;

bool IsRate(size_t series) { return series >= kFirstRate; }

const char* DirectionOf(BaselineState state) {
  return state == BaselineState::kDown ? "down" : "up";
}

// Members, with a comma before each.
std::string ValueMembers(size_t series, const ShiftDetector& detector) {
  if (IsRate(series)) {
    return fmt::format(R"(,"usual_per_second":{:.3f},"now_per_second":{:.3f},"ratio":{:.3f})",
                       static_cast<double>(detector.usual()) / 1000,
                       static_cast<double>(detector.current()) / 1000, detector.ratio());
  }
  return fmt::format(R"(,"usual_ns":{},"now_ns":{},"ratio":{:.3f})", detector.usual(),
                     detector.current(), detector.ratio());
}

std::string ValueText(size_t series, uint64_t value) {
  return IsRate(series)
             ? fmt::format("{:.1f}/s", static_cast<double>(value) / 1000)
             : fmt::format("{:.3f} ms", static_cast<double>(value) / kNsPerMs);
}

}  // namespace

std::string BaselineBoard::NameOf(size_t series) {
  if (IsRate(series)) return CounterName(kRates[series - kFirstRate]);
  return fmt::format("{} {}", LatencyName(static_cast<Latency>(series / 2)),
                     series % 2 == 0 ? "p50" : "p99");
}

BaselineBoard::BaselineBoard(MonitorSink* sink) : sink_(sink) {
  for (size_t series = 0; series < kSeriesCount; ++series) {
    detectors_.push_back(IsRate(series) ? ShiftDetector(kRateRatioMin) : ShiftDetector());
  }
}

void BaselineBoard::Restore(std::vector<SavedBaseline> baselines) {
  for (SavedBaseline& saved : baselines) {
    for (size_t series = 0; series < kSeriesCount; ++series) {
      BaselineSketch sketch;
      if (NameOf(series) != saved.name || !sketch.Restore(std::move(saved.counts))) continue;
      detectors_[series].Restore(std::move(sketch), saved.state, saved.since_ns);
      break;
    }
  }
}

std::vector<SavedBaseline> BaselineBoard::Save() const {
  std::vector<SavedBaseline> saved;
  for (size_t series = 0; series < kSeriesCount; ++series) {
    const ShiftDetector& detector = detectors_[series];
    if (detector.learned() == 0) continue;
    saved.push_back(
        {NameOf(series), detector.state(), detector.since_ns(), detector.sketch().counts()});
  }
  return saved;
}

bool BaselineBoard::Add(const Moment& at, std::span<const BucketCounts> durations,
                        const std::array<uint64_t, kRateCount>& rates) {
  bool has_happened = false;
  for (size_t i = 0; i < kLatencyCount; ++i) {
    for (const auto& [bucket, count] : durations[i]) durations_[i].Add(bucket, count);
    has_happened |= !durations[i].empty();
  }
  for (size_t i = 0; i < kRateCount; ++i) {
    rates_[i] += rates[i];
    has_happened |= rates[i] != 0;
  }
  if (began_ns_ == 0 && has_happened) began_ns_ = at.now_ns;
  if (at.now_ns < NextDueNs()) return false;
  EndMinute(at);
  return true;
}

void BaselineBoard::EndMinute(const Moment& at) {
  for (size_t i = 0; i < kLatencyCount; ++i) {
    const uint64_t count = durations_[i].count();
    if (count >= kMedianOf) AddValue(2 * i, durations_[i].Quantile(0.5), at.wall_ns);
    if (count >= kP99Of) AddValue(2 * i + 1, durations_[i].Quantile(0.99), at.wall_ns);
    durations_[i] = LatencySnapshot();
  }
  const double seconds = static_cast<double>(at.now_ns - began_ns_) / kNsPerSecond;
  for (size_t i = 0; i < kRateCount; ++i) {
    const auto rate = static_cast<uint64_t>(static_cast<double>(rates_[i]) * 1000 / seconds);
    if (rate > 0) AddValue(kFirstRate + i, rate, at.wall_ns);
    rates_[i] = 0;
  }
  began_ns_ = 0;
}

void BaselineBoard::AddValue(size_t series, uint64_t value, uint64_t wall_ns) {
  ShiftDetector& detector = detectors_[series];
  const uint64_t since_ns = detector.since_ns();
  switch (detector.Add(value, wall_ns)) {
    case ShiftDetector::Change::kNone:
      break;
    case ShiftDetector::Change::kShifted:
      TellBegan(series);
      break;
    case ShiftDetector::Change::kBack:
      TellEnded(series, since_ns, wall_ns, "back");
      break;
    case ShiftDetector::Change::kAdopted:
      TellEnded(series, since_ns, wall_ns, "usual now");
      break;
  }
}

void BaselineBoard::TellBegan(size_t series) {
  const ShiftDetector& detector = detectors_[series];
  const std::string name = NameOf(series);
  const char* const direction = DirectionOf(detector.state());
  sink_->Tell({kShiftBeganType,
               fmt::format(R"({{"what":"{}","direction":"{}"{}}})", name, direction,
                           ValueMembers(series, detector)),
               fmt::format("{} has shifted {}: {}, usually {}", name, direction,
                           ValueText(series, detector.current()),
                           ValueText(series, detector.usual()))});
}

void BaselineBoard::TellEnded(size_t series, uint64_t since_ns, uint64_t wall_ns,
                              std::string_view reason) {
  const ShiftDetector& detector = detectors_[series];
  const std::string name = NameOf(series);
  const uint64_t lasted_ns = wall_ns > since_ns ? wall_ns - since_ns : 0;
  sink_->Tell({kShiftEndedType,
               fmt::format(R"({{"what":"{}","since":"{}","lasted_ms":{},"reason":"{}"{}}})", name,
                           FormatTime(since_ns), lasted_ns / kNsPerMs, reason,
                           ValueMembers(series, detector)),
               fmt::format("{} is shifted no longer: {} ({})", name,
                           ValueText(series, detector.current()), reason)});
}

void BaselineBoard::Name(CountersWriter* counters) const {
  for (size_t series = 0; series < kSeriesCount; ++series) {
    counters->monitor().NameBaseline(series, NameOf(series));
    counters->monitor().Set(series, BaselineValue::kIsRate, IsRate(series) ? 1 : 0);
    counters->monitor().Set(series, BaselineValue::kNeeded, ShiftDetector::kNeeded);
  }
  counters->Set(Counter::kBaselines, kSeriesCount);
}

void BaselineBoard::Show(CountersWriter* counters) const {
  size_t shifted = 0;
  for (size_t series = 0; series < kSeriesCount; ++series) {
    const ShiftDetector& detector = detectors_[series];
    MonitorCountersWriter& rows = counters->monitor();
    rows.Set(series, BaselineValue::kUsual, detector.usual());
    rows.Set(series, BaselineValue::kCurrent, detector.current());
    rows.Set(series, BaselineValue::kLearned, detector.learned());
    rows.Set(series, BaselineValue::kShifts, detector.shifts());
    rows.Set(series, BaselineValue::kState,
             StateSince(static_cast<uint64_t>(detector.state()), detector.since_ns()));
    if (detector.shifted()) ++shifted;
  }
  counters->Set(Counter::kBaselinesShifted, shifted);
}

}  // namespace roost
