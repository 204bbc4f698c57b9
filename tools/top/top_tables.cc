#include "tools/top/top_tables.h"

#include <fmt/core.h>

#include "base/check.h"
#include "tools/top/figures.h"

namespace roost {
namespace {

// What is nothing stands back.
Cell NumberCell(double number, std::string text) {
  return {std::move(text), number, number == 0 ? Style::kDim : Style::kPlain};
}
Cell RateCell(double rate) { return NumberCell(rate, ShortNumber(rate)); }
Cell CountCell(uint64_t count) {
  return NumberCell(static_cast<double>(count), ShortCount(count));
}
Cell BytesCell(double bytes) { return NumberCell(bytes, ShortBytes(bytes)); }
Cell IdCell(uint64_t id) { return {fmt::format("{}", id), static_cast<double>(id)}; }

// Of the interval; if there was nothing in it, of all the time before, and dim.
Cell DurationCell(const Quantiles& now, const Quantiles& ever, uint64_t Quantiles::*quantile) {
  const bool fresh = now.count != 0;
  const Quantiles& shown = fresh ? now : ever;
  if (shown.count == 0) return {"-", 0, Style::kDim};
  return {ShortDuration(shown.*quantile), static_cast<double>(shown.*quantile),
          fresh ? Style::kPlain : Style::kDim};
}

Cell AgeCell(uint64_t at_ns, uint64_t now_ns) {
  const uint64_t age_ns = now_ns > at_ns ? now_ns - at_ns : 0;
  return {at_ns == 0 ? "-" : ShortAge(age_ns), at_ns == 0 ? 0 : static_cast<double>(age_ns)};
}

Cell MemoryCell(const SessionInterval& session) {
  if (!session.memory) return {"-", 0, Style::kDim};
  const ProcessMemory& memory = *session.memory;
  // What others may not look into has only its resident size, which counts shared pages: more than it costs.
  const uint64_t bytes = memory.own.value_or(memory.resident);
  return {(memory.own ? "" : "<") + ShortBytes(static_cast<double>(bytes)),
          static_cast<double>(bytes)};
}

constexpr size_t kCost = 4;
constexpr size_t kLag = 2;
constexpr size_t kStreamRate = 1;

}  // namespace

const char* TableName(TableKind kind) {
  switch (kind) {
    case TableKind::kSessions: return "sessions";
    case TableKind::kGroups: return "groups";
    case TableKind::kStreams: return "streams";
  }
  return "?";
}

TopTable SessionTable(const Interval& interval, Charset charset) {
  TopTable table;
  table.title = TableName(TableKind::kSessions);
  table.columns = {
      {"agent", "AGENT", 20, true, 100}, {"pid", "PID", 7, false, 85},
      {"uid", "UID", 5, false, 20},      {"age", "AGE", 6, false, 40},
      {"cost", "COST%", 5, false, 99},   {"requests", "REQ/S", 7, false, 95},
      {"events", "EVENT/S", 7, false, 90}, {"bytes", "BYTES/S", 8, false, 60},
      {"p50", "P50", 7, false, 70},      {"p99", "P99", 7, false, 80},
      {"reads", "READ P99", 8, false, 50}, {"refused", "REFUSED", 7, false, 25},
      {"memory", "MEMORY", 8, false, 75},  {"total", "EVENTS", 7, false, 30},
      {"idle", "IDLE", 6, false, 35},
  };
  ROOST_CHECK(std::string_view(table.columns[kCost].name) == "cost");
  const uint64_t now_ns = interval.overview.wall_ns;
  for (const SessionInterval& session : interval.sessions) {
    const Quantiles& requests = session[SessionLatency::kRequests];
    const Quantiles& ever = session.latencies_ever[static_cast<size_t>(SessionLatency::kRequests)];
    const Quantiles& reads_ever =
        session.latencies_ever[static_cast<size_t>(SessionLatency::kReads)];
    const double refused = session.Rate(SessionCounter::kRefused);
    Cell refused_cell = RateCell(refused);
    if (refused > 0) refused_cell.style = Style::kWarning;
    table.rows.push_back({
        {ScreenText(session.agent, charset), 0, Style::kPlain},
        IdCell(session.pid),
        IdCell(session.uid),
        AgeCell(session.attached_ns, now_ns),
        NumberCell(session.cpu, Percent(session.cpu)),
        RateCell(session.Rate(SessionCounter::kRequests)),
        RateCell(session.Rate(SessionCounter::kEvents)),
        BytesCell(session.Rate(SessionCounter::kBytes)),
        DurationCell(requests, ever, &Quantiles::p50),
        DurationCell(requests, ever, &Quantiles::p99),
        DurationCell(session[SessionLatency::kReads], reads_ever, &Quantiles::p99),
        refused_cell,
        MemoryCell(session),
        CountCell(session[SessionCounter::kEvents]),
        AgeCell(session[SessionCounter::kLastRequestNs], now_ns),
    });
  }
  return table;
}

TopTable GroupTable(const Interval& interval, Charset charset) {
  TopTable table;
  table.title = TableName(TableKind::kGroups);
  table.columns = {
      {"stream", "STREAM", 20, true, 100},    {"group", "GROUP", 12, true, 95},
      {"lag", "LAG", 7, false, 99},           {"growth", "LAG/S", 7, false, 80},
      {"settled", "SETTLED/S", 9, false, 85}, {"taken", "TAKEN", 7, false, 70},
      {"returned", "RETURNED", 8, false, 50}, {"parked", "PARKED", 7, false, 75},
      {"consumers", "CONSUMERS", 9, false, 60},
  };
  ROOST_CHECK(std::string_view(table.columns[kLag].name) == "lag");
  for (const GroupInterval& group : interval.groups) {
    Cell parked = CountCell(group[GroupCounter::kParked]);
    if (parked.number > 0) parked.style = Style::kWarning;
    Cell growth = RateCell(group.lag_per_second);
    if (growth.number > 0) growth.text.insert(0, "+");
    table.rows.push_back({
        {ScreenText(group.stream, charset), 0, Style::kPlain},
        {FitLeft(ScreenText(group.group, charset), 24, charset), 0, Style::kPlain},
        CountCell(group.lag),
        growth,
        RateCell(group.settled_per_second),
        CountCell(group[GroupCounter::kTaken]),
        CountCell(group[GroupCounter::kReturned]),
        parked,
        CountCell(group[GroupCounter::kConsumers]),
    });
  }
  return table;
}

TopTable StreamTable(const std::vector<StreamRate>& streams, uint64_t wall_ns, Charset charset) {
  TopTable table;
  table.title = TableName(TableKind::kStreams);
  table.columns = {
      {"stream", "STREAM", 24, true, 100}, {"events", "EVENT/S", 7, false, 99},
      {"bytes", "BYTES/S", 8, false, 80},  {"revision", "REVISION", 8, false, 70},
      {"last", "LAST", 6, false, 90},      {"agent", "BY", 20, true, 60},
      {"type", "TYPE", 16, true, 50},
  };
  ROOST_CHECK(std::string_view(table.columns[kStreamRate].name) == "events");
  for (const StreamRate& stream : streams) {
    // What decayed below one in a minute is nothing any more.
    const bool idle = stream.events_per_second < 1.0 / 60;
    table.rows.push_back({
        {ScreenText(stream.stream, charset), 0, Style::kPlain},
        RateCell(idle ? 0 : stream.events_per_second),
        BytesCell(idle ? 0 : stream.bytes_per_second),
        CountCell(stream.revision),
        AgeCell(stream.time_ns, wall_ns),
        {FitLeft(ScreenText(stream.agent, charset), 20, charset), 0, Style::kPlain},
        {FitLeft(ScreenText(stream.type, charset), 16, charset), 0, Style::kDim},
    });
  }
  return table;
}

TableOrder UsualOrder(TableKind kind) {
  switch (kind) {
    case TableKind::kSessions: return {kCost, false};
    case TableKind::kGroups: return {kLag, false};
    case TableKind::kStreams: return {kStreamRate, false};
  }
  return {};
}

}  // namespace roost
