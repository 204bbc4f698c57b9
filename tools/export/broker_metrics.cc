#include "tools/export/broker_metrics.h"

#include "base/clock.h"
#include "log/durability.h"
#include "tools/export/counter_metrics.h"
#include "tools/export/histogram_metric.h"
#include "tools/export/metric_families.h"
#include "tools/export/row_metrics.h"
#include "tools/export/sla_metrics.h"

namespace roost {
namespace {

using prometheus::MetricType;

double Seconds(uint64_t ns) { return static_cast<double>(ns) / static_cast<double>(kNsPerSecond); }

double SecondsSince(uint64_t at_ns, uint64_t now_ns) {
  return at_ns == 0 || now_ns < at_ns ? 0 : Seconds(now_ns - at_ns);
}

bool IsUp(HealthState state) {
  switch (state) {
    case HealthState::kNoBroker:
    case HealthState::kUnreadable:
    case HealthState::kDead:
    case HealthState::kStopped:
    case HealthState::kHung:
      return false;
    default:
      return true;
  }
}

void AddHealth(const Health& health, MetricFamilies* out) {
  out->Begin("roost_up", MetricType::Gauge,
             "1 if the broker answers: its process runs, and does not hang");
  out->Value(IsUp(health.state) ? 1 : 0);
  out->Begin("roost_health_state", MetricType::Gauge,
             "1 for the state that roost health would name, 0 for the others");
  for (int i = 0; i <= static_cast<int>(HealthState::kWell); ++i) {
    const auto state = static_cast<HealthState>(i);
    out->Value(state == health.state ? 1 : 0, {{"state", HealthStateName(state)}});
  }
}

void AddBroker(const CountersSnapshot& counters, uint64_t now_ns, MetricFamilies* out) {
  out->Begin("roost_broker_info", MetricType::Gauge, "The broker that serves the socket; always 1");
  out->Value(1, {{"version", LabelText(counters.version)},
                 {"durability", DurabilityName(static_cast<Durability>(counters.durability))}});
  out->Begin("roost_start_time_seconds", MetricType::Gauge,
             "When the broker started, since 1970; what it counts began then");
  out->Value(Seconds(counters.started_ns));
  out->Begin("roost_turn_age_seconds", MetricType::Gauge,
             "How long the broker's sequencer has been busy with one turn or one write; 0 asleep");
  const SequencerBeat& beat = counters.beat;
  out->Value(beat.doing == Doing::kAsleep ? 0 : SecondsSince(beat.at_ns, now_ns));
}

void AddCounters(const CountersSnapshot& counters, uint64_t now_ns, MetricFamilies* out) {
  const bool disk_known = counters[Counter::kDiskLookedNs] != 0;
  for (size_t i = 0; i < kCounterCount; ++i) {
    const auto counter = static_cast<Counter>(i);
    const auto metric = MetricOf(counter);
    if (!metric || (IsOfDisk(counter) && !disk_known)) continue;
    const bool gauge = IsGauge(counter);
    out->Begin(metric->name, gauge ? MetricType::Gauge : MetricType::Counter, metric->help);
    const uint64_t value = counters.values[i];
    switch (metric->shown) {
      case Shown::kNumber:
        out->Value(static_cast<double>(value));
        break;
      case Shown::kNotZero:
        out->Value(value != 0 ? 1 : 0);
        break;
      case Shown::kTime:
        out->Value(Seconds(value));
        break;
      case Shown::kAge:
        out->Value(SecondsSince(value, now_ns));
        break;
    }
  }
  out->Begin("roost_requests_total", MetricType::Counter,
             "Requests received, by what they ask for");
  for (size_t i = 0; i < kRequestKindCount; ++i) {
    out->Value(static_cast<double>(counters.requests[i]),
               {{"kind", RequestKindName(static_cast<RequestKind>(i))}});
  }
  out->Begin("roost_requests_refused_total", MetricType::Counter,
             "Requests refused, by the reason");
  for (size_t i = 0; i < kRefusalReasonCount; ++i) {
    out->Value(static_cast<double>(counters.refused[i]), {{"reason", RefusalReasonName(i)}});
  }
}

// The ones that are neither of the journal nor of clients are those of requests.
void AddHistograms(const CountersSnapshot& counters, MetricFamilies* out) {
  const auto add = [&](Latency latency, MetricLabels labels) {
    out->Histogram(DurationHistogram(counters[latency]), std::move(labels));
  };
  out->Begin("roost_request_duration_seconds", MetricType::Histogram,
             "From a request received to its first answer sent; of a wait, to its registration");
  for (size_t i = 0; i < kLatencyCount; ++i) {
    const auto latency = static_cast<Latency>(i);
    if (latency <= LatencyOf(RequestKind::kWait)) add(latency, {{"kind", LatencyName(latency)}});
  }
  out->Begin("roost_journal_write_duration_seconds", MetricType::Histogram,
             "Writes to the journal; with durability power the fdatasync is in it");
  add(Latency::kJournalWrite, {});
  out->Begin("roost_journal_sync_duration_seconds", MetricType::Histogram,
             "fdatasync calls on the journal");
  add(Latency::kJournalSync, {});
  out->Begin("roost_client_call_duration_seconds", MetricType::Histogram,
             "Calls inside the clients, from read to answered, as they report them");
  for (size_t i = static_cast<size_t>(Latency::kJournalSync) + 1; i < kLatencyCount; ++i) {
    const auto latency = static_cast<Latency>(i);
    std::string_view call = LatencyName(latency);
    call.remove_prefix(call.find('_') + 1);  // "client_read"
    add(latency, {{"call", std::string(call)}});
  }
  for (size_t i = 0; i < kSizeCount; ++i) {
    const auto size = static_cast<Size>(i);
    const bool commits = size == Size::kEventsPerCommit;
    out->Begin(
        commits ? "roost_commit_events" : "roost_turn_requests", MetricType::Histogram,
        commits ? "Events of a commit" : "Requests that waited when the sequencer came round");
    out->Histogram(SizeHistogram(counters[size]));
  }
}

}  // namespace

std::vector<prometheus::MetricFamily> MetricsOf(const Health& health,
                                                const CountersSnapshot* counters, uint64_t now_ns,
                                                const SeriesLimits& limits) {
  MetricFamilies out;
  AddHealth(health, &out);
  if (counters != nullptr && health.state != HealthState::kDead) {
    AddBroker(*counters, now_ns, &out);
    AddCounters(*counters, now_ns, &out);
    AddHistograms(*counters, &out);
    AddObjectives(*counters, &out);
    AddBaselines(*counters, &out);
    AddGroups(*counters, limits.groups, &out);
    AddSessions(*counters, limits.sessions, &out);
  }
  return out.Take();
}

std::vector<prometheus::MetricFamily> CollectMetrics(const std::string& counters_path,
                                                     const SeriesLimits& limits) {
  const auto counters = ReadCounters(counters_path);
  const uint64_t now_ns = MonotonicNs();
  if (!counters.ok()) {
    const bool none = counters.status().code() == StatusCode::kNotFound;
    Health health;
    health.state = none ? HealthState::kNoBroker : HealthState::kUnreadable;
    return MetricsOf(health, nullptr, now_ns, limits);
  }
  const Health health = JudgeHealth(*counters, LookAtBroker(*counters), now_ns, {});
  return MetricsOf(health, &*counters, now_ns, limits);
}

}  // namespace roost
