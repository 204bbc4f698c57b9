// The tool `settle`: what became of events that were taken.
#include <fmt/core.h>

#include "client/mcp/arguments.h"
#include "client/mcp/event_json.h"
#include "client/mcp/tools/tool.h"

namespace roost {
namespace {

constexpr size_t kSettledTokenMax = 64;

class SettleOperation : public Operation {
 public:
  SettleOperation(Shim* shim, const Responder& responder, std::vector<ItemToken> tokens, bool one,
                  Outcome outcome, std::string note)
      : Operation(shim, responder),
        tokens_(std::move(tokens)),
        one_(one),
        outcome_(outcome),
        note_(std::move(note)) {}

  void Start() override {
    WithBroker([this] {
      log().Settle(
          tokens_, outcome_, note_, DeadlineNs(),
          Guarded([this](const Result<std::vector<bool>>& settled) { OnSettled(settled); }));
    });
  }

 private:
  void OnSettled(const Result<std::vector<bool>>& settled) {
    if (!settled.ok()) return Failed(settled.status());
    if (settled->size() != tokens_.size()) {
      return FinishWithToolError("the broker's answer is damaged; call settle again");
    }
    std::string json = "{";
    bool all = true;
    for (const bool each : *settled) all = all && each;
    if (one_) {
      AppendFlag(&json, "settled", all);
    } else {
      AppendList(&json, "settled", *settled,
                 [](std::string* out, bool each) { *out += each ? "true" : "false"; });
    }
    if (!all) {
      AppendMember(&json, "hint",
                   "false: the lease had ended or it was settled before; the event may have gone "
                   "to another, who settles it. Nothing more to do for it; take the next");
    }
    json += '}';
    FinishWithToolResult(std::move(json));
  }

  std::vector<ItemToken> tokens_;
  bool one_;  // `token` was given, not `tokens`
  Outcome outcome_;
  std::string note_;
};

void ReadToken(std::string_view name, JsonSlice value, Arguments* arguments,
               std::vector<ItemToken>* tokens) {
  std::string text;
  if (!arguments->Text(name, value, kSettledTokenMax, &text)) return;
  const auto token = ItemToken::Parse(text);
  if (!token.has_value()) {
    return arguments->Wrong(
        fmt::format("{} must be a string as take gave it with the event, like \"12.0\"; got {}",
                    name, ShowValue(value)));
  }
  tokens->push_back(*token);
}

}  // namespace

std::unique_ptr<Operation> MakeSettle(Shim* shim, const Responder& responder, JsonSlice given) {
  JsonSlice token, tokens, outcome, note;
  Arguments arguments;
  arguments.Read(given, "",
                 {{"token", &token}, {"tokens", &tokens}, {"outcome", &outcome}, {"note", &note}});
  std::vector<ItemToken> items;
  ReadToken("token", token, &arguments, &items);
  const bool one = !items.empty();
  if (arguments.Array("tokens", tokens)) {
    if (one) arguments.Wrong("give either token or tokens, not both");
    for (JsonWalk walk(tokens); walk.Next() && arguments.ok();) {
      if (items.size() == kTakeMax) {
        arguments.Wrong(
            fmt::format("tokens must be at most {}; settle the others after", kTakeMax));
      } else if (!walk.value().is_string()) {
        arguments.Wrong(
            fmt::format("tokens[{}] must be a string as take gave it, like \"12.0\"; got {}",
                        items.size(), ShowValue(walk.value())));
      } else {
        ReadToken(fmt::format("tokens[{}]", items.size()), walk.value(), &arguments, &items);
      }
    }
  }
  if (items.empty()) arguments.Wrong("give token, or tokens, as take gave them with the events");
  size_t what = 0;
  arguments.Require("outcome", outcome);
  arguments.Choice("outcome", outcome, {"done", "retry", "park"}, &what);
  std::string text;
  arguments.Text("note", note, kNoteBytesMax, &text);
  if (!arguments.ok()) {
    RefuseCall(*shim, responder, arguments.trouble());
    return nullptr;
  }
  constexpr Outcome kOutcomes[] = {Outcome::kDone, Outcome::kRetry, Outcome::kPark};
  return std::make_unique<SettleOperation>(shim, responder, std::move(items), one, kOutcomes[what],
                                           std::move(text));
}

}  // namespace roost
