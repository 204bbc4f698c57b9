// The tool `claim`: keys that nobody else may hold for a while, all of them or none.
#include "base/clock.h"
#include "client/mcp/arguments.h"
#include "client/mcp/event_json.h"
#include "client/mcp/tools/tool.h"

namespace roost {
namespace {

constexpr size_t kKeysMax = 64;
constexpr size_t kKeyBytesMax = 255;

class ClaimOperation : public Operation {
 public:
  ClaimOperation(Shim* shim, const Responder& responder, ClaimRequest request)
      : Operation(shim, responder), request_(std::move(request)) {}

  ~ClaimOperation() override {
    if (asked_ != 0) log().Cancel(asked_);
  }

  bool waits() const override { return request_.wait.count() > 0; }

  void Start() override {
    WithBroker([this] { Claim(); });
  }

 private:
  void Claim() {
    const uint64_t wait_ns = static_cast<uint64_t>(request_.wait.count()) * kNsPerMs;
    asked_ = log().Claim(request_, DeadlineNs() + wait_ns,
                         Guarded([this](const Result<ClaimResult>& result) { OnClaimed(result); }));
  }

  void OnClaimed(const Result<ClaimResult>& result) {
    asked_ = 0;
    if (!result.ok()) return Failed(result.status());
    FinishWithToolResult(result->granted ? Granted(*result) : Held(*result));
  }

  static std::string Granted(const ClaimResult& result) {
    std::string json = R"({"granted":true)";
    AppendMember(&json, "token", result.token);
    AppendMember(&json, "expires_in_ms", result.expires_in_ms);
    if (result.expires_in_ms == 0) {
      AppendMember(&json, "hint", "it has ended already; claim again, with a longer ttl_ms");
    }
    json += '}';
    return json;
  }

  std::string Held(const ClaimResult& result) const {
    std::string json = R"({"granted":false)";
    AppendList(&json, "held", result.held, AppendHolder);
    AppendMember(&json, "hint",
                 waits() ? "still not free, nothing was claimed: do something else and try again "
                           "later, or ask the holder in stream inbox/<by>"
                         : "nothing was claimed: do something else, or claim again with wait_ms to "
                           "be served in turn, or ask the holder in stream inbox/<by>");
    json += '}';
    return json;
  }

  static void AppendHolder(std::string* json, const Holder& holder) {
    *json += '{';
    AppendMember(json, "key", holder.key);
    if (holder.held != holder.key) AppendMember(json, "overlaps", holder.held);
    AppendMember(json, "by", holder.by);
    AppendMember(json, "holder", holder.session);
    if (holder.waiting) {
      AppendFlag(json, "waiting", true);  // asked before, and is served before
    } else {
      AppendMember(json, "expires_in_ms", holder.expires_in_ms);
    }
    *json += '}';
  }

  ClaimRequest request_;
  uint64_t asked_ = 0;  // number of the request under way; 0: none
};

}  // namespace

std::unique_ptr<Operation> MakeClaim(Shim* shim, const Responder& responder, JsonSlice given) {
  JsonSlice keys, ttl, wait, note;
  Arguments arguments;
  arguments.Read(given, "",
                 {{"keys", &keys}, {"ttl_ms", &ttl}, {"wait_ms", &wait}, {"note", &note}});
  ClaimRequest request;
  arguments.Require("keys", keys);
  if (arguments.Texts("keys", keys, kKeysMax, kKeyBytesMax, &request.keys) &&
      request.keys.empty()) {
    arguments.Wrong("keys must be at least one key, e.g. [\"file/src/main.cc\"]");
  }
  uint64_t ttl_ms = static_cast<uint64_t>(request.ttl.count());
  uint64_t wait_ms = 0;
  arguments.Number("ttl_ms", ttl, kLeaseMsMin, kLeaseMsMax, &ttl_ms);
  arguments.Number("wait_ms", wait, 0, kWaitMsMax, &wait_ms);
  arguments.Text("note", note, kNoteBytesMax, &request.note);
  request.ttl = std::chrono::milliseconds(ttl_ms);
  request.wait = std::chrono::milliseconds(wait_ms);
  if (!arguments.ok()) {
    RefuseCall(*shim, responder, arguments.trouble());
    return nullptr;
  }
  return std::make_unique<ClaimOperation>(shim, responder, std::move(request));
}

}  // namespace roost
