// The methods of the protocol, one function each.
#include <algorithm>

#include "client/mcp/arguments.h"
#include "client/mcp/json_text.h"
#include "client/mcp/replies.h"
#include "client/mcp/resource_uri.h"
#include "client/mcp/resources.h"
#include "client/mcp/server.h"
#include "client/mcp/tools/tool.h"

namespace roost {
namespace {

// All lists fit one page, so no cursor can be one of ours.
bool RefuseCursor(const Message& message, const Responder& responder) {
  const JsonSlice cursor = FindMember(message.params, "cursor");
  if (!cursor.present()) return false;
  responder.Error(RpcError::kInvalidParams, "no such cursor: the list has one page");
  return true;
}

// What a client wants to hear of, checked. False: it was wrong and that was said.
bool ReadListenFilter(const Message& message, const Responder& responder, bool* wants_resources,
                      std::vector<std::string>* uris) {
  const JsonSlice filter = FindMember(message.params, "notifications");
  if (!filter.is_object()) {
    responder.Error(RpcError::kInvalidParams, "notifications must be an object");
    return false;
  }
  JsonSlice tools, prompts, resources, subscriptions;
  ReadMembers(filter, {{"toolsListChanged", &tools},
                       {"promptsListChanged", &prompts},
                       {"resourcesListChanged", &resources},
                       {"resourceSubscriptions", &subscriptions}});
  for (const JsonSlice& flag : {tools, prompts, resources}) {
    if (flag.present() && flag.kind() != JsonSlice::Kind::kBool) {
      responder.Error(RpcError::kInvalidParams, "notifications: ...ListChanged must be a boolean");
      return false;
    }
  }
  *wants_resources = subscriptions.present();
  if (!subscriptions.present()) return true;
  if (subscriptions.kind() != JsonSlice::Kind::kArray) {
    responder.Error(RpcError::kInvalidParams,
                    "notifications.resourceSubscriptions must be an array of strings");
    return false;
  }
  for (JsonWalk walk(subscriptions); walk.Next();) {
    if (!walk.value().is_string()) {
      responder.Error(RpcError::kInvalidParams,
                      "notifications.resourceSubscriptions must be an array of strings");
      return false;
    }
    if (walk.value().raw().size() > 6 * kUriBytesMax) continue;
    std::string uri = walk.value().String();
    const bool known = std::find(uris->begin(), uris->end(), uri) != uris->end();
    if (known || !Subscriptions::IsSubscribable(uri)) continue;
    if (uris->size() == Subscriptions::kSubscribersMax) {
      responder.Error(RpcError::kInternal, "too many subscriptions");
      return false;
    }
    uris->push_back(std::move(uri));
  }
  return true;
}

std::string AcknowledgedLine(const std::string& id, bool wants_resources,
                             const std::vector<std::string>& uris) {
  std::string line =
      R"({"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{)"
      R"("notifications":{)";
  if (wants_resources) {
    line += R"("resourceSubscriptions":[)";
    for (const std::string& uri : uris) {
      if (line.back() != '[') line += ',';
      AppendJsonString(&line, uri);
    }
    line += ']';
  }
  line += R"(},"_meta":{"io.modelcontextprotocol/subscriptionId":)";
  line += id;
  line += "}}}\n";
  return line;
}

}  // namespace

void Server::OnInitialize(const Message& message, const Responder& responder) {
  JsonSlice version, client_info;
  if (message.params.present()) {
    ReadMembers(message.params, {{"protocolVersion", &version}, {"clientInfo", &client_info}});
  }
  if (version.present() && !version.is_string()) {
    return responder.Error(RpcError::kInvalidParams, "protocolVersion must be a string");
  }
  SuggestAgent(client_info);
  const std::string_view agreed =
      NegotiateLegacyVersion(version.present() ? version.String() : std::string());
  responder.Prebuilt({InitializeBeforeVersion(), agreed, InitializeAfterVersion()});
}

void Server::OnPing(const Message&, const Responder& responder) { responder.Result(""); }

void Server::OnDiscover(const Message&, const Responder& responder) {
  responder.Prebuilt({Discover()});
}

void Server::OnToolsList(const Message& message, const Responder& responder) {
  if (!RefuseCursor(message, responder)) responder.Prebuilt({ToolsList(message.era)});
}

void Server::OnResourcesList(const Message& message, const Responder& responder) {
  if (!RefuseCursor(message, responder)) responder.Prebuilt({ResourcesList(message.era)});
}

void Server::OnTemplatesList(const Message& message, const Responder& responder) {
  if (!RefuseCursor(message, responder)) responder.Prebuilt({ResourceTemplatesList(message.era)});
}

void Server::OnToolsCall(const Message& message, const Responder& responder) {
  JsonSlice name, arguments;
  if (message.params.present()) {
    ReadMembers(message.params, {{"name", &name}, {"arguments", &arguments}});
  }
  if (!name.is_string()) {
    return responder.Error(RpcError::kInvalidParams, "name must be a string");
  }
  const Tool* const tool = FindTool(name.String());
  if (tool == nullptr) {
    return responder.Error(RpcError::kInvalidParams, "Unknown tool: " + ShowValue(name));
  }
  if (operations_.size() >= kOperationsMax) {
    return RefuseCall(
        shim_, responder,
        "64 calls are under way already; wait for one of them to end, then try again");
  }
  std::unique_ptr<Operation> operation = tool->make(&shim_, responder, arguments);
  if (operation != nullptr && tool->took != nullptr) {
    operation->RecordIn(&(shim_.latencies->*tool->took));
  }
  Begin(std::move(operation));
  shim_.log->NoteActivity();  // behind what the call itself sends: then there is nothing to add
}

void Server::OnResourcesRead(const Message& message, const Responder& responder) {
  if (operations_.size() >= kOperationsMax) {
    return responder.Error(RpcError::kInternal, "too many requests are under way");
  }
  Begin(MakeResourceRead(&shim_, responder, message.params));
}

void Server::OnComplete(const Message& message, const Responder& responder) {
  if (operations_.size() >= kOperationsMax) {
    return responder.Error(RpcError::kInternal, "too many requests are under way");
  }
  Begin(MakeCompletion(&shim_, responder, message.params));
}

void Server::OnSubscribe(const Message& message, const Responder& responder) {
  const JsonSlice uri = FindMember(message.params, "uri");
  if (!uri.is_string()) {
    return responder.Error(RpcError::kInvalidParams, "uri must be a string");
  }
  const std::string text = uri.String();
  if (ParseResourceUri(text).kind == ResourceUri::Kind::kUnknown) {
    return responder.ResourceNotFound(text);
  }
  if (!Subscriptions::IsSubscribable(text)) {
    return responder.Error(RpcError::kInvalidParams,
                           "only streams and the list of streams can be subscribed to");
  }
  if (!subscriptions_.HasRoom(1)) {
    return responder.Error(RpcError::kInternal, "too many subscriptions");
  }
  responder.Result("");
  subscriptions_.Subscribe(text);
}

void Server::OnUnsubscribe(const Message& message, const Responder& responder) {
  const JsonSlice uri = FindMember(message.params, "uri");
  if (!uri.is_string()) {
    return responder.Error(RpcError::kInvalidParams, "uri must be a string");
  }
  subscriptions_.Unsubscribe(uri.String());
  responder.Result("");
}

void Server::OnListen(const Message& message, const Responder& responder) {
  bool wants_resources = false;
  std::vector<std::string> uris;
  if (!ReadListenFilter(message, responder, &wants_resources, &uris)) return;
  // First of all what was agreed to; whatever has changed is told later, by a timer.
  if (!subscriptions_.HasRoom(uris.size())) {
    return responder.Error(RpcError::kInternal, "too many subscriptions");
  }
  output_->line()->append(AcknowledgedLine(responder.id(), wants_resources, uris));
  subscriptions_.Listen(responder.id(), uris);
}

}  // namespace roost
