#include "tools/dashboard/http_server.h"

#include <fmt/core.h>
#include <sys/socket.h>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/version.hpp>
#include <csignal>
#include <exception>
#include <list>
#include <optional>
#include <utility>

#include "base/check.h"
#include "tools/dashboard/peer_user.h"
#include "tools/dashboard/response_headers.h"

namespace roost {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;

// What the kernel keeps for a client that does not read.
constexpr int kSendBufferBytes = 256 << 10;
constexpr std::chrono::milliseconds kAcceptPause{100};  // when there are no descriptors left

class Connection;

// The connections that there are.
struct Registry {
  HttpServer::Handler handler;
  HttpLimits limits;
  std::list<Connection*> connections;  // in the order in which they began to wait for a request
  size_t streams = 0;
};

// An IPv4 address that a socket for both kinds shows as IPv6.
asio::ip::address WithoutMapping(const asio::ip::address& address) {
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
  return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
}

std::string_view View(beast::string_view text) { return {text.data(), text.size()}; }

// One client: reads a request, has it answered, and so on. Kept alive by what is under way for it.
class Connection : public HttpExchange,
                   public StreamSink,
                   public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, Registry* registry)
      : stream_(std::move(socket)), registry_(registry) {
    place_ = registry_->connections.insert(registry_->connections.end(), this);
    FindPeer();
  }
  ~Connection() override {
    registry_->connections.erase(place_);
    if (body_ != nullptr) --registry_->streams;
  }

  void Start() { ReadRequest(); }
  bool waits_for_request() const { return reading_; }
  void Close() { stream_.close(); }

  // ---- HttpExchange ----

  void Reply(HttpResponse response) override {
    response_ = {};
    response_.result(response.status);
    response_.version(version_);
    response_.set(http::field::content_type, response.content_type);
    for (const auto& [name, value] : kResponseHeaders) response_.set(name, value);
    if (response.status == 405) response_.set(http::field::allow, "GET, HEAD");
    if (response.status == 401) response_.set(http::field::www_authenticate, "Bearer");
    if (response.status == 503) response_.set(http::field::retry_after, "1");
    response_.keep_alive(keep_alive_);
    response_.body() = std::move(response.body);
    response_.prepare_payload();
    if (is_head_) {
      const size_t size = response_.body().size();
      response_.body().clear();
      response_.content_length(size);  // of the answer to GET
    }
    WriteResponse();
  }

  void ReplyStream(std::string content_type, std::unique_ptr<StreamBody> body) override {
    if (version_ < 11) return Reply({505, "text/plain", "streams need HTTP/1.1\n"});
    if (is_head_) return Reply({405, "text/plain", "GET it\n"});
    if (registry_->streams >= registry_->limits.streams_max) {
      return Reply({503, "text/plain", "too many dashboards are open\n"});
    }
    ++registry_->streams;
    body_ = std::move(body);
    stream_head_ = {};
    stream_head_.result(http::status::ok);
    stream_head_.version(version_);
    stream_head_.set(http::field::content_type, content_type);
    for (const auto& [name, value] : kResponseHeaders) stream_head_.set(name, value);
    stream_head_.keep_alive(false);
    stream_head_.chunked(true);
    serializer_.emplace(stream_head_);
    WatchForHangup();
    stream_.expires_after(registry_->limits.write_time);
    http::async_write_header(stream_, *serializer_,
                             [self = shared_from_this()](error_code error, size_t) {
                               if (error) return self->Close();
                               self->body_->Begin(self.get());
                             });
  }

  // ---- StreamSink ----

  void Write(std::string bytes) override {
    ROOST_CHECK(chunk_.empty() && !bytes.empty());
    chunk_ = std::move(bytes);
    stream_.expires_after(registry_->limits.write_time);
    asio::async_write(stream_, http::make_chunk(asio::buffer(chunk_)),
                      [self = shared_from_this()](error_code error, size_t) {
                        if (error) return self->Close();
                        self->chunk_ = {};
                        self->body_->OnWritten();
                      });
  }

 private:
  void FindPeer() {
    error_code error;
    const auto local = stream_.socket().local_endpoint(error);
    const auto remote = stream_.socket().remote_endpoint(error);
    if (error) return;
    const asio::ip::address address = WithoutMapping(local.address());
    peer_.local_address = address.to_string();
    peer_.loopback = address.is_loopback() && WithoutMapping(remote.address()).is_loopback();
    if (peer_.loopback) peer_.uid = UserOfPeer(stream_.socket().native_handle());
  }

  void ReadRequest() {
    // Behind all others that wait.
    registry_->connections.splice(registry_->connections.end(), registry_->connections, place_);
    reading_ = true;
    parser_.emplace();
    parser_->header_limit(HttpServer::kHeaderBytes);
    parser_->body_limit(uint64_t{0});
    stream_.expires_after(registry_->limits.request_time);
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](error_code error, size_t) {
                       self->reading_ = false;
                       self->OnRequest(error);
                     });
  }

  void OnRequest(error_code error) {
    if (error && (error.category() != make_error_code(http::error::bad_method).category() ||
                  error == http::error::end_of_stream)) {
      return Close();
    }
    version_ = 11;
    is_head_ = false;
    if (error) {
      keep_alive_ = false;
      if (error == http::error::header_limit || error == http::error::buffer_overflow) {
        return Reply({431, "text/plain", "too large\n"});
      }
      if (error == http::error::body_limit || error == http::error::unexpected_body) {
        return Reply({413, "text/plain", "no request here has a body\n"});
      }
      return Reply({400, "text/plain", "that is no HTTP\n"});
    }
    const auto& message = parser_->get();
    version_ = message.version();
    keep_alive_ = message.keep_alive();
    is_head_ = message.method() == http::verb::head;
    if (message.method() != http::verb::get && !is_head_) {
      return Reply({405, "text/plain", "there is nothing to change here\n"});
    }
    // Twice the same field, and two programs may see two requests.
    for (const auto field :
         {http::field::host, http::field::origin, http::field::authorization}) {
      if (message.count(field) > 1) return Reply({400, "text/plain", "a field stands twice\n"});
    }
    const std::string_view target = View(message.target());
    if (!target.starts_with('/')) return Reply({400, "text/plain", "the path begins with /\n"});

    HttpRequest request;
    const size_t question = std::min(target.find('?'), target.size());
    request.method = is_head_ ? "HEAD" : "GET";
    request.path = target.substr(0, question);
    request.query = target.substr(std::min(question + 1, target.size()));
    request.host = View(message[http::field::host]);
    request.origin = View(message[http::field::origin]);
    request.fetch_site = View(message["Sec-Fetch-Site"]);
    request.fetch_mode = View(message["Sec-Fetch-Mode"]);
    request.fetch_dest = View(message["Sec-Fetch-Dest"]);
    request.authorization = View(message[http::field::authorization]);
    request.peer = peer_;
    registry_->handler(request, shared_from_this());
  }

  void WriteResponse() {
    stream_.expires_after(registry_->limits.write_time);
    http::async_write(stream_, response_, [self = shared_from_this()](error_code error, size_t) {
      if (error) return self->Close();
      self->response_ = {};
      if (!self->keep_alive_) return self->HangUp();
      self->ReadRequest();
    });
  }

  // Lets the client read what was sent: a close() with bytes of it unread would be a reset.
  void HangUp() {
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    stream_.expires_after(registry_->limits.write_time);
    Drain(HttpServer::kHeaderBytes * 4);
  }

  void Drain(size_t bytes_left) {
    stream_.async_read_some(
        asio::buffer(sink_), [self = shared_from_this(), bytes_left](error_code error, size_t bytes) {
          if (error || bytes >= bytes_left) return self->Close();
          self->Drain(bytes_left - bytes);
        });
  }

  // Who is sent a stream has nothing more to say.
  void WatchForHangup() {
    stream_.expires_never();
    stream_.async_read_some(asio::buffer(sink_),
                            [self = shared_from_this()](error_code, size_t) { self->Close(); });
  }

  beast::tcp_stream stream_;
  Registry* registry_;
  std::list<Connection*>::iterator place_;
  HttpPeer peer_;

  beast::flat_buffer buffer_{HttpServer::kHeaderBytes + 1024};
  std::optional<http::request_parser<http::empty_body>> parser_;
  bool reading_ = false;
  unsigned version_ = 11;
  bool keep_alive_ = false;
  bool is_head_ = false;
  http::response<http::string_body> response_;

  http::response<http::empty_body> stream_head_;
  std::optional<http::response_serializer<http::empty_body>> serializer_;
  std::unique_ptr<StreamBody> body_;
  std::string chunk_;
  std::array<char, 1024> sink_;
};

}  // namespace

