#include "client/mcp/resources.h"

#include "client/mcp/event_json.h"
#include "client/mcp/json_text.h"
#include "client/mcp/page_reader.h"
#include "client/mcp/resource_uri.h"
#include "client/mcp/status_json.h"
#include "client/mcp/stream_scan.h"

namespace roost {
namespace {

constexpr size_t kStreamsMax = 1000;
constexpr uint32_t kNewestEvents = 50;
constexpr uint64_t kStatusTimeoutNs = 1'000'000'000;
constexpr int kChangesAnyTime = 0;
constexpr int kNeverChangesTtlMs = 3'600'000;

class ResourceOperation : public Operation {
 public:
  ResourceOperation(Shim* shim, const Responder& responder, std::string uri, ResourceUri parsed)
      : Operation(shim, responder),
        uri_(std::move(uri)),
        parsed_(std::move(parsed)),
        reader_(shim->log) {}

  void Start() override {
    switch (parsed_.kind) {
      case ResourceUri::Kind::kStatus:
        return ReadStatus();
      case ResourceUri::Kind::kStreams:
        return WithRing(
            [this] { FinishWithContents(StreamsJson(*log().ring(), "", kStreamsMax)); });
      case ResourceUri::Kind::kStream:
        return WithRing([this] { ReadStream(); });
      case ResourceUri::Kind::kEvent:
        return WithRing([this] { ReadEvent(); });
      case ResourceUri::Kind::kUnknown:
        return FinishNotFound();
    }
  }

 protected:
  void Failed(const Status& status) override {
    responder().Error(RpcError::kInternal, status.message());
    Finish();
  }

 private:
  void ReadStatus() {
    log().Attach(NowNs() + kStatusTimeoutNs, Guarded([this](const Status& status) {
                   FinishWithContents(StatusJson(shim(), status.message()));
                 }));
  }

  void ReadStream() {
    const auto id = log().ring()->FindStream(parsed_.stream);
    if (!id.has_value()) return FinishNotFound();
    ReadQuery query;
    query.filter.stream = parsed_.stream;
    query.order = Order::kNewestFirst;
    query.limit = kNewestEvents;
    query.bytes_max = kResultBytesMax;
    reader_.Read(query, DeadlineNs(), Guarded([this](const Status& status) {
                   if (!status.ok()) return Failed(status);
                   FinishStream();
                 }));
  }

  void FinishStream() {
    // Looked up again: while a segment was fetched another ring may have taken the place of the first.
    const auto id = log().ring()->FindStream(parsed_.stream);
    if (!id.has_value()) return FinishNotFound();
    std::string json = "{";
    AppendStreamMembers(&json, log().ring()->Stream(*id));
    json += ',';
    json += std::string_view(PageJson(reader_.page())).substr(1);
    FinishWithContents(json);
  }

  void ReadEvent() {
    if (parsed_.sequence == 0 || parsed_.sequence > log().ring()->head()) return FinishNotFound();
    ReadQuery query;
    query.after = parsed_.sequence - 1;
    query.limit = 1;
    reader_.Read(query, DeadlineNs(), Guarded([this](const Status& status) {
                   if (!status.ok()) return Failed(status);
                   FinishEvent();
                 }));
  }

  void FinishEvent() {
    const Page& page = reader_.page();
    // What was overwritten or taken by retention is followed by the next one that there is.
    if (page.empty() || page[0].sequence != parsed_.sequence) return FinishNotFound();
    std::string json;
    AppendEvent(&json, page[0]);
    FinishWithContents(json, kNeverChangesTtlMs);
  }

  void FinishWithContents(std::string_view json, int ttl_ms = kChangesAnyTime) {
    std::string members = R"("contents":[{"uri":)";
    members.reserve(json.size() + json.size() / 4 + kUriBytesMax);
    AppendJsonString(&members, uri_);
    members += R"(,"mimeType":"application/json","text":)";
    AppendJsonString(&members, json);
    members += "}]";
    if (members.size() > kMessageBytesMax - kUriBytesMax) {
      return Failed({StatusCode::kTooLarge, "the event is too large for a message of 10 MiB"});
    }
    responder().Result(members, ttl_ms);
    Finish();
  }

  void FinishNotFound() {
    responder().ResourceNotFound(uri_);
    Finish();
  }

  std::string uri_;
  ResourceUri parsed_;
  PageReader reader_;
};

}  // namespace

std::unique_ptr<Operation> MakeResourceRead(Shim* shim, const Responder& responder,
                                            JsonSlice params) {
  const JsonSlice uri = FindMember(params, "uri");
  if (!uri.is_string()) {
    responder.Error(RpcError::kInvalidParams, "uri must be a string");
    return nullptr;
  }
  std::string text = uri.String();
  ResourceUri parsed = ParseResourceUri(text);
  return std::make_unique<ResourceOperation>(shim, responder, std::move(text), std::move(parsed));
}

}  // namespace roost
