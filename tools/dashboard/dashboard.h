// Wires the dashboard together: the HTTP server, who may ask, and the answers, from the page's files, the log's thread and the
// state's. Everything here runs on the thread that calls Run().
#ifndef ROOST_TOOLS_DASHBOARD_DASHBOARD_H_
#define ROOST_TOOLS_DASHBOARD_DASHBOARD_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "tools/dashboard/event_stream.h"
#include "tools/dashboard/http_server.h"
#include "tools/dashboard/log_thread.h"
#include "tools/dashboard/request_guard.h"
#include "tools/dashboard/state_thread.h"

namespace roost {

struct DashboardOptions {
  std::string socket = {};             // of the broker, as ClientOptions has it
  std::string address = "127.0.0.1";   // an IP address
  uint16_t port = 8600;                // 0: any
  std::string token = {};              // empty: there is none
  bool token_for_all = false;          // also for the user who started it
  std::vector<std::string> names = {}; // further host names under which it is reached
  HttpLimits limits = {};
};

class Dashboard {
 public:
  explicit Dashboard(DashboardOptions options);

  Status Listen();
  uint16_t port() const { return server_.port(); }
  // Until Stop(), or a signal. REQUIRES: Listen() was fine.
  Status Run(bool until_signal);
  void Stop() { server_.Stop(); }

 private:
  using Exchange = std::shared_ptr<HttpExchange>;

  void Answer(const HttpRequest& request, Exchange exchange);
  void AnswerEvents(const HttpRequest& request, Exchange exchange);
  void AnswerEvent(const HttpRequest& request, Exchange exchange);
  void AnswerStreams(const HttpRequest& request, Exchange exchange);
  void AnswerFollow(const HttpRequest& request, Exchange exchange);
  // Has the log's thread make an answer.
  void AnswerByLog(Exchange exchange, std::function<HttpResponse(Client& client)> make);

  DashboardOptions options_;
  const RequestGuard guard_;
  EventStreams streams_;
  StateThread::Text state_;
  HttpServer server_;
  std::unique_ptr<LogThread> log_;
  std::unique_ptr<StateThread> broker_;
};

}  // namespace roost

#endif  // ROOST_TOOLS_DASHBOARD_DASHBOARD_H_
