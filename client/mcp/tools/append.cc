// The tool `append`: one event or a batch, with expected revisions.
#include <fmt/core.h>

#include <optional>

#include "client/append_check.h"
#include "client/mcp/arguments.h"
#include "client/mcp/event_json.h"
#include "client/mcp/json_text.h"
#include "client/mcp/page_reader.h"
#include "client/mcp/tools/tool.h"
#include "log/ring_format.h"

namespace roost {
namespace {

// Of one call; the broker's own limits are lower and may be configured, these bound what is kept here.
constexpr size_t kEventsMax = 100'000;
constexpr size_t kConditionsMax = 10'000;

class AppendOperation : public Operation {
 public:
  AppendOperation(Shim* shim, const Responder& responder, Batch batch, bool has_conditions)
      : Operation(shim, responder),
        batch_(std::move(batch)),
        has_conditions_(has_conditions),
        reader_(shim->log) {}

  void Start() override {
    WithBroker([this] { Append(); });
  }

 private:
  void Append() {
    log().Append(batch_, DeadlineNs(),
                 Guarded([this](const Result<AppendResult>& result) { OnAppended(result); }));
    // It was copied into the request, and may be megabytes; a conflict needs it for the check alone.
    if (!AppendCheck::Applies(batch_)) batch_ = Batch();
  }

  void OnAppended(const Result<AppendResult>& result) {
    if (!result.ok()) return Failed(result.status());
    if (!result->conflict.has_value()) return FinishAppended(*result);
    result_ = *result;
    if (result_.conflict->revision == 0) return FinishConflict("");
    if (!AppendCheck::Applies(batch_)) return ReadLastEvent();
    check_.emplace(batch_);
    CheckWhetherDoneBefore();
  }

  // The broker knows ids for a while only; the log knows them as long as it has the event.
  void CheckWhetherDoneBefore() {
    reader_.Read(check_->query(), DeadlineNs(), Guarded([this](const Status& status) {
                   if (!status.ok()) return Failed(status);
                   switch (check_->Take(reader_.page())) {
                     case AppendCheck::Verdict::kReadOn:
                       return CheckWhetherDoneBefore();
                     case AppendCheck::Verdict::kNotBefore:
                       return ReadLastEvent();
                     case AppendCheck::Verdict::kBefore:
                       return FinishAppended(check_->result(result_.head, result_.durability));
                     case AppendCheck::Verdict::kIdReused:
                       return Failed({StatusCode::kAlreadyExists,
                                      fmt::format("id '{}' was used with other content; take "
                                                  "another id for another event",
                                                  batch_.id)});
                   }
                 }));
  }

  // So that the model sees who was first without a second call.
  void ReadLastEvent() {
    ReadQuery query;
    query.filter.stream = result_.conflict->stream;
    query.from_revision = result_.conflict->revision;
    query.order = Order::kNewestFirst;
    query.limit = 1;
    query.bytes_max = kResultBytesMax;
    reader_.Read(query, DeadlineNs(), Guarded([this](const Status& status) {
                   std::string last;
                   // Without it the answer is still right: the event may be gone already.
                   if (status.ok() && !reader_.page().empty()) {
                     AppendEvent(&last, reader_.page()[0], kResultBytesMax / 2);
                   }
                   FinishConflict(last);
                 }));
  }

  void FinishAppended(const AppendResult& result) {
    std::string json = R"({"appended":true)";
    AppendMember(&json, "first", result.first);
    AppendMember(&json, "sequence", result.sequence);
    AppendMember(&json, "revision", result.revision);
    AppendMember(&json, "count", result.count);
    AppendFlag(&json, "duplicate", result.duplicate);
    AppendMember(&json, "durability", DurabilityName(result.durability));
    AppendMember(&json, "head", result.head);
    if (result.duplicate) {
      AppendMember(&json, "hint", "this id was appended before; nothing was appended now");
    }
    json += '}';
    FinishWithToolResult(std::move(json));
    RecordCall(shim(), ClientWork::Append, began_ns());
  }

  void FinishConflict(std::string_view last) {
    const AppendResult::Conflict& conflict = *result_.conflict;
    std::string json = R"({"appended":false,"conflict":{)";
    AppendMember(&json, "stream", conflict.stream);
    AppendMember(&json, "expect", conflict.expect);
    AppendMember(&json, "revision", conflict.revision);
    if (!last.empty()) {
      AppendName(&json, "last");
      json += last;
    }
    json += '}';
    AppendMember(&json, "head", result_.head);
    AppendMember(
        &json, "hint",
        fmt::format("another was first; nothing was appended. If this still makes sense{}, "
                    "append with {} set to revision; else do something else",
                    last.empty() ? "" : " after last",
                    has_conditions_ ? "expect of that stream's condition" : "expect"));
    json += '}';
    FinishWithToolResult(std::move(json));
  }