struct HttpServer::Impl {
  Impl(Handler handler, HttpLimits limits) : registry{std::move(handler), limits, {}, 0} {}

  void Accept() {
    acceptor.async_accept([this](error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (error) return AcceptLater();
      if (MakeRoom()) {
        error_code ignored;
        socket.set_option(asio::socket_base::send_buffer_size(kSendBufferBytes), ignored);
        socket.set_option(tcp::no_delay(true), ignored);
        std::make_shared<Connection>(std::move(socket), &registry)->Start();
      }
      Accept();
    });
  }

  void AcceptLater() {
    pause.expires_after(kAcceptPause);
    pause.async_wait([this](error_code error) {
      if (!error) Accept();
    });
  }

  // False: everybody is being answered.
  bool MakeRoom() {
    if (registry.connections.size() < registry.limits.connections_max) return true;
    for (Connection* connection : registry.connections) {
      if (!connection->waits_for_request()) continue;
      connection->Close();  // and goes when its read has ended
      return true;
    }
    return false;
  }

  Registry registry;  // outlives the connections, which the context holds
  asio::io_context context{1};
  tcp::acceptor acceptor{context};
  asio::steady_timer pause{context};
};

HttpServer::HttpServer(Handler handler, HttpLimits limits)
    : impl_(std::make_unique<Impl>(std::move(handler), limits)) {}
HttpServer::~HttpServer() = default;

Status HttpServer::Listen(const std::string& address, uint16_t port) {
  error_code error;
  const auto parsed = asio::ip::make_address(address, error);
  if (error) {
    return {StatusCode::kInvalidArgument, fmt::format("'{}' is no IP address", address)};
  }
  const tcp::endpoint endpoint(parsed, port);
  tcp::acceptor& acceptor = impl_->acceptor;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return Status::FromErrno(error.value(), fmt::format("listen on {}:{}", address, port));
  return {};
}

uint16_t HttpServer::port() const {
  error_code error;
  return impl_->acceptor.local_endpoint(error).port();
}

// Boost reports what it has no code for by exceptions; they end here.
Status HttpServer::Run(bool until_signal) {
  try {
    asio::signal_set signals(impl_->context);
    if (until_signal) {
      signals.add(SIGINT);
      signals.add(SIGTERM);
      signals.async_wait([this](error_code error, int) {
        if (!error) impl_->context.stop();
      });
    }
    impl_->Accept();
    impl_->context.run();
    return {};
  } catch (const std::exception& error) {
    return {StatusCode::kIoError, fmt::format("the HTTP server gave up: {}", error.what())};
  }
}

void HttpServer::Stop() { impl_->context.stop(); }

void HttpServer::Post(std::function<void()> task) { asio::post(impl_->context, std::move(task)); }

}  // namespace roost
