// What hostile, slow and many clients do to the server; what it serves is of no interest here.
#include "tools/dashboard/http_server.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/dashboard/http_client.h"

namespace roost {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

// As fast as the client takes it, for ever.
class EndlessBody : public StreamBody {
 public:
  explicit EndlessBody(std::atomic<int>* open) : open_(open) { ++*open_; }
  ~EndlessBody() override { --*open_; }
  void Begin(StreamSink* sink) override {
    sink_ = sink;
    OnWritten();
  }
  void OnWritten() override { sink_->Write(std::string(64 << 10, 'x')); }

 private:
  std::atomic<int>* open_;
  StreamSink* sink_ = nullptr;
};

class HttpServerTest : public testing::Test {
 protected:
  void Start(HttpLimits limits = {}) {
    server_ = std::make_unique<HttpServer>(
        [this](const HttpRequest& request, std::shared_ptr<HttpExchange> exchange) {
          if (request.path == "/stream") {
            return exchange->ReplyStream("text/event-stream", std::make_unique<EndlessBody>(&open_));
          }
          if (request.path == "/later") {
            later_ = std::move(exchange);
            return;
          }
          if (request.path == "/now") later_->Reply({200, "text/plain", "late\n"});
          exchange->Reply({200, "text/plain", request.path + " " + request.query + "\n"});
        },
        limits);
    ASSERT_TRUE(server_->Listen("127.0.0.1", 0).ok());
    thread_ = std::thread([this] { EXPECT_TRUE(server_->Run(false).ok()); });
  }
  void TearDown() override {
    server_->Stop();
    thread_.join();
    later_.reset();
    server_.reset();
    EXPECT_EQ(open_, 0);
  }
  std::string Answer(std::string_view bytes) {
    HttpClient client(server_->port());
    client.Send(bytes);
    return client.ReceiveAll();
  }

  std::atomic<int> open_ = 0;  // streams
  std::shared_ptr<HttpExchange> later_;
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

TEST_F(HttpServerTest, AnswersOneRequestAfterAnother) {
  Start();
  HttpClient client(server_->port());
  client.Get("/a?b=1");
  EXPECT_THAT(client.ReceiveAnswer(), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("\n/a b=1\n")));
  client.Get("/b");
  client.Get("/c");
  EXPECT_THAT(client.ReceiveAnswer(), HasSubstr("\n/b \n"));
  EXPECT_THAT(client.ReceiveAnswer(), HasSubstr("\n/c \n"));
}

TEST_F(HttpServerTest, SaysWithEveryAnswerThatABrowserMayRunNothingElse) {
  Start();
  for (const char* request : {"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                              "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                              "nonsense\r\n\r\n"}) {
    const std::string answer = Answer(request);
    for (const char* field :
         {"\r\nContent-Security-Policy: default-src 'none';", "frame-ancestors 'none'",
          "require-trusted-types-for 'script'", "\r\nX-Content-Type-Options: nosniff\r\n",
          "\r\nCache-Control: no-store\r\n", "\r\nCross-Origin-Resource-Policy: same-origin\r\n"}) {
      EXPECT_THAT(answer, HasSubstr(field)) << request;
    }
    EXPECT_EQ(answer.find("Access-Control"), std::string::npos);
  }
}

TEST_F(HttpServerTest, TakesNothingButGetAndHead) {
  Start();
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "WHAT"}) {
    EXPECT_THAT(Answer(std::string(method) + " /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
                testing::AnyOf(StartsWith("HTTP/1.1 405"), StartsWith("HTTP/1.1 400")))
        << method;
  }
  const std::string head = Answer("HEAD /abc HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(head, AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("Content-Length: 6\r\n"),
                          testing::EndsWith("\r\n\r\n")));
}

