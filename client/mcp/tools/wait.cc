// The tool `wait`: like `read`, but when nothing matches yet it waits for what does.
#include <fmt/core.h>

#include "base/clock.h"
#include "client/mcp/arguments.h"
#include "client/mcp/event_json.h"
#include "client/mcp/page_reader.h"
#include "client/mcp/tools/query_arguments.h"
#include "client/mcp/tools/tool.h"

namespace roost {
namespace {

constexpr size_t kTypesMax = 64;  // of a wait at the broker

constexpr uint64_t kTimeoutMsDefault = 25'000;

class WaitOperation : public Operation {
 public:
  WaitOperation(Shim* shim, const Responder& responder, ReadQuery query, bool after_head,
                uint64_t timeout_ns)
      : Operation(shim, responder),
        query_(std::move(query)),
        after_head_(after_head),
        end_ns_(shim->clock.monotonic_ns() + timeout_ns),
        reader_(shim->log) {}

  ~WaitOperation() override { CancelWait(); }

  bool waits() const override { return true; }

  // A log that was begun anew gives the same sequences to other events.
  void OnNewRing() override {
    if (registration_ == 0) return;
    CancelWait();
    if (query_.after > log().ring()->head()) {
      return FinishWithToolError(
          "the log was begun anew while waiting; wait again without after, or read from the start");
    }
    Look();
  }

  void Start() override {
    WithRing([this] { Begin(); });
  }

  // Either the time is over, or a scan that took long gave way to others and goes on.
  void OnTimer() override {
    if (scan_goes_on_) return Look();
    // A look under way (it waits for a segment) sees by itself that the time is over.
    if (looking_) return SetTimer(kNever);
    TimedOut();
  }

 private:
  void Begin() {
    const uint64_t head = log().ring()->head();
    if (after_head_) query_.after = head;
    if (query_.after > head) {
      return FinishWithToolError(fmt::format(
          "after is {}, but the newest event of the log is {}: another log, or its end was lost; "
          "wait again without after",
          query_.after, head));
    }
    Look();
  }

  void Look() {
    scan_goes_on_ = false;
    looking_ = true;
    reader_.Read(query_, DeadlineNs(), Guarded([this](const Status& status) { OnPage(status); }));
  }

  void OnPage(const Status& status) {
    looking_ = false;
    if (!status.ok()) return Failed(status);
    const Page& page = reader_.page();
    // Events that are gone for ever are something to tell, too.
    if (!page.empty() || page.gap().has_value()) return FinishWithToolResult(PageJson(page));
    query_.after = page.next();
    if (NowNs() >= end_ns_) return TimedOut();
    if (page.more()) {
      // The next scan comes in its turn, after other calls.
      scan_goes_on_ = true;
      return SetTimer(NowNs());
    }
    SetTimer(end_ns_);
    // The broker compares with head after it has registered this, so nothing appended since is missed.
    woken_ = false;
    const uint64_t registration = log().Wait(
        query_.filter, query_.after, Guarded([this](const Status& woken) { OnWoken(woken); }));
    // It may have been refused before Wait returned.
    if (!woken_) registration_ = registration;
  }

  void OnWoken(const Status& status) {
    woken_ = true;
    registration_ = 0;
    if (!status.ok()) return Failed(status);
    Look();
  }

  void TimedOut() {
    CancelWait();
    FinishWithToolResult(PageJson(
        reader_.page(),
        fmt::format(R"(,"timed_out":true,"hint":"nothing yet; call wait again with after: {}")",
                    query_.after)));
  }

  void CancelWait() {
    if (registration_ != 0) log().CancelWait(registration_);
    registration_ = 0;
  }

  ReadQuery query_;
  bool after_head_;
  uint64_t end_ns_;
  PageReader reader_;
  uint64_t registration_ = 0;  // 0: none
  bool woken_ = false;         // the last wait has called back
  bool scan_goes_on_ = false;
  bool looking_ = false;
};

}  // namespace

std::unique_ptr<Operation> MakeWait(Shim* shim, const Responder& responder, JsonSlice given) {
  QueryArguments slices;
  slices.types_max = kTypesMax;
  JsonSlice after, timeout;
  Arguments arguments;
  arguments.Read(given, "",
                 {{"stream", &slices.stream},
                  {"after", &after},
                  {"types", &slices.types},
                  {"agent", &slices.agent},
                  {"since", &slices.since},
                  {"limit", &slices.limit},
                  {"timeout_ms", &timeout}});
  ReadQuery query;
  ReadQueryArguments(slices, shim->clock.wall_ns(), &arguments, &query);
  const bool after_given = arguments.Number("after", after, 0, UINT64_MAX, &query.after);
  uint64_t timeout_ms = kTimeoutMsDefault;
  arguments.Number("timeout_ms", timeout, 0, kWaitMsMax, &timeout_ms);
  if (!arguments.ok()) {
    RefuseCall(*shim, responder, arguments.trouble());
    return nullptr;
  }
  return std::make_unique<WaitOperation>(shim, responder, std::move(query), !after_given,
                                         timeout_ms * kNsPerMs);
}

}  // namespace roost
