#include "client/mcp/operation.h"

namespace roost {

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

void Operation::FinishWithToolResult(std::string_view json) {
  responder_.ToolResult(json);
  Finish();
}

void Operation::FinishWithToolError(std::string_view sentence) {
  responder_.ToolError(sentence);
  Finish();
}

void Operation::Finish() {
  finished_ = true;
  timer_ns_ = kNever;
  guard_.Renew();
}

}  // namespace roost
