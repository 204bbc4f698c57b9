// The tool `status`: how things stand, or who and what there is.
#include <fmt/core.h>

#include <algorithm>

#include "client/mcp/arguments.h"
#include "client/mcp/event_json.h"
#include "client/mcp/status_json.h"
#include "client/mcp/stream_scan.h"
#include "client/mcp/tools/tool.h"

namespace roost {
namespace {

enum class What { kStatus, kAgents, kStreams };

constexpr size_t kPrefixBytesMax = 255;
constexpr size_t kListEndBytesMax = 256;
constexpr uint64_t kStatusTimeoutNs = 1'000'000'000;  // health is not waited for

class StatusOperation : public Operation {
 public:
  StatusOperation(Shim* shim, const Responder& responder, What what, std::string prefix)
      : Operation(shim, responder), what_(what), prefix_(std::move(prefix)) {}

  void Start() override {
    switch (what_) {
      case What::kStatus:
        return StartStatus();
      case What::kAgents:
        return WithBroker([this] { ListAgents(); });
      case What::kStreams:
        return WithRing(
            [this] { FinishWithToolResult(StreamsJson(*log().ring(), prefix_, kStreamsMax)); });
    }
  }

 private:
  static constexpr size_t kStreamsMax = 1000;

  // Never an error: that there is no broker is just what is asked for.
  void StartStatus() {
    log().Attach(NowNs() + kStatusTimeoutNs, Guarded([this](const Status& status) {
                   FinishWithToolResult(StatusJson(shim(), status.message()));
                 }));
  }

  void ListAgents() {
    log().ListSessions(DeadlineNs(), Guarded([this](const Result<std::vector<SessionInfo>>& list) {
                         if (!list.ok()) return Failed(list.status());
                         FinishWithToolResult(AgentsJson(*list));
                       }));
  }

  std::string AgentsJson(const std::vector<SessionInfo>& sessions) const {
    std::string json = R"({"agents":[)";
    const size_t begin = json.size();
    bool more = false;
    for (const SessionInfo& session : sessions) {
      if (!session.agent.starts_with(prefix_)) continue;
      const size_t before = json.size();
      if (before > begin) json += ',';
      AppendSession(&json, session);
      if (json.size() > kResultBytesMax - kListEndBytesMax) {
        json.resize(before);
        more = true;
        break;
      }
    }
    json += ']';
    AppendMember(&json, "total", sessions.size());
    json += more ? R"(,"more":true,"hint":"name a longer prefix to see the others"})"
                 : R"(,"more":false})";
    return json;
  }

  static void AppendSession(std::string* json, const SessionInfo& session) {
    *json += '{';
    AppendMember(json, "agent", session.agent);
    AppendMember(json, "session", session.session);
    AppendMember(json, "client", session.client);
    AppendMember(json, "uid", session.uid);
    AppendMember(json, "pid", session.pid);
    AppendTime(json, "joined", session.joined_ns);
    AppendTime(json, "last_request", session.last_request_ns);
    AppendMember(json, "requests", session.requests);
    AppendMember(json, "waiting", session.waiting);
    *json += '}';
  }

  What what_;
  std::string prefix_;
};

}  // namespace

std::unique_ptr<Operation> MakeStatus(Shim* shim, const Responder& responder, JsonSlice given) {
  JsonSlice what, prefix;
  Arguments arguments;
  arguments.Read(given, "", {{"what", &what}, {"prefix", &prefix}});
  size_t list = 0;
  const bool list_given = arguments.Choice("what", what, {"agents", "streams"}, &list);
  std::string begins_with;
  if (arguments.Text("prefix", prefix, kPrefixBytesMax, &begins_with) && !list_given) {
    arguments.Wrong("prefix needs what: agents or streams");
  }
  if (!arguments.ok()) {
    responder.ToolError(arguments.trouble());
    return nullptr;
  }
  const What wanted = !list_given ? What::kStatus : list == 0 ? What::kAgents : What::kStreams;
  return std::make_unique<StatusOperation>(shim, responder, wanted, std::move(begins_with));
}

}  // namespace roost
