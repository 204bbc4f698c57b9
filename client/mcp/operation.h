// One request that is being worked on: a tool call, or a read of a resource. It may be over at once, or
// wait for the broker, for a segment of the journal or for an event, and holds nobody else up meanwhile.
//
// One thread. The server starts it, and destroys it once it is finished or was cancelled; destroying it
// withdraws whatever it asked for, so that nothing is answered any more.
#ifndef ROOST_CLIENT_MCP_OPERATION_H_
#define ROOST_CLIENT_MCP_OPERATION_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/histogram.h"
#include "base/status.h"
#include "client/mcp/ended_leases.h"
#include "client/mcp/json_slice.h"
#include "client/mcp/log_access.h"
#include "client/mcp/responder.h"
#include "client/mcp/result_cache.h"
#include "client/own_work.h"

namespace roost {

struct ShimClock {
  uint64_t (*monotonic_ns)();
  uint64_t (*wall_ns)();
};

// How long calls took from their request line to their answer line, ns. As large as all else that a shim
// keeps, and hardly touched: whoever owns it takes care that its pages are only had once they are used.
struct ShimLatencies {
  Histogram read;
  Histogram append;    // those that appended
  Histogram validate;  // those that were answered without the broker
  // All that were answered, with whatever time they were asked to wait.
  Histogram wait;
  Histogram claim;
  Histogram release;
  Histogram take;
  Histogram settle;
  Histogram decide;
  Histogram status;
};

// What all operations of a shim share; outlives them.
struct Shim {
  LogAccess* log;
  ShimClock clock;
  ShimLatencies* latencies;
  EndedLeases* ended_leases;
  ResultCache* cache;
  uint64_t line_received_ns = 0;  // when the request in hand was taken up
};

// A call whose line came in then has been answered.
void RecordCall(const Shim& shim, ClientWork work, uint64_t began_ns);

// Answers a tool call with `json`, an object, and with what must be told besides.
void AnswerWithToolResult(const Shim& shim, const Responder& responder, std::string json);
// With a sentence that the model can act on, and what must be told besides.
void RefuseCall(const Shim& shim, const Responder& responder, std::string_view sentence);

// Whether the call was answered from the cache. If not, and its answer is to be kept, *call names it.
bool AnswerFromCache(Shim* shim, const Responder& responder, std::string_view tool,
                     JsonSlice arguments, std::optional<ResultCache::Call>* call);

// A callback that is not called any more once its owner is gone.
class Guard {
 public:
  template <typename Function>
  auto Wrap(Function function) const {
    return [alive = std::weak_ptr<char>(alive_), function = std::move(function)](auto&&... values) {
      if (!alive.expired()) function(std::forward<decltype(values)>(values)...);
    };
  }
  // What was wrapped before is not called any more.
  void Renew() { alive_ = std::make_shared<char>(); }

 private:
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

class Operation {
 public:
  static constexpr uint64_t kNever = UINT64_MAX;
  static constexpr uint64_t kBrokerTimeoutNs = 5'000'000'000;  // for one answer of the broker

  Operation(Shim* shim, Responder responder)
      : shim_(shim), responder_(std::move(responder)), began_ns_(shim->line_received_ns) {}
  virtual ~Operation() = default;
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  virtual void Start() = 0;
  // How long it took is to be recorded there once it is answered. Before Start().
  void RecordIn(Histogram* durations) { durations_ = durations; }
  // Called once timer_ns() has come, which is kNever by default.
  virtual void OnTimer() {}
  uint64_t timer_ns() const { return timer_ns_; }
  // Another broker's ring has taken the place of the one that was mapped.
  virtual void OnNewRing() {}

  // Whether it may go on for long by its nature, so that the end of input need not wait for it.
  virtual bool waits() const { return false; }

  bool finished() const { return finished_; }
  const std::string& id() const { return responder_.id(); }

 protected:
  LogAccess& log() { return *shim_->log; }
  Shim& shim() { return *shim_; }
  const Responder& responder() const { return responder_; }
  uint64_t began_ns() const { return began_ns_; }
  uint64_t NowNs() const { return shim_->clock.monotonic_ns(); }
  uint64_t DeadlineNs() const { return NowNs() + kBrokerTimeoutNs; }
  void SetTimer(uint64_t at_ns) { timer_ns_ = at_ns; }

  // Goes on at once if a ring is mapped (or, WithBroker, if a broker is attached), else attaches first.
  // Failed() is called if that can't be done.
  void WithRing(std::function<void()> go_on);
  void WithBroker(std::function<void()> go_on);
  // Answers with what went wrong. Tools say it as their result, resources as an error.
  virtual void Failed(const Status& status) { FinishWithToolError(status.message()); }

  // With what must be told besides. `json` is an object.
  void FinishWithToolResult(std::string json);
  void FinishWithToolError(std::string_view sentence);
  // The same, and keeps the answer for when the same call is made again. `head`: as ResultCache::Keep().
  void FinishWithToolResult(std::string json, const ResultCache::Call& call, ResultCache::Head head,
                            std::unique_ptr<ResultCache::Condition> condition);
  void Finish();  // after an answer was given

  template <typename Function>
  auto Guarded(Function function) const {
    return guard_.Wrap(std::move(function));
  }

 private:
  void AttachFirst(std::function<void()> go_on);

  Shim* shim_;
  Responder responder_;
  Guard guard_;
  uint64_t timer_ns_ = kNever;
  Histogram* durations_ = nullptr;
  uint64_t began_ns_;
  bool finished_ = false;
};

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_OPERATION_H_
