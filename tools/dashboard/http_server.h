// An HTTP/1.1 server for the dashboard, over Boost.Beast: GET and HEAD without bodies, answers, and streams of events. Bounded
// everywhere, and nobody waits for a client that does not read:
//
//   - a connection holds one request (kHeaderBytes) and one answer, or one chunk of its stream;
//   - who neither sends a request nor takes an answer in time is closed;
//   - at `connections_max` the connection that has been waiting for a request longest makes room for a new one;
//   - at `streams_max` a further stream is refused with 503.
//
// One thread runs it and calls every handler; Post() and Stop() are for any thread.
#ifndef ROOST_TOOLS_DASHBOARD_HTTP_SERVER_H_
#define ROOST_TOOLS_DASHBOARD_HTTP_SERVER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/status.h"
#include "tools/dashboard/http_message.h"

namespace roost {

// Where a stream's bytes go.
class StreamSink {
 public:
  virtual ~StreamSink() = default;
  // REQUIRES: nothing written before is under way.
  virtual void Write(std::string bytes) = 0;
};

// The body of an answer that goes on until somebody hangs up; goes itself then.
class StreamBody {
 public:
  virtual ~StreamBody() = default;
  // The head of the answer was sent. `sink` lives as long as this.
  virtual void Begin(StreamSink* sink) = 0;
  // What was written has gone out: more can be.
  virtual void OnWritten() = 0;
};

// A request that waits for its answer. Exactly one of the two calls, now or later; when the client has gone meanwhile they
// do nothing.
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;
  virtual void Reply(HttpResponse response) = 0;
  virtual void ReplyStream(std::string content_type, std::unique_ptr<StreamBody> body) = 0;
};

struct HttpLimits {
  size_t connections_max = 128;
  size_t streams_max = 32;
  std::chrono::milliseconds request_time{30'000};  // until a request has come, from the answer before on
  std::chrono::milliseconds write_time{15'000};    // until an answer or a chunk was taken
};

class HttpServer {
 public:
  static constexpr size_t kHeaderBytes = 16 << 10;

  using Handler = std::function<void(const HttpRequest&, std::shared_ptr<HttpExchange>)>;

  HttpServer(Handler handler, HttpLimits limits);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // `address` is an IP address. Port 0: any; port() says which.
  Status Listen(const std::string& address, uint16_t port);
  uint16_t port() const;

  // Serves until Stop(), or, if `until_signal`, until SIGINT or SIGTERM.
  Status Run(bool until_signal);
  void Stop();
  // Calls `task` on the thread that runs the server.
  void Post(std::function<void()> task);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace roost

#endif  // ROOST_TOOLS_DASHBOARD_HTTP_SERVER_H_
