// The one JSON form of what a BrokerWatch sees, for `roost stat --watch --json`, the dashboard and scripts. Texts of agents are in it
// as JSON strings, bytes that are no UTF-8 as U+FFFD; rates have up to three decimals; durations are in ns, sizes in bytes. Pure;
// any thread.
//
//   {"time":"2026-…Z","seconds":1.0,"beginning":"continues",
//    "health":{"state":"well","well":true,"reason":"…","advice":"…"},
//    "broker":{"pid":…,"version":"…","started":"…","log_id":"…","durability":"process","data_directory":"…",
//              "doing":"asleep","cpu":0.12,"resident_bytes":…},
//    "counters":{"events_appended":…, …},                  all, also gauges
//    "rates":{"events_appended":…, …},                     a second; of those that are no gauge
//    "requests":{"append":…, …}, "refused":{"invalid":…, …},     a second
//    "latencies":{"append":{"count":…,"p50_ns":…,"p99_ns":…,"p999_ns":…}, …},     of the interval
//    "sizes":{"events_per_commit":{"count":…,"p50":…,"p99":…,"p999":…}, …},
//    "sessions":[{"session":…,"agent":"…","uid":…,"pid":…,"attached":"…","busy":…,"cpu":…,
//                 "counters":{…},"rates":{…},"requests":{"count":…,"p50_ns":…,…},"reads":{…},"appends":{…},
//                 "requests_ever":{…},"reads_ever":{…},"appends_ever":{…},
//                 "memory":{"resident_bytes":…,"pss_bytes":…,"uss_bytes":…}}, …],
//    "groups":[{"stream":"…","group":"…","lag":…,"lag_per_second":…,"settled_per_second":…,"head":…, …}, …],
//    "objectives":[{"text":"append p99 < 1ms over 1m","state":"met","since":"…","kind":"latency","measured":…,"target_ns":…,
//                   "share":0.99,"window_ns":…,"good":…,"total":…,"budget_left":0.98,"burn_rate":0.1,"breaches":…}, …],
//    "baselines":[{"name":"append p50","state":"steady","since":"…","is_rate":false,"usual":…,"current":…,"learned":…,
//                  "needed":…,"shifts":…}, …]}
//
// Without a broker (`beginning` is "no_broker") there are only time, seconds, beginning and health. Members may be added.
#ifndef ROOST_TOOLS_MONITOR_MONITOR_JSON_H_
#define ROOST_TOOLS_MONITOR_MONITOR_JSON_H_

#include <cstdint>
#include <string>

#include "tools/monitor/history.h"
#include "tools/monitor/interval.h"

namespace roost {

// Appends the object, in one line, without a line break at its end.
void AppendIntervalJson(const Interval& interval, std::string* out);

// The history as columns, oldest first, all of the same length:
//   {"time_ms":[…],"seconds":[…],"beginning":["first","continues",…],"health":["well",…],"cpu":[…],"resident_bytes":[…],
//    "rates":{"events_appended":[…], …}, "gauges":{"sessions":[…], …},
//    "requests":{"append":[…], …}, "latencies":{"append":{"count":[…],"p50_ns":[…],"p99_ns":[…],"p999_ns":[…]}, …}}
// `time_ms` is since 1970. A latency of which there was none in all of it is left out. Only intervals that ended after
// `after_ns` (CLOCK_MONOTONIC, Overview::at_ns) are in it.
void AppendHistoryJson(const History& history, uint64_t after_ns, std::string* out);

}  // namespace roost

#endif  // ROOST_TOOLS_MONITOR_MONITOR_JSON_H_
