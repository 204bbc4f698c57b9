// The tool `status`: how things stand, or who and what there is.
#include <algorithm>

#include "client/mcp/arguments.h"
#include "client/mcp/event_json.h"
#include "client/mcp/json_text.h"
#include "client/mcp/status_json.h"
#include "client/mcp/stream_scan.h"
#include "client/mcp/tools/tool.h"

namespace roost {
namespace {

enum class What { kStatus, kAgents, kStreams, kClaims, kGroups };

constexpr size_t kPrefixBytesMax = 255;
constexpr uint64_t kHealthTimeoutNs = 1'000'000'000;  // health is not waited for
constexpr size_t kStreamsListed = 1000;

void AppendSession(std::string* json, const SessionInfo& session) {
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
  AppendFlag(json, "idle", session.idle);
  *json += '}';
}

void AppendLease(std::string* json, const LeaseInfo& lease) {
  *json += '{';
  AppendMember(json, "token", lease.token);
  AppendName(json, "keys");
  *json += '[';
  for (const std::string& key : lease.keys) {
    if (json->back() != '[') *json += ',';
    AppendJsonString(json, key);
  }
  *json += ']';
  AppendMember(json, "by", lease.agent);
  AppendMember(json, "holder", lease.session);
  AppendMember(json, "ttl_ms", lease.ttl_ms);
  AppendMember(json, "expires_in_ms", lease.expires_in_ms);
  if (!lease.note.empty()) AppendMember(json, "note", lease.note);
  *json += '}';
}

void AppendGroup(std::string* json, const GroupInfo& group) {
  *json += '{';
  AppendMember(json, "stream", group.stream);
  AppendMember(json, "group", group.group);
  AppendMember(json, "checkpoint", group.checkpoint);
  AppendMember(json, "next", group.next);
  AppendMember(json, "head", group.head);
  AppendMember(json, "taken", group.taken);
  AppendMember(json, "returned", group.returned);
  AppendMember(json, "parked", group.parked);
  AppendMember(json, "consumers", group.consumers);
  AppendMember(json, "waiting", group.waiting);
  *json += '}';
}

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
            [this] { FinishWithToolResult(StreamsJson(*log().ring(), prefix_, kStreamsListed)); });
      case What::kClaims:
        return WithBroker([this] { ListClaims(); });
      case What::kGroups:
        return WithBroker([this] { ListGroups(); });
    }
  }

 private:
  // Never an error: that there is no broker is just what is asked for.
  void StartStatus() {
    log().Attach(NowNs() + kHealthTimeoutNs, Guarded([this](const Status& status) {
                   FinishWithToolResult(StatusJson(shim(), status.message()));
                 }));
  }

  void ListAgents() {
    log().ListSessions(DeadlineNs(), Guarded([this](const Result<std::vector<SessionInfo>>& list) {
                         if (!list.ok()) return Failed(list.status());
                         std::vector<SessionInfo> sessions = *list;
                         std::erase_if(sessions, [this](const SessionInfo& session) {
                           return !session.agent.starts_with(prefix_);
                         });
                         FinishWithList("agents", sessions, list->size(), AppendSession);
                       }));
  }

  void ListClaims() {
    log().ListLeases(prefix_, DeadlineNs(),
                     Guarded([this](const Result<std::vector<LeaseInfo>>& list) {
                       if (!list.ok()) return Failed(list.status());
                       FinishWithList("claims", *list, list->size(), AppendLease);
                     }));
  }

  void ListGroups() {
    log().ListGroups(prefix_, DeadlineNs(),
                     Guarded([this](const Result<std::vector<GroupInfo>>& list) {
                       if (!list.ok()) return Failed(list.status());
                       FinishWithList("groups", *list, list->size(), AppendGroup);
                     }));
  }

  template <typename Item>
  void FinishWithList(std::string_view name, const std::vector<Item>& items, size_t total,
                      void (*append_item)(std::string*, const Item&)) {
    std::string json = "{";
    const size_t shown = AppendList(&json, name, items, append_item);
    AppendMember(&json, "total", total);
    AppendFlag(&json, "more", shown < items.size());
    if (shown < items.size()) {
      AppendMember(&json, "hint", "name a longer prefix to see the others");
    }
    json += '}';
    FinishWithToolResult(std::move(json));
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
  const bool list_given =
      arguments.Choice("what", what, {"agents", "streams", "claims", "groups"}, &list);
  std::string begins_with;
  if (arguments.Text("prefix", prefix, kPrefixBytesMax, &begins_with) && !list_given) {
    arguments.Wrong("prefix needs what: agents, streams, claims or groups");
  }
  if (!arguments.ok()) {
    RefuseCall(*shim, responder, arguments.trouble());
    return nullptr;
  }
  constexpr What kLists[] = {What::kAgents, What::kStreams, What::kClaims, What::kGroups};
  return std::make_unique<StatusOperation>(
      shim, responder, list_given ? kLists[list] : What::kStatus, std::move(begins_with));
}

}  // namespace roost