  Batch batch_;
  const bool has_conditions_;  // rather than one expect
  AppendResult result_;
  std::optional<AppendCheck> check_;
  PageReader reader_;
};

struct EventSlices {
  JsonSlice stream, type, data, correlation_id, causation_id;

  bool AnyGiven() const {
    return Arguments::Given(stream) || Arguments::Given(type) || data.present() ||
           Arguments::Given(correlation_id) || Arguments::Given(causation_id);
  }
};

void ReadEvent(const EventSlices& given, Arguments* arguments, NewEvent* event) {
  arguments->Require("stream", given.stream);
  arguments->Stream("stream", given.stream, &event->stream);
  arguments->Require("type", given.type);
  arguments->Text("type", given.type, kTypeBytesMax, &event->type);
  arguments->Text("correlation_id", given.correlation_id, kIdBytesMax, &event->correlation_id);
  arguments->Text("causation_id", given.causation_id, kIdBytesMax, &event->causation_id);
  if (!given.data.present()) return;
  if (given.data.raw().size() > kDataDepthMax && JsonDepth(given.data.raw()) > kDataDepthMax) {
    return arguments->Wrong(fmt::format(
        "data may have at most {} arrays and objects within each other", kDataDepthMax));
  }
  event->data = given.data.raw();
}

void ReadEvents(JsonSlice events, Arguments* arguments, Batch* batch) {
  for (JsonWalk walk(events); walk.Next() && arguments->ok();) {
    if (batch->events.size() == kEventsMax) {
      return arguments->Wrong(fmt::format("events has more than {} events", kEventsMax));
    }
    EventSlices slices;
    if (!walk.value().is_object()) {
      return arguments->Wrong(fmt::format("events[{}] must be an object; got {}",
                                          batch->events.size(), ShowValue(walk.value())));
    }
    arguments->Read(walk.value(), fmt::format("events[{}]", batch->events.size()),
                    {{"stream", &slices.stream},
                     {"type", &slices.type},
                     {"data", &slices.data},
                     {"correlation_id", &slices.correlation_id},
                     {"causation_id", &slices.causation_id}});
    ReadEvent(slices, arguments, &batch->events.emplace_back());
  }
  if (batch->events.empty()) arguments->Wrong("events must be at least one event");
}

void ReadConditions(JsonSlice conditions, Arguments* arguments, Batch* batch) {
  size_t index = 0;
  for (JsonWalk walk(conditions); walk.Next() && arguments->ok(); ++index) {
    if (index == kConditionsMax) {
      return arguments->Wrong(fmt::format("conditions has more than {}", kConditionsMax));
    }
    if (!walk.value().is_object()) {
      return arguments->Wrong(
          fmt::format("conditions[{}] must be an object; got {}", index, ShowValue(walk.value())));
    }
    JsonSlice stream, expect;
    arguments->Read(walk.value(), fmt::format("conditions[{}]", index),
                    {{"stream", &stream}, {"expect", &expect}});
    arguments->Require("stream", stream);
    arguments->Require("expect", expect);
    Condition& condition = batch->conditions.emplace_back();
    arguments->Stream("stream", stream, &condition.stream);
    arguments->Number("expect", expect, 0, UINT64_MAX, &condition.expect);
  }
}

}  // namespace

std::unique_ptr<Operation> MakeAppend(Shim* shim, const Responder& responder, JsonSlice given) {
  EventSlices one;
  JsonSlice expect, id, events, conditions;
  Arguments arguments;
  arguments.Read(given, "",
                 {{"stream", &one.stream},
                  {"type", &one.type},
                  {"data", &one.data},
                  {"expect", &expect},
                  {"id", &id},
                  {"correlation_id", &one.correlation_id},
                  {"causation_id", &one.causation_id},
                  {"events", &events},
                  {"conditions", &conditions}});
  Batch batch;
  arguments.Text("id", id, kIdBytesMax, &batch.id);
  if (!Arguments::Given(events)) {
    ReadEvent(one, &arguments, &batch.events.emplace_back());
    Condition condition{batch.events[0].stream, 0};
    if (arguments.Number("expect", expect, 0, UINT64_MAX, &condition.expect)) {
      batch.conditions.push_back(std::move(condition));
    }
  } else if (one.AnyGiven() || Arguments::Given(expect)) {
    arguments.Wrong(
        "give either stream, type, data and expect for one event, or events (with conditions for "
        "what is expected), not both");
  }
  if (arguments.Array("conditions", conditions)) ReadConditions(conditions, &arguments, &batch);
  if (arguments.ok() && arguments.Array("events", events)) ReadEvents(events, &arguments, &batch);
  if (!arguments.ok()) {
    RefuseCall(*shim, responder, arguments.trouble());
    return nullptr;
  }
  return std::make_unique<AppendOperation>(shim, responder, std::move(batch),
                                           Arguments::Given(conditions));
}

}  // namespace roost
