#include "client/mcp/operation.h"

namespace roost {
namespace {

Histogram& LatenciesOf(ShimLatencies* latencies, ClientWork work) {
  switch (work) {
    case ClientWork::Read:
      return latencies->read;
    case ClientWork::Append:
      return latencies->append;
    case ClientWork::Validate:
      break;
  }
  return latencies->validate;
}

}  // namespace

void RecordCall(const Shim& shim, ClientWork work, uint64_t began_ns) {
  const uint64_t now_ns = shim.clock.monotonic_ns();
  LatenciesOf(shim.latencies, work).Record(now_ns - began_ns);
  shim.log->own_work()->Record(work, began_ns, now_ns);
}

void AnswerWithToolResult(const Shim& shim, const Responder& responder, std::string json) {
  json.pop_back();
  json += shim.ended_leases->TakeMember();
  json += '}';
  responder.ToolResult(json);
}

void RefuseCall(const Shim& shim, const Responder& responder, std::string_view sentence) {
  responder.ToolError(sentence, shim.ended_leases->TakeMember());
}

bool AnswerFromCache(Shim* shim, const Responder& responder, std::string_view tool,
                     JsonSlice arguments, std::optional<ResultCache::Call>* call) {
  const RingReader* ring = shim->log->ring();
  if (ring == nullptr || arguments.raw().size() > ResultCache::kArgumentsBytesMax) return false;
  // What is kept says nothing of what must be told besides.
  if (shim->ended_leases->any()) return false;
  ResultCache::Call this_call(responder.era(), tool, arguments.raw());
  switch (shim->cache->Answer(this_call, ring->head(), responder)) {
    case ResultCache::Outcome::kAnswered:
      return true;
    case ResultCache::Outcome::kNew:
      return false;
    case ResultCache::Outcome::kRepeated:
      *call = std::move(this_call);
      return false;
  }
  return false;
}

void Operation::WithRing(std::function<void()> go_on) {
  if (log().ring() != nullptr) {
    go_on();
  } else {
    AttachFirst(std::move(go_on));
  }
}

void Operation::WithBroker(std::function<void()> go_on) {
  if (log().attached()) {
    go_on();
  } else {
    AttachFirst(std::move(go_on));
  }
}

void Operation::AttachFirst(std::function<void()> go_on) {
  log().Attach(DeadlineNs(), Guarded([this, go_on = std::move(go_on)](const Status& status) {
                 if (status.ok()) {
                   go_on();
                 } else {
                   Failed(status);
                 }
               }));
}

void Operation::FinishWithToolResult(std::string json) {
  AnswerWithToolResult(*shim_, responder_, std::move(json));
  Finish();
}

void Operation::FinishWithToolResult(std::string json, const ResultCache::Call& call,
                                     ResultCache::Head head,
                                     std::unique_ptr<ResultCache::Condition> condition) {
  // What is told once must not be told again.
  if (shim_->ended_leases->any()) return FinishWithToolResult(std::move(json));
  shim_->cache->Keep(call, responder_.ToolResult(json), head, std::move(condition));
  Finish();
}

void Operation::FinishWithToolError(std::string_view sentence) {
  RefuseCall(*shim_, responder_, sentence);
  Finish();
}

void Operation::Finish() {
  if (durations_ != nullptr) durations_->Record(NowNs() - began_ns_);
  finished_ = true;
  timer_ns_ = kNever;
  guard_.Renew();
}

}  // namespace roost
