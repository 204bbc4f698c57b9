// The tool `release`: ends a claim before its time.
#include "client/mcp/arguments.h"
#include "client/mcp/event_json.h"
#include "client/mcp/tools/tool.h"

namespace roost {
namespace {

class ReleaseOperation : public Operation {
 public:
  ReleaseOperation(Shim* shim, const Responder& responder, uint64_t token, std::string note)
      : Operation(shim, responder), token_(token), note_(std::move(note)) {}

  void Start() override {
    WithBroker([this] {
      log().Release(token_, note_, DeadlineNs(),
                    Guarded([this](const Result<bool>& released) { OnReleased(released); }));
    });
  }

 private:
  void OnReleased(const Result<bool>& released) {
    if (!released.ok()) return Failed(released.status());
    std::string json = "{";
    AppendFlag(&json, "released", *released);
    if (!*released) {
      AppendMember(&json, "hint",
                   "this claim had ended before, or is another session's: its keys may be "
                   "another's by now; claim again if you still need them");
    }
    json += '}';
    FinishWithToolResult(std::move(json));
  }

  uint64_t token_;
  std::string note_;
};

}  // namespace

std::unique_ptr<Operation> MakeRelease(Shim* shim, const Responder& responder, JsonSlice given) {
  JsonSlice token, note;
  Arguments arguments;
  arguments.Read(given, "", {{"token", &token}, {"note", &note}});
  uint64_t number = 0;
  std::string text;
  arguments.Require("token", token);
  arguments.Number("token", token, 1, UINT64_MAX, &number);
  arguments.Text("note", note, kNoteBytesMax, &text);
  if (!arguments.ok()) {
    RefuseCall(*shim, responder, arguments.trouble());
    return nullptr;
  }
  return std::make_unique<ReleaseOperation>(shim, responder, number, std::move(text));
}

}  // namespace roost
