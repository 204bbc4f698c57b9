// completion/complete: names of streams for roost://stream/{+name}.
#include <fmt/core.h>

#include "client/mcp/json_text.h"
#include "client/mcp/resources.h"
#include "client/mcp/stream_scan.h"

namespace roost {
namespace {

constexpr size_t kValuesMax = 100;  // the protocol's limit
constexpr std::string_view kNothing = R"("completion":{"values":[],"hasMore":false})";

class CompletionOperation : public Operation {
 public:
  CompletionOperation(Shim* shim, const Responder& responder, std::string prefix)
      : Operation(shim, responder), prefix_(std::move(prefix)) {}

  void Start() override {
    WithRing([this] { Complete(); });
  }

 protected:
  // Without a broker there is nothing to propose, which is no error while somebody is typing.
  void Failed(const Status&) override {
    responder().Result(kNothing);
    Finish();
  }

 private:
  void Complete() {
    StreamScan scan(*log().ring(), prefix_);
    std::string values;
    size_t count = 0;
    bool more = false;
    while (!more && scan.Next()) {
      if (count == kValuesMax) {
        more = true;
      } else {
        if (count++ > 0) values += ',';
        AppendJsonString(&values, scan.stream().name);
      }
    }
    more = more || scan.more();
    responder().Result(fmt::format(R"("completion":{{"values":[{}],"hasMore":{}}})", values, more));
    Finish();
  }

  std::string prefix_;
};

bool IsStreamTemplate(JsonSlice uri) {
  return uri.Says("roost://stream/{+name}") || uri.Says("roost://stream/{name}");
}

}  // namespace

std::unique_ptr<Operation> MakeCompletion(Shim* shim, const Responder& responder,
                                          JsonSlice params) {
  JsonSlice ref, argument, type, uri, name, value;
  if (params.present()) ReadMembers(params, {{"ref", &ref}, {"argument", &argument}});
  if (!ref.is_object() || !argument.is_object()) {
    responder.Error(RpcError::kInvalidParams, "ref and argument must be objects");
    return nullptr;
  }
  ReadMembers(ref, {{"type", &type}, {"uri", &uri}});
  ReadMembers(argument, {{"name", &name}, {"value", &value}});
  if (!name.is_string() || !value.is_string()) {
    responder.Error(RpcError::kInvalidParams, "argument.name and argument.value must be strings");
    return nullptr;
  }
  if (!type.Says("ref/resource")) {
    responder.Error(RpcError::kInvalidParams,
                    "ref.type must be ref/resource; there are no prompts");
    return nullptr;
  }
  if (!uri.is_string()) {
    responder.Error(RpcError::kInvalidParams, "ref.uri must be a string");
    return nullptr;
  }
  if (IsStreamTemplate(uri) && name.Says("name")) {
    return std::make_unique<CompletionOperation>(shim, responder, value.String());
  }
  if (uri.Says("roost://event/{sequence}") && name.Says("sequence")) {
    responder.Result(kNothing);
  } else {
    responder.Error(RpcError::kInvalidParams,
                    "no such resource template, or it has no such variable");
  }
  return nullptr;
}

}  // namespace roost
