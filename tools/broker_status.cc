#include "tools/broker_status.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "base/clock.h"
#include "base/utf8.h"
#include "ipc/socket_path.h"
#include "tools/counters_json.h"
#include "tools/json_text.h"
#include "tools/sla_status.h"
#include "tools/table.h"

namespace roost {
namespace {

struct Rate {
  const char* name;
  Counter counter;
};
constexpr std::array<Rate, 4> kRates = {{{"events_per_second", Counter::kEventsAppended},
                                         {"bytes_per_second", Counter::kBytesAppended},
                                         {"requests_per_second", Counter::kRequests},
                                         {"commits_per_second", Counter::kCommits}}};

// Both snapshots are of the same broker, so that differences make sense.
bool Comparable(const BrokerStatus& status, const BrokerStatus* earlier) {
  return earlier != nullptr && earlier->counters && status.counters &&
         earlier->counters->started_ns == status.counters->started_ns &&
         status.taken_ns > earlier->taken_ns;
}

double PerSecond(const BrokerStatus& status, const BrokerStatus& earlier, Counter counter) {
  const uint64_t now = (*status.counters)[counter];
  const uint64_t before = (*earlier.counters)[counter];
  const double seconds = static_cast<double>(status.taken_ns - earlier.taken_ns) / kNsPerSecond;
  return now < before ? 0 : static_cast<double>(now - before) / seconds;
}

LatencySnapshot LatencyOf(const BrokerStatus& status, const BrokerStatus* earlier,
                          Latency latency) {
  const LatencySnapshot& now = (*status.counters)[latency];
  return Comparable(status, earlier) ? now.Since((*earlier->counters)[latency]) : now;
}

// What both sources may know; the broker's own word first.
struct Identity {
  uint32_t pid = 0;
  std::string version;
  uint64_t started_ns = 0;
  std::string log_id;
  std::string durability;
  std::string data_directory;
};

Identity IdentityOf(const BrokerStatus& status) {
  Identity identity;
  if (status.counters) {
    const CountersSnapshot& counters = *status.counters;
    identity = {counters.broker_pid,
                counters.version,
                counters.started_ns,
                "",
                DurabilityName(static_cast<Durability>(counters.durability)),
                counters.data_directory};
    for (const uint8_t byte : counters.log_id) identity.log_id += fmt::format("{:02x}", byte);
  }
  if (status.info && status.info->attached) {
    const LogInfo& info = *status.info;
    identity = {info.broker_pid,
                info.broker_version,
                info.started_ns,
                info.log_id,
                DurabilityName(info.durability),
                info.data_directory};
  }
  return identity;
}

class Lines {
 public:
  void Add(const char* name, std::string_view text) {
    text_ += fmt::format("{:<11}{}\n", name, Printable(text));
  }
  std::string&& Take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string DegradedText(const CountersSnapshot& counters) {
  std::string text = "a write to the journal failed";
  if (counters.degraded_since_ns != 0) {
    text =
        fmt::format("since {}: {}", FormatTime(counters.degraded_since_ns), counters.degraded_why);
  }
  return text + ": nothing is acknowledged until roostd is restarted";
}

// The name stands before the first of them.
void AddList(const char* name, const std::vector<std::string>& texts, Lines* lines) {
  for (const std::string& text : texts) {
    lines->Add(name, text);
    name = "";
  }
}

// What was refused, by reason; empty: nothing was.
std::string RefusalsText(const CountersSnapshot& counters) {
  std::string text;
  for (size_t reason = 0; reason < kRefusalReasonCount; ++reason) {
    if (counters.refused[reason] == 0) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", WithCommas(counters.refused[reason]),
                        RefusalReasonName(reason));
  }
  return text;
}

// What clients report of their own work.
std::string ClientsText(const CountersSnapshot& counters) {
  const uint64_t hits = counters[Counter::kClientCacheHits];
  const uint64_t asked = hits + counters[Counter::kClientCacheMisses];
  return fmt::format("{} of {} validations from memory, {} reads overtaken by the ring",
                     WithCommas(hits), WithCommas(asked),
                     WithCommas(counters[Counter::kClientReadersOvertaken]));
}

void AddCounters(const BrokerStatus& status, const BrokerStatus* earlier, Lines* lines) {
  const CountersSnapshot& counters = *status.counters;
  const auto count = [&counters](Counter counter) { return WithCommas(counters[counter]); };
  lines->Add("sessions",
             fmt::format("{} attached, {} since the start; {} waits", count(Counter::kSessions),
                         count(Counter::kSessionsTotal), count(Counter::kWaits)));
  lines->Add("appended", fmt::format("{} events, {}, in {} batches and {} commits",
                                     count(Counter::kEventsAppended),
                                     ShowBytes(counters[Counter::kBytesAppended]),
                                     count(Counter::kBatchesAppended), count(Counter::kCommits)));
  lines->Add("requests", fmt::format("{}; {} conflicts, {} duplicates, {} refused; {} wake-ups",
                                     count(Counter::kRequests), count(Counter::kConflicts),
                                     count(Counter::kDuplicates), count(Counter::kRequestsRefused),
                                     count(Counter::kWakeups)));
  if (const std::string refusals = RefusalsText(counters); !refusals.empty()) {
    lines->Add("refused", refusals);
  }
  lines->Add("shared", fmt::format("{} claims, {} groups; {} requests wait", count(Counter::kLeases),
                                   count(Counter::kGroups), count(Counter::kRequestsWaiting)));
  lines->Add("queues", fmt::format("waker {}, librarian {}, examiner {}, own events {}, newcomers {}",
                                   count(Counter::kWakerQueue), count(Counter::kLibrarianQueue),
                                   count(Counter::kExaminations), count(Counter::kOwnEventsWaiting),
                                   count(Counter::kNewcomers)));
  if (counters[Counter::kClientReports] != 0) lines->Add("clients", ClientsText(counters));
  lines->Add("journal", fmt::format("{}, {} syncs", ShowBytes(counters[Counter::kJournalBytes]),
                                    count(Counter::kJournalSyncs)));
  if (counters[Counter::kDegraded] != 0) {
    lines->Add("DEGRADED", DegradedText(counters));
  }
  if (Comparable(status, earlier)) {
    const auto rate = [&](Counter counter) {
      return static_cast<uint64_t>(PerSecond(status, *earlier, counter));
    };
    lines->Add("rates", fmt::format("{} events/s, {}/s, {} requests/s, {} commits/s",
                                    WithCommas(rate(Counter::kEventsAppended)),
                                    ShowBytes(rate(Counter::kBytesAppended)),
                                    WithCommas(rate(Counter::kRequests)),
                                    WithCommas(rate(Counter::kCommits))));
  }
  for (size_t i = 0; i < kLatencyCount; ++i) {
    const auto latency = static_cast<Latency>(i);
    const LatencySnapshot snapshot = LatencyOf(status, earlier, latency);
    if (snapshot.count() == 0) continue;
    lines->Add(
        i == 0 ? "latency" : "",
        fmt::format("{:<15} p50 {:>9}   p99 {:>9}   p99.9 {:>9}   of {}", LatencyName(latency),
                    ShowDuration(snapshot.Quantile(0.5)), ShowDuration(snapshot.Quantile(0.99)),
                    ShowDuration(snapshot.Quantile(0.999)), WithCommas(snapshot.count())));
  }
  AddList("sla", ObjectiveLines(counters), lines);
  AddList("SHIFTED", ShiftLines(counters), lines);
}

void AddCountersJson(const BrokerStatus& status, const BrokerStatus* earlier, JsonObject* object,
                     std::string* text) {
  object->Name("counters");
  JsonObject counters(text);
  for (size_t i = 0; i < kCounterCount; ++i) {
    counters.Number(CounterName(static_cast<Counter>(i)), status.counters->values[i]);
  }
  counters.End();
  object->Name("latencies");
  JsonObject latencies(text);
  for (size_t i = 0; i < kLatencyCount; ++i) {
    const LatencySnapshot snapshot = LatencyOf(status, earlier, static_cast<Latency>(i));
    AddLatencyJson(LatencyName(static_cast<Latency>(i)), snapshot, &latencies, text);
  }
  latencies.End();
  AddSlaJson(*status.counters, object, text);
  AddCounterTables(*status.counters, object, text);
  if (!Comparable(status, earlier)) return;
  object->Name("rates");
  JsonObject rates(text);
  for (const Rate& rate : kRates) {
    rates.Raw(rate.name, fmt::format("{:.1f}", PerSecond(status, *earlier, rate.counter)));
  }
  rates.End();
}

}  // namespace

const char* StateName(BrokerStatus::State state) {
  switch (state) {
    case BrokerStatus::State::kUp:
      return "up";
    case BrokerStatus::State::kNoAnswer:
      return "no answer";
    case BrokerStatus::State::kDown:
      return "down";
  }
  return "?";
}

BrokerStatus GetBrokerStatus(const std::string& socket, Client& client) {
  BrokerStatus status;
  status.socket = socket;
  if (auto counters = ReadCounters(CountersPath(socket)); counters.ok()) {
    status.counters = *std::move(counters);
  } else if (counters.status().code() != StatusCode::kNotFound) {
    status.reason = counters.status().message();
  }
  status.taken_ns = MonotonicNs();
  auto info = client.Info();
  if (!info.ok()) {
    status.reason = info.status().message();
    if (info.status().code() == StatusCode::kTimedOut)
      status.state = BrokerStatus::State::kNoAnswer;
    return status;
  }
  status.info = *std::move(info);
  if (status.info->attached) {
    status.state = BrokerStatus::State::kUp;
  } else {
    status.reason = "it went away";
  }
  return status;
}

std::string StatusText(const BrokerStatus& status, const BrokerStatus* earlier) {
  const Identity identity = IdentityOf(status);
  const bool up = status.state == BrokerStatus::State::kUp;
  Lines lines;
  std::string broker = StateName(status.state);
  if (identity.pid != 0) {
    broker +=
        fmt::format(", {}pid {}, roostd {}", up ? "" : "was ", identity.pid, identity.version);
    const uint64_t now = WallNs();
    if (up && now > identity.started_ns) broker += ", for " + ShowAge(now - identity.started_ns);
  }
  lines.Add("broker", broker);
  if (!status.reason.empty()) lines.Add("", status.reason);
  lines.Add("socket", status.socket);
  if (!identity.log_id.empty()) {
    const std::string where =
        identity.data_directory.empty() ? "no data directory" : identity.data_directory;
    lines.Add("log",
              fmt::format("{}, durability {}, {}", identity.log_id, identity.durability, where));
  }
  if (status.info) {
    const LogInfo& info = *status.info;
    lines.Add("events", fmt::format("head {}, oldest {}, epoch {}", WithCommas(info.head),
                                    WithCommas(info.oldest), info.epoch));
    lines.Add("streams", WithCommas(info.streams));
  } else if (status.counters) {
    lines.Add("events", "head " + WithCommas((*status.counters)[Counter::kHead]));
    lines.Add("streams", WithCommas((*status.counters)[Counter::kStreams]));
  }
  if (status.counters) AddCounters(status, earlier, &lines);
  return lines.Take();
}

std::string StatusJson(const BrokerStatus& status, const BrokerStatus* earlier) {
  const Identity identity = IdentityOf(status);
  std::string text;
  JsonObject object(&text);
  object.Text("broker", StateName(status.state));
  if (!status.reason.empty()) object.Text("reason", status.reason);
  object.Text("socket", status.socket);
  if (identity.pid != 0) {
    object.Number("pid", identity.pid);
    object.Text("version", identity.version);
    object.Text("started", FormatTime(identity.started_ns));
    object.Text("log_id", identity.log_id);
    object.Text("durability", identity.durability);
    object.Text("data_directory", identity.data_directory);
  }
  if (status.info) {
    object.Number("epoch", status.info->epoch);
    object.Number("head", status.info->head);
    object.Number("oldest", status.info->oldest);
    object.Number("streams", status.info->streams);
  } else if (status.counters) {
    object.Number("head", (*status.counters)[Counter::kHead]);
    object.Number("streams", (*status.counters)[Counter::kStreams]);
  }
  if (status.counters && status.counters->degraded_since_ns != 0) {
    object.Text("degraded_since", FormatTime(status.counters->degraded_since_ns));
    object.Text("degraded_why", status.counters->degraded_why);
  }
  if (status.counters) AddCountersJson(status, earlier, &object, &text);
  object.End();
  return text;
}

}  // namespace roost
