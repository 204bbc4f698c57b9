#include "tools/export/metrics_server.h"

#include <civetweb.h>
#include <fmt/core.h>
#include <prometheus/text_serializer.h>

#include <cstring>
#include <string_view>
#include <utility>

namespace roost {
namespace {

constexpr char kMetricsType[] = "text/plain; version=0.0.4; charset=utf-8";
constexpr char kPlainType[] = "text/plain; charset=utf-8";

struct Answer {
  int status = 200;
  const char* reason = "OK";
  const char* type = kPlainType;
  std::string body;
  const char* header = "";  // one more, with its line's end
};

std::string_view HeaderOf(const mg_connection* connection, const char* name) {
  const char* value = ::mg_get_header(connection, name);
  return value == nullptr ? std::string_view() : value;
}

class CivetMetricsServer : public MetricsServer {
 public:
  CivetMetricsServer(MetricsServerOptions options, Collect collect)
      : options_(std::move(options)), collect_(std::move(collect)) {}
  ~CivetMetricsServer() override {
    if (context_ != nullptr) ::mg_stop(context_);
  }
  CivetMetricsServer(const CivetMetricsServer&) = delete;
  CivetMetricsServer& operator=(const CivetMetricsServer&) = delete;

  Status Listen() {
    const std::string place = options_.listen.text();
    const char* settings[] = {
        "listening_ports",          place.c_str(), "num_threads", "4", "request_timeout_ms", "2000",
        "enable_directory_listing", "no",          nullptr};
    mg_callbacks callbacks = {};
    callbacks.begin_request = OnRequest;
    callbacks.log_message = OnMessage;
    ::mg_init_library(MG_FEATURES_DEFAULT);
    context_ = ::mg_start(&callbacks, this, settings);
    if (context_ == nullptr) {
      const bool taken = message_.find(std::strerror(EADDRINUSE)) != std::string::npos;
      return {taken ? StatusCode::kAlreadyExists : StatusCode::kUnavailable,
              fmt::format("can't listen on {}{}", place, message_.empty() ? "" : ": " + message_)};
    }
    mg_server_port ports[1] = {};
    if (::mg_get_server_ports(context_, 1, ports) == 1) {
      port_ = static_cast<uint16_t>(ports[0].port);
    }
    return {};
  }

  uint16_t port() const override { return port_; }

 private:
  static CivetMetricsServer* Of(const mg_connection* connection) {
    return static_cast<CivetMetricsServer*>(::mg_get_user_data(::mg_get_context(connection)));
  }

  // The first says why it could not listen. Those of a server that runs are about clients, which are nobody's business here.
  static int OnMessage(const mg_connection* connection, const char* message) {
    CivetMetricsServer* server = Of(connection);
    if (server->context_ == nullptr && server->message_.empty()) server->message_ = message;
    return 1;
  }

  // All requests are answered here: nothing of civetweb's own, no files, no pages of errors.
  static int OnRequest(mg_connection* connection) {
    const mg_request_info* request = ::mg_get_request_info(connection);
    const Answer answer = Of(connection)->AnswerTo(connection, *request);
    std::string text = fmt::format(
        "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\n{}Connection: close\r\n\r\n",
        answer.status, answer.reason, answer.type, answer.body.size(), answer.header);
    if (std::string_view(request->request_method) != "HEAD") text += answer.body;
    ::mg_write(connection, text.data(), text.size());
    return answer.status;
  }

  Answer AnswerTo(const mg_connection* connection, const mg_request_info& request) const {
    if (!IsHostAllowed(HeaderOf(connection, "Host"), options_.host_names)) {
      return {403, "Forbidden", kPlainType,
              "This name is not known here: use an address, or start it with --host NAME.\n"};
    }
    const std::string_view method = request.request_method;
    if (method != "GET" && method != "HEAD") {
      return {405, "Method Not Allowed", kPlainType, "Only GET and HEAD.\n",
              "Allow: GET, HEAD\r\n"};
    }
    if (!options_.token.empty() &&
        !IsBearer(HeaderOf(connection, "Authorization"), options_.token)) {
      return {401, "Unauthorized", kPlainType, "A bearer token is needed.\n",
              "WWW-Authenticate: Bearer realm=\"roost\"\r\n"};
    }
    const std::string_view path = request.local_uri == nullptr ? "" : request.local_uri;
    if (path == "/metrics") {
      return {200, "OK", kMetricsType, prometheus::TextSerializer().Serialize(collect_())};
    }
    if (path == "/") return {200, "OK", kPlainType, "Roost exporter: see /metrics\n"};
    return {404, "Not Found", kPlainType, "There is only /metrics.\n"};
  }

  const MetricsServerOptions options_;
  const Collect collect_;
  mg_context* context_ = nullptr;
  uint16_t port_ = 0;
  std::string message_;
};

}  // namespace

Result<std::unique_ptr<MetricsServer>> MetricsServer::Start(MetricsServerOptions options,
                                                            Collect collect) {
  auto server = std::make_unique<CivetMetricsServer>(std::move(options), std::move(collect));
  ROOST_RETURN_IF_ERROR(server->Listen());
  return std::unique_ptr<MetricsServer>(std::move(server));
}

}  // namespace roost
