#include "client/mcp/status_json.h"

#include "base/clock.h"
#include "client/mcp/event_json.h"
#include "ipc/counters_reader.h"
#include "ipc/socket_path.h"

namespace roost {
namespace {

// Nanoseconds as microseconds with one digit behind the point.
void AppendMicros(std::string* out, std::string_view name, uint64_t ns) {
  AppendMember(out, name, ns / kNsPerUs);
  out->push_back('.');
  AppendNumber(out, ns % kNsPerUs / 100);
}

template <typename Durations>
void AppendQuantiles(std::string* out, std::string_view name, const Durations& durations) {
  AppendName(out, name);
  out->push_back('{');
  AppendMicros(out, "p50", durations.Quantile(0.5));
  AppendMicros(out, "p99", durations.Quantile(0.99));
  AppendMicros(out, "p999", durations.Quantile(0.999));
  out->push_back('}');
}

void AppendLog(std::string* out, const Shim& shim, const LogInfo& info) {
  if (!info.data_directory.empty()) AppendMember(out, "data_directory", info.data_directory);
  AppendMember(out, "log_id", info.log_id);
  AppendMember(out, "epoch", info.epoch);
  AppendMember(out, "durability", DurabilityName(info.durability));
  const RingReader& ring = *shim.log->ring();
  AppendMember(out, "head", ring.head());
  AppendMember(out, "oldest", ring.log_oldest());
  AppendMember(out, "streams", ring.stream_count());
  AppendTime(out, "broker_started", info.started_ns);
  AppendMember(out, "broker_pid", info.broker_pid);
  AppendMember(out, "broker_version", info.broker_version);
}

void AppendCounters(std::string* out, const Shim& shim, const CountersSnapshot& counters) {
  for (const Counter counter :
       {Counter::kSessions, Counter::kEventsAppended, Counter::kBytesAppended, Counter::kConflicts,
        Counter::kDuplicates, Counter::kRequestsRefused, Counter::kJournalBytes,
        Counter::kClientCacheHits, Counter::kClientCacheMisses,
        Counter::kClientReadersOvertaken}) {
    AppendMember(out, CounterName(counter), counters[counter]);
  }
  AppendFlag(out, "degraded", counters[Counter::kDegraded] != 0);
  if (counters.degraded_since_ns != 0) {
    AppendTime(out, "degraded_since", counters.degraded_since_ns);
    AppendMember(out, "degraded_why", counters.degraded_why);
  }
  const uint64_t now_ns = shim.clock.wall_ns();
  if (now_ns > counters.started_ns) {
    const uint64_t seconds = (now_ns - counters.started_ns) / kNsPerSecond;
    AppendMember(out, "uptime_seconds", seconds);
    AppendMember(out, "events_per_second",
                 counters[Counter::kEventsAppended] / (seconds == 0 ? 1 : seconds));
  }
}

void AppendLatencies(std::string* out, const Shim& shim, const CountersSnapshot* counters) {
  AppendName(out, "latency_us");
  out->push_back('{');
  if (counters != nullptr) {
    for (const Latency latency :
         {Latency::kAppend, Latency::kJournalWrite, Latency::kJournalSync, Latency::kClientRead,
          Latency::kClientAppend, Latency::kClientValidate}) {
      const LatencySnapshot& durations = (*counters)[latency];
      AppendQuantiles(out, LatencyName(latency), durations);
    }
  }
  const ShimLatencies& here = *shim.latencies;
  AppendQuantiles(out, "append_here", here.append);
  AppendQuantiles(out, "read", here.read);
  AppendQuantiles(out, "validate", here.validate);
  const std::pair<std::string_view, const Histogram*> more[] = {
      {"wait_here", &here.wait},     {"claim_here", &here.claim},   {"release_here", &here.release},
      {"take_here", &here.take},     {"settle_here", &here.settle}, {"decide_here", &here.decide},
      {"status_here", &here.status}};
  for (const auto& [name, durations] : more) {
    if (durations->Count() != 0) AppendQuantiles(out, name, *durations);
  }
  out->push_back('}');
}

// To three digits behind the point.
void AppendThousandths(std::string* out, std::string_view name, double value) {
  AppendName(out, name);
  if (value < 0) out->push_back('-');
  const auto thousandths = static_cast<uint64_t>((value < 0 ? -value : value) * 1000 + 0.5);
  AppendNumber(out, thousandths / 1000);
  out->push_back('.');
  const std::string digits = std::to_string(thousandths % 1000);
  out->append(3 - digits.size(), '0');
  *out += digits;
}

// Whether the broker's objectives are met, and which are not; which latencies and rates have shifted.
void AppendSla(std::string* out, const CountersSnapshot& counters) {
  AppendName(out, "sla");
  out->push_back('{');
  AppendFlag(out, "met", counters[Counter::kObjectivesBreached] == 0);
  AppendMember(out, "objectives", counters.objectives.size());
  AppendName(out, "breached");
  out->push_back('[');
  for (const Objective& objective : counters.objectives) {
    if (!objective.breached()) continue;
    if (out->back() != '[') out->push_back(',');
    out->push_back('{');
    AppendMember(out, "objective", objective.text);
    AppendTime(out, "since", objective.since_ns);
    AppendThousandths(out, "budget_left", objective.budget_left());
    AppendThousandths(out, "burn_rate", objective.burn_rate());
    out->push_back('}');
  }
  *out += "]";
  AppendName(out, "shifted");
  out->push_back('[');
  for (const Baseline& baseline : counters.baselines) {
    if (!baseline.shifted()) continue;
    if (out->back() != '[') out->push_back(',');
    out->push_back('{');
    AppendMember(out, "what", baseline.name);
    AppendMember(out, "direction", BaselineStateName(baseline.state));
    AppendTime(out, "since", baseline.since_ns);
    const double usual = baseline.usual();
    AppendThousandths(out, "ratio", usual > 0 ? baseline.current() / usual : 1);
    out->push_back('}');
  }
  *out += "]}";
}

void AppendCache(std::string* out, const ResultCache& cache) {
  AppendName(out, "result_cache");
  out->push_back('{');
  AppendMember(out, "hits", cache.hits());
  AppendMember(out, "misses", cache.misses());
  AppendMember(out, "bytes", cache.bytes());
  out->push_back('}');
}

}  // namespace

std::string StatusJson(const Shim& shim, std::string_view trouble) {
  const LogInfo info = shim.log->info();
  std::string json = "{";
  AppendFlag(&json, "broker", trouble.empty());
  if (!trouble.empty()) AppendMember(&json, "hint", trouble);
  AppendMember(&json, "socket", info.socket);
  AppendMember(&json, "agent", info.agent);
  if (info.session != 0) AppendMember(&json, "session", info.session);
  if (shim.log->ring() != nullptr) AppendLog(&json, shim, info);
  const auto counters = ReadCounters(CountersPath(info.socket), CountersDetail::kHistograms);
  if (counters.ok()) AppendCounters(&json, shim, *counters);
  if (counters.ok()) AppendSla(&json, *counters);
  AppendLatencies(&json, shim, counters.ok() ? &*counters : nullptr);
  AppendCache(&json, *shim.cache);
  json += '}';
  return json;
}

}  // namespace roost
