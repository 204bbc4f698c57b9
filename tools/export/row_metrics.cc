#include "tools/export/row_metrics.h"

#include <algorithm>
#include <span>
#include <tuple>
#include <vector>

#include "base/clock.h"
#include "base/utf8.h"
#include "tools/export/counter_metrics.h"

namespace roost {
namespace {

using prometheus::MetricType;

constexpr double kQuantiles[] = {0.5, 0.99};

double SecondsOf(uint64_t ns) {
  return static_cast<double>(ns) / static_cast<double>(kNsPerSecond);
}

MetricLabels LabelsOf(const GroupCounters& group) {
  return {{"stream", LabelText(group.stream)}, {"group", LabelText(group.group)}};
}

MetricLabels LabelsOf(const SessionCounters& session) {
  return {{"session", std::to_string(session.session)},
          {"agent", LabelText(session.agent)},
          {"uid", std::to_string(session.uid)},
          {"pid", std::to_string(session.pid)}};
}

std::vector<SessionCounters> LongestAttachedFirst(const CountersSnapshot& counters) {
  std::vector<SessionCounters> sessions = counters.sessions;
  std::ranges::sort(sessions, {}, [](const SessionCounters& session) {
    return std::tuple(session.attached_ns, session.session);
  });
  return sessions;
}

prometheus::ClientMetric::Summary SummaryOf(const LatencySnapshot& durations) {
  prometheus::ClientMetric::Summary summary;
  summary.sample_count = durations.count();
  summary.sample_sum = durations.Sum() / static_cast<double>(kNsPerSecond);
  for (const double quantile : kQuantiles) {
    summary.quantile.push_back({quantile, SecondsOf(durations.Quantile(quantile))});
  }
  return summary;
}

void AddSummaries(std::span<const SessionCounters* const> sessions, SessionLatency latency,
                  const char* name, const char* help, MetricFamilies* out) {
  out->Begin(name, MetricType::Summary, help);
  for (const SessionCounters* session : sessions) {
    out->Summary(SummaryOf((*session)[latency]), LabelsOf(*session));
  }
}

}  // namespace

std::string LabelText(std::string_view text) { return Printable(text); }

void AddGroups(const CountersSnapshot& counters, size_t groups_max, MetricFamilies* out) {
  const auto groups = WithoutRepeats(std::span(counters.groups), groups_max,
                                     [](const auto& row) { return LabelsOf(row); });
  const uint64_t all = std::max<uint64_t>(counters[Counter::kGroups], counters.groups.size());
  out->Begin("roost_groups_omitted", MetricType::Gauge, "Groups that have no series of their own");
  out->Value(static_cast<double>(all - groups.size()));
  out->Begin("roost_group_lag_events", MetricType::Gauge,
             "Events of the stream that the group has neither settled nor parked");
  for (const GroupCounters* group : groups) {
    out->Value(static_cast<double>(group->lag()), LabelsOf(*group));
  }
  for (size_t i = 0; i < kGroupCounterCount; ++i) {
    const CounterMetric metric = MetricOf(static_cast<GroupCounter>(i));
    out->Begin(metric.name, MetricType::Gauge, metric.help);
    for (const GroupCounters* group : groups) {
      out->Value(static_cast<double>(group->values[i]), LabelsOf(*group));
    }
  }
}

void AddSessions(const CountersSnapshot& counters, size_t sessions_max, MetricFamilies* out) {
  const std::vector<SessionCounters> rows =
      sessions_max == 0 ? std::vector<SessionCounters>() : LongestAttachedFirst(counters);
  const auto sessions =
      WithoutRepeats(std::span(rows), sessions_max, [](const auto& row) { return LabelsOf(row); });
  const uint64_t all = std::max<uint64_t>(counters[Counter::kSessions], counters.sessions.size());
  out->Begin("roost_sessions_omitted", MetricType::Gauge,
             "Sessions that have no series of their own");
  out->Value(static_cast<double>(all - sessions.size()));
  for (size_t i = 0; i < kSessionCounterCount; ++i) {
    const auto counter = static_cast<SessionCounter>(i);
    const CounterMetric metric = MetricOf(counter);
    const bool time = counter == SessionCounter::kLastRequestNs;
    out->Begin(metric.name, time ? MetricType::Gauge : MetricType::Counter, metric.help);
    for (const SessionCounters* session : sessions) {
      const uint64_t value = (*session)[counter];
      out->Value(time ? SecondsOf(value) : static_cast<double>(value), LabelsOf(*session));
    }
  }
  AddSummaries(sessions, SessionLatency::kRequests, "roost_session_request_duration_seconds",
               "Its requests, as the broker measured them, since it attached", out);
  AddSummaries(sessions, SessionLatency::kAppends, "roost_session_append_duration_seconds",
               "Those of them that were appends", out);
  AddSummaries(sessions, SessionLatency::kReads, "roost_session_read_duration_seconds",
               "Its reads, as it reports them, since it attached", out);
}

}  // namespace roost
