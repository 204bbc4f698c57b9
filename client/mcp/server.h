// The MCP server: takes the client's lines, answers what needs no log at once and starts an Operation for
// everything else. Knows nothing of descriptors; what it says goes into an OutputQueue, and what it needs
// of the log comes from a LogAccess.
//
// One thread. The owner calls OnTimer() when timer_ns() has come, and Settle() after whatever may have
// moved an operation on (a line, a timer, the log's descriptor).
#ifndef ROOST_CLIENT_MCP_SERVER_H_
#define ROOST_CLIENT_MCP_SERVER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/mcp/json_slice.h"
#include "client/mcp/log_access.h"
#include "client/mcp/message.h"
#include "client/mcp/operation.h"
#include "client/mcp/output_queue.h"
#include "client/mcp/responder.h"
#include "client/mcp/subscriptions.h"

namespace roost {

class Server {
 public:
  static constexpr size_t kOperationsMax = 64;
  static constexpr size_t kMessageDepthMax =
      80;  // data of the greatest depth, in a batch of messages

  // `log`, `output` and `latencies` outlive it.
  Server(LogAccess* log, OutputQueue* output, ShimClock clock, ShimLatencies* latencies);

  // Never fails, whatever the line is. Of a batch it serves as much as the output has room for.
  void OnLine(std::string_view line);
  // Whether the last line is a batch with more in it: then GoOn() before the next line. The line must
  // stay where it is until then.
  bool unfinished() const { return batch_.has_value(); }
  void GoOn();
  // A line that was too long to be kept. `id`: of the request in it, if it could be found.
  void OnLongLine(const std::optional<std::string>& id);

  uint64_t timer_ns() const;
  void OnTimer();
  void Settle();

  // The client has closed its end: ends all subscriptions and all waiting. What else is under way may
  // still be answered, see working().
  void OnEndOfInput();
  bool working() const { return !operations_.empty(); }

 private:
  struct Method;
  static const Method kMethods[];

  void OnMessage(JsonSlice text);
  void OnInvalid(const Message& message);
  void OnNotification(const Message& message);
  void OnRequest(const Message& message);
  bool IsInFlight(std::string_view id) const;
  void Begin(std::unique_ptr<Operation> operation);

  void OnInitialize(const Message& message, const Responder& responder);
  void OnPing(const Message& message, const Responder& responder);
  void OnDiscover(const Message& message, const Responder& responder);
  void OnToolsList(const Message& message, const Responder& responder);
  void OnToolsCall(const Message& message, const Responder& responder);
  void OnResourcesList(const Message& message, const Responder& responder);
  void OnTemplatesList(const Message& message, const Responder& responder);
  void OnResourcesRead(const Message& message, const Responder& responder);
  void OnSubscribe(const Message& message, const Responder& responder);
  void OnUnsubscribe(const Message& message, const Responder& responder);
  void OnListen(const Message& message, const Responder& responder);
  void OnComplete(const Message& message, const Responder& responder);
  void SuggestAgent(JsonSlice client_info);

  OutputQueue* output_;
  EndedLeases ended_leases_;
  ResultCache cache_;
  Shim shim_;
  std::vector<std::unique_ptr<Operation>> operations_;
  Subscriptions subscriptions_;
  std::optional<JsonWalk> batch_;  // stands at an element that was not served yet
  uint64_t generation_ = 0;        // of the ring when it was last looked at
};

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_SERVER_H_