TEST_F(HttpServerTest, RefusesWhatIsNoRequestOfABrowser) {
  Start();
  const std::string field(HttpServer::kHeaderBytes, 'x');
  const std::pair<std::string, const char*> requests[] = {
      {"nonsense\r\n\r\n", "400"},
      {std::string("\0\1\2\3\r\n\r\n", 8), "400"},
      {"GET / HTTP/9.9\r\n\r\n", "400"},
      {"GET http://evil.example/ HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
      {"GET * HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: x\r\nOrigin: y\r\nOrigin: z\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost : x\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", "413"},
      {"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "413"},
      {"GET / HTTP/1.1\r\nHost: x\r\nX: " + field + "\r\n\r\n", "431"},
      {"GET /" + field + " HTTP/1.1\r\nHost: x\r\n\r\n", "431"},
      {"GET /stream HTTP/1.0\r\nHost: x\r\n\r\n", "505"},
  };
  for (const auto& [request, status] : requests) {
    HttpClient client(server_->port());
    client.Send(request);
    client.Get("/after", "Connection: close\r\n");
    const std::string answer = client.ReceiveAll();
    EXPECT_EQ(answer.substr(8, 5), fmt::format(" {} ", status)) << request.substr(0, 80) << answer;
  }
  HttpClient polite(server_->port());
  polite.Get("/a");
  EXPECT_THAT(polite.ReceiveAnswer(), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, AnswersLaterAndForgetsWhoHasGone) {
  Start();
  HttpClient waits(server_->port());
  waits.Get("/later");
  HttpClient other(server_->port());
  ASSERT_TRUE(Eventually([&] {
    other.Get("/a");
    other.ReceiveAnswer();
    return later_ != nullptr;
  }));
  other.Get("/now");
  EXPECT_THAT(waits.ReceiveAnswer(), HasSubstr("late\n"));
  {
    HttpClient goes(server_->port());
    goes.Get("/later");
    other.Get("/a");
    other.ReceiveAnswer();
  }
  other.Get("/now");
  EXPECT_THAT(other.ReceiveAnswer(), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, LetsNobodyWaitForAClientThatDoesNotRead) {
  Start({.write_time = std::chrono::milliseconds(300)});
  HttpClient stalled(server_->port(), 4096);
  stalled.Get("/stream");
  ASSERT_TRUE(Eventually([&] { return open_ == 1; }));
  HttpClient reads(server_->port());
  reads.Get("/stream");
  size_t bytes = 0;
  while (bytes < (8 << 20) && reads.Receive()) bytes = reads.ReceivedBytes();
  EXPECT_GE(bytes, size_t{8} << 20);
  HttpClient asks(server_->port());
  asks.Get("/a");
  EXPECT_THAT(asks.ReceiveAnswer(), StartsWith("HTTP/1.1 200"));
  // And it is hung up on, while the others go on.
  ASSERT_TRUE(Eventually([&] {
    reads.Receive();
    return open_ == 1;
  }));
}

TEST_F(HttpServerTest, HangsUpOnWhoNeverFinishesARequest) {
  Start({.request_time = std::chrono::milliseconds(200)});
  HttpClient slow(server_->port());
  slow.Send("GET / HTTP/1.1\r\nHo");
  EXPECT_EQ(slow.ReceiveAll(), "");
  HttpClient silent(server_->port());
  EXPECT_EQ(silent.ReceiveAll(), "");
}

TEST_F(HttpServerTest, GivesThePlaceOfWhoHasWaitedLongestToTheNext) {
  Start({.connections_max = 4});
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<HttpClient>(server_->port()));
    clients.back()->Get("/a");
    ASSERT_THAT(clients.back()->ReceiveAnswer(), StartsWith("HTTP/1.1 200")) << i;
  }
  EXPECT_EQ(clients[0]->ReceiveAll(), "");
  clients.back()->Get("/b");
  EXPECT_THAT(clients.back()->ReceiveAnswer(), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, RefusesMoreStreamsThanItHasPlacesFor) {
  Start({.streams_max = 2});
  std::vector<std::unique_ptr<HttpClient>> open;
  for (int i = 0; i < 2; ++i) {
    open.push_back(std::make_unique<HttpClient>(server_->port()));
    open.back()->Get("/stream");
    EXPECT_THAT(open.back()->ReceiveUntil("xxx"), HasSubstr("Transfer-Encoding: chunked\r\n"));
  }
  HttpClient third(server_->port());
  third.Get("/stream");
  EXPECT_THAT(third.ReceiveAnswer(), StartsWith("HTTP/1.1 503"));
  open.pop_back();
  ASSERT_TRUE(Eventually([&] { return open_ == 1; }));
  HttpClient fourth(server_->port());
  fourth.Get("/stream");
  EXPECT_THAT(fourth.ReceiveUntil("xxx"), StartsWith("HTTP/1.1 200"));
}

}  // namespace
}  // namespace roost
