// The tool `take`: events of a stream that no other consumer of the group gets.
#include <fmt/core.h>

#include <optional>

#include "base/clock.h"
#include "client/mcp/arguments.h"
#include "client/mcp/event_json.h"
#include "client/mcp/taken_reader.h"
#include "client/mcp/tools/tool.h"
#include "log/ring_format.h"

namespace roost {
namespace {

constexpr size_t kGroupBytesMax = 64;

class TakeOperation : public Operation {
 public:
  TakeOperation(Shim* shim, const Responder& responder, TakeRequest request)
      : Operation(shim, responder), request_(std::move(request)) {}

  ~TakeOperation() override {
    if (asked_ != 0) log().Cancel(asked_);
    if (!unanswered_.empty()) GiveBack();
  }

  bool waits() const override { return request_.wait.count() > 0; }

  void Start() override {
    WithBroker([this] { Take(); });
  }

  void OnTimer() override {
    SetTimer(kNever);
    Read();
  }

 private:
  void Take() {
    const uint64_t wait_ns = static_cast<uint64_t>(request_.wait.count()) * kNsPerMs;
    asked_ = log().Take(request_, DeadlineNs() + wait_ns,
                        Guarded([this](const Result<TakeResult>& result) { OnTaken(result); }));
  }

  void OnTaken(const Result<TakeResult>& result) {
    asked_ = 0;
    if (!result.ok()) return Failed(result.status());
    parked_ = result->parked;
    for (const TakenItem& item : result->items) unanswered_.push_back(item.token);
    reader_.emplace(shim().log, request_.stream, result->items);
    if (unanswered_.empty()) return Answer();
    read_by_ns_ = DeadlineNs();
    Read();
  }

  void Read() {
    reader_->Read(read_by_ns_, Guarded([this](TakenReader::Step step) {
                    if (step == TakenReader::Step::kDone) return Answer();
                    SetTimer(NowNs());  // the next page comes in its turn, after other calls
                  }));
  }

  void Answer() {
    std::string json = "{";
    json += reader_->json();
    AppendMember(&json, "parked", parked_);
    if (const std::string hint = Hint(); !hint.empty()) AppendMember(&json, "hint", hint);
    json += '}';
    unanswered_.clear();
    FinishWithToolResult(std::move(json));
  }

  std::string Hint() const {
    if (unanswered_.empty()) {
      return waits() ? "nothing came; call take again"
                     : "nothing to do now; call take with wait_ms (up to 50000) to wait for it";
    }
    std::string hint;
    if (reader_->truncated()) {
      hint +=
          "truncated: read such an event whole with read, after = its sequence - 1 and limit 1. ";
    }
    if (reader_->missing()) {
      hint += "gone: nobody can read it any more, settle it with done. ";
    }
    if (!reader_->trouble().empty()) {
      hint += fmt::format("unreadable: settle it with retry, for now {}. ",
                          reader_->trouble().substr(0, kTroubleBytesMax));
    }
    if (!hint.empty()) hint.pop_back();
    return hint;
  }

  // The call was cancelled, and nobody has heard of what was taken.
  void GiveBack() {
    log().Settle(unanswered_, Outcome::kRetry, "cancelled", DeadlineNs(),
                 [](const Result<std::vector<bool>>&) {});
  }

  static constexpr size_t kTroubleBytesMax = 300;

  TakeRequest request_;
  uint64_t asked_ = 0;  // number of the request under way; 0: none
  std::vector<ItemToken> unanswered_;
  uint64_t parked_ = 0;
  std::optional<TakenReader> reader_;
  uint64_t read_by_ns_ = 0;
};

void ReadGroup(JsonSlice value, Arguments* arguments, std::string* group) {
  arguments->Require("group", value);
  if (arguments->Text("group", value, kGroupBytesMax, group) &&
      group->find('/') != std::string::npos) {
    arguments->Wrong(fmt::format("group must be a name without '/'; got {}", ShowValue(value)));
  }
}

}  // namespace

std::unique_ptr<Operation> MakeTake(Shim* shim, const Responder& responder, JsonSlice given) {
  JsonSlice stream, group, from, max, lease, wait;
  Arguments arguments;
  arguments.Read(given, "",
                 {{"stream", &stream},
                  {"group", &group},
                  {"from", &from},
                  {"max", &max},
                  {"lease_ms", &lease},
                  {"wait_ms", &wait}});
  TakeRequest request;
  arguments.Require("stream", stream);
  arguments.Stream("stream", stream, &request.stream);
  ReadGroup(group, &arguments, &request.group);
  size_t begin = 0;
  arguments.Choice("from", from, {"first", "head"}, &begin);
  request.from_head = begin == 1;
  uint64_t count = request.max;
  uint64_t lease_ms = static_cast<uint64_t>(request.lease.count());
  uint64_t wait_ms = 0;
  arguments.Number("max", max, 1, kTakeMax, &count);
  arguments.Number("lease_ms", lease, kLeaseMsMin, kLeaseMsMax, &lease_ms);
  arguments.Number("wait_ms", wait, 0, kWaitMsMax, &wait_ms);
  request.max = static_cast<uint32_t>(count);
  request.lease = std::chrono::milliseconds(lease_ms);
  request.wait = std::chrono::milliseconds(wait_ms);
  if (!arguments.ok()) {
    RefuseCall(*shim, responder, arguments.trouble());
    return nullptr;
  }
  return std::make_unique<TakeOperation>(shim, responder, std::move(request));
}

}  // namespace roost
