// The tool `decide`: the answer to a question that this agent was asked to find.
#include <fmt/core.h>

#include "client/mcp/arguments.h"
#include "client/mcp/event_json.h"
#include "client/mcp/tools/tool.h"

namespace roost {
namespace {

constexpr size_t kKeyTextBytes = 64;
constexpr size_t kTokenBytesMax = 64;
constexpr size_t kReasonBytesMax = 512;
constexpr uint64_t kTtlMsMax = 366ull * 24 * 3'600'000;  // who wants longer wants for ever

class DecideOperation : public Operation {
 public:
  DecideOperation(Shim* shim, const Responder& responder, Decision decision)
      : Operation(shim, responder), decision_(std::move(decision)) {}

  void Start() override {
    WithBroker([this] {
      log().Decide(decision_, DeadlineNs(),
                   Guarded([this](const Result<DecideResult>& result) { OnDecided(result); }));
    });
  }

 private:
  void OnDecided(const Result<DecideResult>& result) {
    if (!result.ok()) return Failed(result.status());
    std::string json = "{";
    AppendFlag(&json, "recorded", result->recorded);
    AppendMember(&json, "verdict", VerdictName(result->verdict));  // that is in force
    if (!result->recorded) {
      AppendMember(&json, "hint",
                   result->reason.empty() ? "not recorded; call validate to see what is in force"
                                          : std::string_view(result->reason));
    }
    json += '}';
    FinishWithToolResult(std::move(json));
  }

  Decision decision_;
};

void ReadKey(JsonSlice value, Arguments* arguments, VerdictKey* key) {
  arguments->Require("key", value);
  std::string text;
  if (!arguments->Text("key", value, kKeyTextBytes, &text)) return;
  const auto parsed = ParseVerdictKey(text);
  if (!parsed.has_value()) {
    return arguments->Wrong(fmt::format(
        "key must be 64 hexadecimal digits, as validate gave it; got {}", ShowValue(value)));
  }
  *key = *parsed;
}

void ReadToken(JsonSlice value, Arguments* arguments, ItemToken* token) {
  arguments->Require("token", value);
  std::string text;
  if (!arguments->Text("token", value, kTokenBytesMax, &text)) return;
  const auto parsed = ItemToken::Parse(text);
  if (!parsed.has_value()) {
    return arguments->Wrong(fmt::format(
        "token must be as validate, or take from $questions, gave it, like \"12.0\"; got {}",
        ShowValue(value)));
  }
  *token = *parsed;
}

}  // namespace

std::unique_ptr<Operation> MakeDecide(Shim* shim, const Responder& responder, JsonSlice given) {
  JsonSlice key, token, verdict, reason, ttl;
  Arguments arguments;
  arguments.Read(given, "",
                 {{"key", &key},
                  {"token", &token},
                  {"verdict", &verdict},
                  {"reason", &reason},
                  {"ttl_ms", &ttl}});
  Decision decision;
  ReadKey(key, &arguments, &decision.key);
  ReadToken(token, &arguments, &decision.token);
  size_t which = 0;
  arguments.Require("verdict", verdict);
  arguments.Choice("verdict", verdict, {"allow", "deny", "ask"}, &which);
  constexpr Verdict kVerdicts[] = {Verdict::kAllow, Verdict::kDeny, Verdict::kAsk};
  decision.verdict = kVerdicts[which];
  arguments.Text("reason", reason, kReasonBytesMax, &decision.reason);
  uint64_t ttl_ms = 0;
  arguments.Number("ttl_ms", ttl, 0, kTtlMsMax, &ttl_ms);
  decision.ttl = std::chrono::milliseconds(ttl_ms);
  if (!arguments.ok()) {
    RefuseCall(*shim, responder, arguments.trouble());
    return nullptr;
  }
  return std::make_unique<DecideOperation>(shim, responder, std::move(decision));
}

}  // namespace roost
