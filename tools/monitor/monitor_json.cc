#include "tools/monitor/monitor_json.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "base/clock.h"
#include "roost/event.h"
#include "tools/json_text.h"

namespace roost {
namespace {

// JSON knows no infinity, and nobody a rate to the millionth.
std::string Decimal(double value) { return fmt::format("{:.3f}", value); }

void AppendQuantiles(const Quantiles& quantiles, const char* unit, std::string* out) {
  JsonObject object(out);
  object.Number("count", quantiles.count);
  object.Number(fmt::format("p50{}", unit), quantiles.p50);
  object.Number(fmt::format("p99{}", unit), quantiles.p99);
  object.Number(fmt::format("p999{}", unit), quantiles.p999);
  object.End();
}

void AppendHealth(const Health& health, std::string* out) {
  JsonObject object(out);
  object.Text("state", HealthStateName(health.state));
  object.Bool("well", health.well());
  object.Text("reason", health.reason);
  if (!health.advice.empty()) object.Text("advice", health.advice);
  object.End();
}

const char* DoingName(Doing doing) {
  switch (doing) {
    case Doing::kStarting: return "starting";
    case Doing::kAsleep: return "asleep";
    case Doing::kWorking: return "working";
    case Doing::kWriting: return "writing";
  }
  return "?";
}

void AppendBroker(const CountersSnapshot& counters, const Overview& overview, std::string* out) {
  JsonObject object(out);
  object.Number("pid", counters.broker_pid);
  object.Text("version", counters.version);
  object.Text("started", FormatTime(counters.started_ns));
  std::string log_id;
  for (const uint8_t byte : counters.log_id) log_id += fmt::format("{:02x}", byte);
  object.Text("log_id", log_id);
  object.Text("durability", DurabilityName(static_cast<Durability>(counters.durability)));
  object.Text("data_directory", counters.data_directory);
  object.Text("doing", DoingName(counters.beat.doing));
  object.Raw("cpu", Decimal(overview.cpu));
  object.Number("resident_bytes", overview.resident_bytes);
  if (counters.degraded_since_ns != 0) {
    object.Text("degraded_since", FormatTime(counters.degraded_since_ns));
    object.Text("degraded_why", counters.degraded_why);
  }
  object.End();
}

void AppendCounters(const Overview& overview, std::string* out) {
  JsonObject object(out);
  for (size_t i = 0; i < kCounterCount; ++i) {
    object.Number(CounterName(static_cast<Counter>(i)), overview.values[i]);
  }
  object.End();
}

void AppendRates(const Overview& overview, std::string* out) {
  JsonObject object(out);
  for (size_t i = 0; i < kCounterCount; ++i) {
    const auto counter = static_cast<Counter>(i);
    if (!IsGauge(counter)) object.Raw(CounterName(counter), Decimal(overview.rates[i]));
  }
  object.End();
}

void AppendSession(const SessionInterval& session, std::string* out) {
  JsonObject object(out);
  object.Number("session", session.session);
  object.Text("agent", session.agent);
  object.Number("uid", session.uid);
  object.Number("pid", session.pid);
  object.Text("attached", FormatTime(session.attached_ns));
  object.Raw("busy", Decimal(session.busy));
  object.Raw("cpu", fmt::format("{:.6f}", session.cpu));
  object.Name("counters");
  JsonObject counters(out);
  for (size_t i = 0; i < kSessionCounterCount; ++i) {
    counters.Number(SessionCounterName(static_cast<SessionCounter>(i)), session.values[i]);
  }
  counters.End();
  object.Name("rates");
  JsonObject rates(out);
  for (size_t i = 0; i < kSessionCounterCount; ++i) {
    const auto counter = static_cast<SessionCounter>(i);
    if (counter == SessionCounter::kLastRequestNs) continue;
    rates.Raw(SessionCounterName(counter), Decimal(session.rates[i]));
  }
  rates.End();
  for (size_t i = 0; i < kSessionLatencyCount; ++i) {
    const std::string name = SessionLatencyName(static_cast<SessionLatency>(i));
    object.Name(name);
    AppendQuantiles(session.latencies[i], "_ns", out);
    object.Name(name + "_ever");
    AppendQuantiles(session.latencies_ever[i], "_ns", out);
  }
  if (session.memory) {
    object.Name("memory");
    JsonObject memory(out);
    memory.Number("resident_bytes", session.memory->resident);
    if (session.memory->proportional) memory.Number("pss_bytes", *session.memory->proportional);
    if (session.memory->own) memory.Number("uss_bytes", *session.memory->own);
    memory.End();
  }
  object.End();
}

void AppendGroup(const GroupInterval& group, std::string* out) {
  JsonObject object(out);
  object.Text("stream", group.stream);
  object.Text("group", group.group);
  object.Number("lag", group.lag);
  object.Raw("lag_per_second", Decimal(group.lag_per_second));
  object.Raw("settled_per_second", Decimal(group.settled_per_second));
  for (size_t i = 0; i < kGroupCounterCount; ++i) {
    object.Number(GroupCounterName(static_cast<GroupCounter>(i)), group.values[i]);
  }
  object.End();
}

void AppendObjective(const Objective& objective, std::string* out) {
  JsonObject object(out);
  object.Text("text", objective.text);
  object.Text("state", ObjectiveStateName(objective.state));
  if (objective.since_ns != 0) object.Text("since", FormatTime(objective.since_ns));
  object.Text("kind", ObjectiveKindName(objective.kind));
  if (objective.kind == ObjectiveKind::kLatency) {
    object.Number("target_ns", objective[ObjectiveValue::kTargetNs]);
  }
  object.Raw("measured", fmt::format("{:.9g}", objective.measured()));
  object.Raw("share", fmt::format("{:.9g}", objective.share()));
  object.Number("window_ns", objective[ObjectiveValue::kWindowNs]);
  object.Number("good", objective[ObjectiveValue::kGood]);
  object.Number("total", objective[ObjectiveValue::kTotal]);
  object.Raw("budget_left", fmt::format("{:.6f}", objective.budget_left()));
  object.Raw("burn_rate", fmt::format("{:.6f}", objective.burn_rate()));
  object.Number("breaches", objective[ObjectiveValue::kBreaches]);
  object.End();
}

void AppendBaseline(const Baseline& baseline, std::string* out) {
  JsonObject object(out);
  object.Text("name", baseline.name);
  object.Text("state", BaselineStateName(baseline.state));
  if (baseline.since_ns != 0) object.Text("since", FormatTime(baseline.since_ns));
  object.Bool("is_rate", baseline.is_rate());
  object.Raw("usual", Decimal(baseline.usual()));
  object.Raw("current", Decimal(baseline.current()));
  object.Number("learned", baseline[BaselineValue::kLearned]);
  object.Number("needed", baseline[BaselineValue::kNeeded]);
  object.Number("shifts", baseline[BaselineValue::kShifts]);
  object.End();
}

// `append(element, out)` for each.
template <typename Elements, typename Append>
void AppendArray(const Elements& elements, const Append& append, std::string* out) {
  *out += '[';
  const char* comma = "";
  for (const auto& element : elements) {
    *out += comma;
    append(element, out);
    comma = ",";
  }
  *out += ']';
}

using Points = std::vector<const Overview*>;

template <typename ValueOf>
void AppendColumn(JsonObject* object, const char* name, const Points& points,
                  const ValueOf& value_of, std::string* out) {
  object->Name(name);
  AppendArray(
      points,
      [&value_of](const Overview* point, std::string* to) {
        fmt::format_to(std::back_inserter(*to), "{}", value_of(*point));
      },
      out);
}

void AppendLatencyColumns(const Points& points, std::string* out) {
  JsonObject object(out);
  for (size_t i = 0; i < kLatencyCount; ++i) {
    const auto is_used = [i](const Overview* point) { return point->latencies[i].count != 0; };
    if (std::ranges::none_of(points, is_used)) continue;
    object.Name(LatencyName(static_cast<Latency>(i)));
    JsonObject latency(out);
    const auto column = [&](const char* name, uint64_t Quantiles::*member) {
      AppendColumn(
          &latency, name, points,
          [=](const Overview& point) { return point.latencies[i].*member; }, out);
    };
    column("count", &Quantiles::count);
    column("p50_ns", &Quantiles::p50);
    column("p99_ns", &Quantiles::p99);
    column("p999_ns", &Quantiles::p999);
    latency.End();
  }
  object.End();
}

// Counters that are gauges, or those that are none.
void AppendCounterColumns(const Points& points, bool gauges, std::string* out) {
  JsonObject object(out);
  for (size_t i = 0; i < kCounterCount; ++i) {
    const auto counter = static_cast<Counter>(i);
    if (IsGauge(counter) != gauges) continue;
    if (gauges) {
      AppendColumn(
          &object, CounterName(counter), points,
          [counter](const Overview& point) { return point[counter]; }, out);
    } else {
      AppendColumn(
          &object, CounterName(counter), points,
          [counter](const Overview& point) { return Decimal(point.Rate(counter)); }, out);
    }
  }
  object.End();
}

std::string Quoted(const char* name) { return fmt::format("\"{}\"", name); }

}  // namespace

void AppendIntervalJson(const Interval& interval, std::string* out) {
  const Overview& overview = interval.overview;
  JsonObject object(out);
  object.Text("time", FormatTime(overview.wall_ns));
  object.Raw("seconds", Decimal(overview.seconds));
  object.Text("beginning", BeginningName(overview.beginning));
  object.Name("health");
  AppendHealth(interval.health, out);
  if (!interval.counters) return object.End();

  object.Name("broker");
  AppendBroker(*interval.counters, overview, out);
  object.Name("counters");
  AppendCounters(overview, out);
  object.Name("rates");
  AppendRates(overview, out);
  object.Name("requests");
  JsonObject requests(out);
  for (size_t i = 0; i < kRequestKindCount; ++i) {
    requests.Raw(RequestKindName(static_cast<RequestKind>(i)), Decimal(overview.requests[i]));
  }
  requests.End();
  object.Name("refused");
  JsonObject refused(out);
  for (size_t i = 0; i < kRefusalReasonCount; ++i) {
    refused.Raw(RefusalReasonName(i), Decimal(overview.refused[i]));
  }
  refused.End();
  object.Name("latencies");
  JsonObject latencies(out);
  for (size_t i = 0; i < kLatencyCount; ++i) {
    latencies.Name(LatencyName(static_cast<Latency>(i)));
    AppendQuantiles(overview.latencies[i], "_ns", out);
  }
  latencies.End();
  object.Name("sizes");
  JsonObject sizes(out);
  for (size_t i = 0; i < kSizeCount; ++i) {
    sizes.Name(SizeName(static_cast<Size>(i)));
    AppendQuantiles(overview.sizes[i], "", out);
  }
  sizes.End();
  object.Name("sessions");
  AppendArray(interval.sessions, AppendSession, out);
  object.Name("groups");
  AppendArray(interval.groups, AppendGroup, out);
  object.Name("objectives");
  AppendArray(interval.counters->objectives, AppendObjective, out);
  object.Name("baselines");
  AppendArray(interval.counters->baselines, AppendBaseline, out);
  object.End();
}

void AppendHistoryJson(const History& history, uint64_t after_ns, std::string* out) {
  Points points;
  for (const Overview& overview : history) {
    if (overview.at_ns > after_ns) points.push_back(&overview);
  }
  JsonObject object(out);
  const auto column = [&](const char* name, const auto& value_of) {
    AppendColumn(&object, name, points, value_of, out);
  };
  column("time_ms", [](const Overview& point) { return point.wall_ns / kNsPerMs; });
  column("seconds", [](const Overview& point) { return Decimal(point.seconds); });
  column("beginning", [](const Overview& point) { return Quoted(BeginningName(point.beginning)); });
  column("health", [](const Overview& point) { return Quoted(HealthStateName(point.health)); });
  column("cpu", [](const Overview& point) { return Decimal(point.cpu); });
  column("resident_bytes", [](const Overview& point) { return point.resident_bytes; });
  object.Name("rates");
  AppendCounterColumns(points, false, out);
  object.Name("gauges");
  AppendCounterColumns(points, true, out);
  object.Name("requests");
  JsonObject requests(out);
  for (size_t i = 0; i < kRequestKindCount; ++i) {
    AppendColumn(
        &requests, RequestKindName(static_cast<RequestKind>(i)), points,
        [i](const Overview& point) { return Decimal(point.requests[i]); }, out);
  }
  requests.End();
  object.Name("latencies");
  AppendLatencyColumns(points, out);
  object.End();
}

}  // namespace roost
