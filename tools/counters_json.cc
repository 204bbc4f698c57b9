#include "tools/counters_json.h"

#include <span>

#include "base/clock.h"

namespace roost {
namespace {

template <typename NameOf>
void AddWords(std::span<const uint64_t> words, NameOf name_of, JsonObject* object) {
  for (size_t i = 0; i < words.size(); ++i) object->Number(name_of(i), words[i]);
}

template <typename NameOf>
void AddTable(const char* name, std::span<const uint64_t> words, NameOf name_of, JsonObject* object,
              std::string* text) {
  object->Name(name);
  JsonObject table(text);
  AddWords(words, name_of, &table);
  table.End();
}

void AddSession(const SessionCounters& session, std::string* text) {
  JsonObject object(text);
  object.Number("session", session.session);
  object.Text("agent", session.agent);
  object.Number("uid", session.uid);
  object.Number("pid", session.pid);
  object.Text("attached", FormatTime(session.attached_ns));
  AddWords(
      session.values, [](size_t i) { return SessionCounterName(static_cast<SessionCounter>(i)); },
      &object);
  object.Name("latencies");
  JsonObject latencies(text);
  for (size_t i = 0; i < kSessionLatencyCount; ++i) {
    AddLatencyJson(SessionLatencyName(static_cast<SessionLatency>(i)), session.latencies[i],
                   &latencies, text);
  }
  latencies.End();
  object.End();
}

void AddGroup(const GroupCounters& group, std::string* text) {
  JsonObject object(text);
  object.Text("stream", group.stream);
  object.Text("group", group.group);
  object.Number("lag", group.lag());
  AddWords(
      group.values, [](size_t i) { return GroupCounterName(static_cast<GroupCounter>(i)); },
      &object);
  object.End();
}

template <typename Row>
void AddRows(const char* name, const std::vector<Row>& rows,
             void (*add)(const Row&, std::string*), JsonObject* object, std::string* text) {
  object->Name(name);
  *text += '[';
  for (const Row& row : rows) {
    if (&row != &rows.front()) *text += ',';
    add(row, text);
  }
  *text += ']';
}

}  // namespace

void AddLatencyJson(const char* name, const LatencySnapshot& latency, JsonObject* object,
                    std::string* text) {
  object->Name(name);
  JsonObject quantiles(text);
  quantiles.Number("count", latency.count());
  quantiles.Number("p50_ns", latency.Quantile(0.5));
  quantiles.Number("p99_ns", latency.Quantile(0.99));
  quantiles.Number("p999_ns", latency.Quantile(0.999));
  quantiles.End();
}

void AddCounterTables(const CountersSnapshot& counters, JsonObject* object, std::string* text) {
  AddTable(
      "requests_by_kind", counters.requests,
      [](size_t i) { return RequestKindName(static_cast<RequestKind>(i)); }, object, text);
  AddTable("refused_by_reason", counters.refused, RefusalReasonName, object, text);
  object->Name("sizes");
  JsonObject sizes(text);
  for (size_t i = 0; i < kSizeCount; ++i) {
    sizes.Name(SizeName(static_cast<Size>(i)));
    JsonObject size(text);
    size.Number("count", counters.sizes[i].count());
    size.Number("p50", counters.sizes[i].Quantile(0.5));
    size.Number("p99", counters.sizes[i].Quantile(0.99));
    size.End();
  }
  sizes.End();
  AddRows("sessions", counters.sessions, AddSession, object, text);
  AddRows("groups", counters.groups, AddGroup, object, text);
}

}  // namespace roost
