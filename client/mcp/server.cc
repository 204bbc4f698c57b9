#include "client/mcp/server.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>

#include "client/mcp/agent_label.h"
#include "client/mcp/id_scanner.h"
#include "client/mcp/json_text.h"
#include "client/mcp/line_reader.h"

namespace roost {
namespace {

constexpr size_t kClientNameBytesMax = 1024;

std::string UnsupportedVersionData(std::string_view requested) {
  std::string data = fmt::format(R"({{"supported":["{}"],"requested":)", kModernVersion);
  AppendJsonString(&data, requested);
  data += '}';
  return data;
}

}  // namespace

Server::Server(LogAccess* log, OutputQueue* output, ShimClock clock, ShimLatencies* latencies)
    : output_(output),
      ended_leases_(log),
      shim_{log, clock, latencies, &ended_leases_, &cache_},
      subscriptions_(&shim_, output) {}

void Server::OnLine(std::string_view line) {
  shim_.line_received_ns = shim_.clock.monotonic_ns();
  const JsonFault fault = CheckJson(line, kMessageDepthMax);
  if (fault != JsonFault::kNone) {
    // Its sender may be waiting for an answer all the same.
    IdScanner scanner;
    scanner.Feed(line);
    const Responder responder(output_, Era::kLegacy, scanner.Finish().value_or(""));
    if (fault == JsonFault::kSyntax) {
      return responder.Error(RpcError::kParse, "the line is not valid JSON in UTF-8");
    }
    return responder.Error(
        RpcError::kInvalidRequest,
        fmt::format("more than {} arrays and objects within each other", kMessageDepthMax));
  }
  const JsonSlice text(line);
  if (text.kind() != JsonSlice::Kind::kArray) return OnMessage(text);
  batch_.emplace(text);
  if (batch_->Next()) return GoOn();
  batch_.reset();
  const Responder responder(output_, Era::kLegacy, "");
  responder.Error(RpcError::kInvalidRequest, "the batch is empty");
}

void Server::GoOn() {
  while (batch_.has_value() && !output_->full()) {
    OnMessage(batch_->value());
    if (!batch_->Next()) batch_.reset();
  }
}

void Server::OnLongLine(const std::optional<std::string>& id) {
  const Responder responder(output_, Era::kLegacy, id.value_or(""));
  responder.Error(RpcError::kInvalidRequest,
                  fmt::format("the line is longer than {} bytes", kLineBytesMax));
}

void Server::OnMessage(JsonSlice text) {
  const Message message = ReadMessage(text);
  switch (message.kind) {
    case Message::Kind::kRequest:
      return OnRequest(message);
    case Message::Kind::kNotification:
      return OnNotification(message);
    case Message::Kind::kResponse:
      return;
    case Message::Kind::kInvalid:
      return OnInvalid(message);
  }
}

void Server::OnInvalid(const Message& message) {
  const Responder responder(output_, message.era, message.id);
  const bool version = message.error == RpcError::kUnsupportedVersion;
  responder.Error(message.error, message.trouble,
                  version ? UnsupportedVersionData(message.requested_version) : "");
}

void Server::OnNotification(const Message& message) {
  if (message.method != "notifications/cancelled") return;
  const JsonSlice id = FindMember(message.params, "requestId");
  if (!id.present() || subscriptions_.Cancel(id.raw())) return;
  std::erase_if(operations_, [&](const auto& operation) { return operation->id() == id.raw(); });
}

bool Server::IsInFlight(std::string_view id) const {
  return subscriptions_.Listens(id) ||
         std::any_of(operations_.begin(), operations_.end(),
                     [&](const auto& operation) { return operation->id() == id; });
}

struct Server::Method {
  enum class Eras { kBoth, kLegacy, kModern };
  std::string_view name;
  Eras eras;
  void (Server::*handle)(const Message&, const Responder&);
};

const Server::Method Server::kMethods[] = {
    {"tools/call", Method::Eras::kBoth, &Server::OnToolsCall},
    {"tools/list", Method::Eras::kBoth, &Server::OnToolsList},
    {"ping", Method::Eras::kLegacy, &Server::OnPing},
    {"resources/read", Method::Eras::kBoth, &Server::OnResourcesRead},
    {"resources/list", Method::Eras::kBoth, &Server::OnResourcesList},
    {"resources/templates/list", Method::Eras::kBoth, &Server::OnTemplatesList},
    {"resources/subscribe", Method::Eras::kLegacy, &Server::OnSubscribe},
    {"resources/unsubscribe", Method::Eras::kLegacy, &Server::OnUnsubscribe},
    {"subscriptions/listen", Method::Eras::kModern, &Server::OnListen},
    {"completion/complete", Method::Eras::kBoth, &Server::OnComplete},
    {"initialize", Method::Eras::kLegacy, &Server::OnInitialize},
    {"server/discover", Method::Eras::kModern, &Server::OnDiscover},
};

void Server::OnRequest(const Message& message) {
  const Responder responder(output_, message.era, message.id);
  if (IsInFlight(message.id)) {
    return responder.Error(RpcError::kInvalidRequest, "a request with this id is under way");
  }
  SuggestAgent(message.client_info);
  const auto other_era =
      message.era == Era::kModern ? Method::Eras::kLegacy : Method::Eras::kModern;
  for (const Method& method : kMethods) {
    if (method.name != message.method || method.eras == other_era) continue;
    return (this->*method.handle)(message, responder);
  }
  responder.Error(RpcError::kMethodNotFound, "Method not found");
}

void Server::Begin(std::unique_ptr<Operation> operation) {
  if (operation == nullptr) return;  // its arguments were wrong, and it was answered
  Operation& begun = *operations_.emplace_back(std::move(operation));
  begun.Start();
  if (begun.finished()) Settle();
}

void Server::Settle() {
  if (shim_.log->generation() != generation_) {
    generation_ = shim_.log->generation();
    for (const auto& operation : operations_) {
      if (!operation->finished()) operation->OnNewRing();
    }
    subscriptions_.OnNewRing();
  }
  std::erase_if(operations_, [](const auto& operation) { return operation->finished(); });
}

uint64_t Server::timer_ns() const {
  uint64_t timer_ns = subscriptions_.timer_ns();
  for (const auto& operation : operations_) timer_ns = std::min(timer_ns, operation->timer_ns());
  return timer_ns;
}

void Server::OnTimer() {
  const uint64_t now_ns = shim_.clock.monotonic_ns();
  for (const auto& operation : operations_) {
    if (operation->timer_ns() <= now_ns) operation->OnTimer();
  }
  if (subscriptions_.timer_ns() <= now_ns) subscriptions_.OnTimer();
}

void Server::OnEndOfInput() {
  std::erase_if(operations_, [](const auto& operation) { return operation->waits(); });
  subscriptions_.Close();
}

void Server::SuggestAgent(JsonSlice client_info) {
  if (shim_.log->ring() != nullptr) return;  // too late: it is attached under another
  const JsonSlice name = FindMember(client_info, "name");
  if (!name.is_string() || name.raw().size() > kClientNameBytesMax) return;
  shim_.log->SuggestAgent(MakeAgentLabel(name.String(), ::getpid()));
}

}  // namespace roost
