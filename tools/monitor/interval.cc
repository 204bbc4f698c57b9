#include "tools/monitor/interval.h"

#include <algorithm>

#include "base/check.h"
#include "base/clock.h"

namespace roost {
namespace {

double SecondsOf(uint64_t from_ns, uint64_t to_ns) {
  if (to_ns <= from_ns) return 0;
  return static_cast<double>(to_ns - from_ns) / static_cast<double>(kNsPerSecond);
}

double PerSecond(uint64_t before, uint64_t after, double seconds) {
  return after > before && seconds > 0 ? static_cast<double>(after - before) / seconds : 0;
}

// May be negative.
double Change(uint64_t before, uint64_t after, double seconds) {
  return after >= before ? PerSecond(before, after, seconds) : -PerSecond(after, before, seconds);
}

template <size_t n>
std::array<double, n> PerSecond(const std::array<uint64_t, n>& before,
                                const std::array<uint64_t, n>& after, double seconds) {
  std::array<double, n> rates{};
  for (size_t i = 0; i < n; ++i) rates[i] = PerSecond(before[i], after[i], seconds);
  return rates;
}

bool CountersFell(const CountersSnapshot& before, const CountersSnapshot& after) {
  for (size_t i = 0; i < kCounterCount; ++i) {
    if (!IsGauge(static_cast<Counter>(i)) && after.values[i] < before.values[i]) return true;
  }
  return false;
}

Beginning BeginningOf(const Sample* earlier, const Sample& later) {
  if (!later.counters) return Beginning::kNoBroker;
  if (earlier == nullptr || !earlier->counters) return Beginning::kFirst;
  if (!SameBroker(*earlier->counters, *later.counters)) return Beginning::kNewBroker;
  if (CountersFell(*earlier->counters, *later.counters)) return Beginning::kNewBroker;
  return Beginning::kContinues;
}

void Compare(const CountersSnapshot& before, const CountersSnapshot& after, Overview* overview) {
  const double seconds = overview->seconds;
  overview->rates = PerSecond(before.values, after.values, seconds);
  for (size_t i = 0; i < kCounterCount; ++i) {
    if (IsGauge(static_cast<Counter>(i))) overview->rates[i] = 0;
  }
  overview->requests = PerSecond(before.requests, after.requests, seconds);
  overview->refused = PerSecond(before.refused, after.refused, seconds);
  for (size_t i = 0; i < kLatencyCount; ++i) {
    overview->latencies[i] = QuantilesOf(after.latencies[i].Since(before.latencies[i]));
  }
  for (size_t i = 0; i < kSizeCount; ++i) {
    overview->sizes[i] = QuantilesOf(after.sizes[i].Since(before.sizes[i]));
  }
}

// ---- sessions ----

// As they were at the earlier sample; nullptr: not attached then, or not seen.
const SessionCounters* FindSession(const std::vector<const SessionCounters*>& sorted,
                                   const SessionCounters& session) {
  const auto found = std::ranges::lower_bound(
      sorted, session.session, {}, [](const SessionCounters* one) { return one->session; });
  const bool same = found != sorted.end() && (*found)->session == session.session &&
                    (*found)->attached_ns == session.attached_ns;
  return same ? *found : nullptr;
}

// `earlier` as above. Without it all that the session did is of this interval, if it attached in it.
SessionInterval CompareSession(const SessionCounters* earlier, const SessionCounters& later,
                               const Sample& before, const Sample& after, double seconds) {
  SessionInterval session;
  session.session = later.session;
  session.attached_ns = later.attached_ns;
  session.uid = later.uid;
  session.pid = later.pid;
  session.agent = later.agent;
  session.values = later.values;
  for (size_t i = 0; i < kSessionLatencyCount; ++i) {
    session.latencies_ever[i] = QuantilesOf(later.latencies[i]);
  }
  static const SessionCounters kNone;
  if (earlier == nullptr) {
    if (later.attached_ns < before.wall_ns) return session;  // its row was not to be had then
    earlier = &kNone;
    const double since = SecondsOf(later.attached_ns, after.wall_ns);
    seconds = std::min(seconds, std::max(since, 0.001));
  }
  session.rates = PerSecond(earlier->values, later.values, seconds);
  session.rates[static_cast<size_t>(SessionCounter::kLastRequestNs)] = 0;
  for (size_t i = 0; i < kSessionLatencyCount; ++i) {
    const LatencySnapshot durations = later.latencies[i].Since(earlier->latencies[i]);
    session.latencies[i] = QuantilesOf(durations);
    if (static_cast<SessionLatency>(i) == SessionLatency::kRequests) {
      session.busy = durations.Sum() / static_cast<double>(kNsPerSecond) / seconds;
    }
  }
  return session;
}

std::vector<SessionInterval> CompareSessions(const Sample& before, const Sample& after,
                                             const Overview& overview) {
  std::vector<const SessionCounters*> sorted;
  for (const SessionCounters& session : before.counters->sessions) sorted.push_back(&session);
  std::ranges::sort(sorted, {}, [](const SessionCounters* one) { return one->session; });
  std::vector<SessionInterval> sessions;
  double busy = 0;
  for (const SessionCounters& session : after.counters->sessions) {
    sessions.push_back(CompareSession(FindSession(sorted, session), session, before, after,
                                      overview.seconds));
    busy += sessions.back().busy;
  }
  if (busy > 0) {
    for (SessionInterval& session : sessions) session.cpu = overview.cpu * session.busy / busy;
  }
  return sessions;
}

// ---- groups ----

const GroupCounters* FindGroup(const std::vector<GroupCounters>& groups,
                               const GroupCounters& group) {
  const auto found = std::ranges::find_if(groups, [&group](const GroupCounters& one) {
    return one.stream == group.stream && one.group == group.group;
  });
  return found == groups.end() ? nullptr : &*found;
}

GroupInterval CompareGroup(const GroupCounters* earlier, const GroupCounters& later,
                           double seconds) {
  GroupInterval group{later.stream, later.group, later.values, later.lag(), 0, 0};
  if (earlier == nullptr) return group;
  group.lag_per_second = Change(earlier->lag(), later.lag(), seconds);
  group.settled_per_second = PerSecond((*earlier)[GroupCounter::kCheckpoint],
                                       later[GroupCounter::kCheckpoint], seconds);
  return group;
}

}  // namespace

Quantiles QuantilesOf(const LatencySnapshot& snapshot) {
  return {snapshot.count(), snapshot.Quantile(0.5), snapshot.Quantile(0.99),
          snapshot.Quantile(0.999)};
}

const char* BeginningName(Beginning beginning) {
  switch (beginning) {
    case Beginning::kContinues: return "continues";
    case Beginning::kFirst: return "first";
    case Beginning::kNewBroker: return "new_broker";
    case Beginning::kNoBroker: return "no_broker";
  }
  return "?";
}

Interval Between(const Sample* earlier, const Sample& later) {
  ROOST_CHECK(earlier == nullptr || earlier->at_ns <= later.at_ns, "{} {}",
              earlier == nullptr ? 0 : earlier->at_ns, later.at_ns);
  Interval interval;
  interval.health = later.health;
  interval.counters = later.counters;
  interval.pids_are_ours = later.pids_are_ours();
  Overview& overview = interval.overview;
  overview.at_ns = later.at_ns;
  overview.wall_ns = later.wall_ns;
  overview.health = later.health.state;
  overview.beginning = BeginningOf(earlier, later);
  overview.resident_bytes = later.resident_bytes.value_or(0);
  if (overview.beginning == Beginning::kNoBroker) return interval;

  overview.values = later.counters->values;
  if (overview.beginning == Beginning::kContinues) {
    overview.seconds = SecondsOf(earlier->at_ns, later.at_ns);
    Compare(*earlier->counters, *later.counters, &overview);
    if (earlier->cpu_ns && later.cpu_ns) {
      overview.cpu =
          PerSecond(*earlier->cpu_ns, *later.cpu_ns, overview.seconds) / double{kNsPerSecond};
    }
  }
  // Of a sample that cannot be compared there is nothing but what stands now: it is compared with itself.
  const Sample& before = overview.has_rates() ? *earlier : later;
  interval.sessions = CompareSessions(before, later, overview);
  for (const GroupCounters& group : later.counters->groups) {
    interval.groups.push_back(
        CompareGroup(FindGroup(before.counters->groups, group), group, overview.seconds));
  }
  return interval;
}

}  // namespace roost
