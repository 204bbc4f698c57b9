// The dashboard on a real log, asked by clients that say just what a test tells them to.
#include "tools/dashboard/dashboard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "roost/client.h"
#include "tests/dashboard/http_client.h"
#include "tests/support/broker_process.h"

namespace roost {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class DashboardTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(broker_.Start()); }
  void TearDown() override {
    if (!thread_.joinable()) return;
    dashboard_->Stop();
    thread_.join();
  }

  void Start(DashboardOptions options = {}) {
    options.socket = broker_.socket();
    options.port = 0;
    dashboard_ = std::make_unique<Dashboard>(std::move(options));
    ASSERT_TRUE(dashboard_->Listen().ok());
    thread_ = std::thread([this] { EXPECT_TRUE(dashboard_->Run(false).ok()); });
  }
  std::string Get(std::string_view target, std::string_view fields = "") {
    HttpClient client(dashboard_->port());
    client.Get(target, fields);
    return client.ReceiveAnswer();
  }
  uint64_t Append(const std::string& stream, const std::string& data = "{}") {
    const auto appended = client_.Append(NewEvent{.stream = stream, .type = "t", .data = data});
    EXPECT_TRUE(appended.ok()) << appended.status().message();
    return appended.ok() ? appended->sequence : 0;
  }
  // More than a follower is sent.
  void AppendFlood() {
    Batch batch;
    for (int i = 0; i < 1000; ++i) batch.events.push_back({.stream = "flood", .type = "t", .data = "1"});
    for (int i = 0; i < 8; ++i) ASSERT_TRUE(client_.Append(batch).ok());
  }

  BrokerProcess broker_;
  Client client_{{.socket = broker_.socket(), .agent = "tester"}};
  std::unique_ptr<Dashboard> dashboard_;
  std::thread thread_;
};

TEST_F(DashboardTest, ServesThePageAndItsFiles) {
  Start();
  EXPECT_THAT(Get("/"), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("Content-Type: text/html"),
                              HasSubstr("<!doctype html>")));
  EXPECT_THAT(Get("/main.js"), HasSubstr("Content-Type: text/javascript"));
  EXPECT_THAT(Get("/style.css"), HasSubstr("Content-Type: text/css"));
  EXPECT_THAT(Get("/nothing"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(Get("/../main.js"), StartsWith("HTTP/1.1 404"));
}

TEST_F(DashboardTest, ReadsEventsAsTheyWereAskedFor) {
  const uint64_t first = Append("a/1", R"({"n":1})");
  Append("b/1");
  const uint64_t last = Append("a/2");
  Start();
  const auto sequence = [](uint64_t n) { return "\"sequence\":" + std::to_string(n) + ","; };
  std::string answer = Get("/api/events?stream=a/*&order=newest");
  EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 200"), HasSubstr(sequence(first)),
                            HasSubstr(sequence(last)), Not(HasSubstr("b/1"))));
  EXPECT_LT(answer.find(sequence(last)), answer.find(sequence(first)));
  EXPECT_THAT(Get("/api/events?stream=a/1"), HasSubstr(R"("data":"{\"n\":1}")"));
  EXPECT_THAT(Get("/api/events?agent=tester&limit=1&order=oldest"),
              AllOf(HasSubstr(sequence(first)), Not(HasSubstr(sequence(last)))));
  EXPECT_THAT(Get("/api/event?sequence=" + std::to_string(first)),
              AllOf(StartsWith("HTTP/1.1 200"), HasSubstr(R"("stream":"a/1")")));
  EXPECT_THAT(Get("/api/event?sequence=99999"), StartsWith("HTTP/1.1 4"));
  EXPECT_THAT(Get("/api/streams?prefix=a/"),
              AllOf(HasSubstr(R"("name":"a/1")"), HasSubstr(R"("name":"a/2")"), Not(HasSubstr("b/1"))));
  for (const char* wrong : {"/api/events?limit=4001", "/api/events?x=1", "/api/event", "/api/event?sequence=0",
                            "/api/event?sequence=18446744073709551615", "/api/streams?x=1",
                            "/api/follow?order=up"}) {
    EXPECT_THAT(Get(wrong), AllOf(StartsWith("HTTP/1.1 400"), HasSubstr("{\"error\":"))) << wrong;
  }
}

TEST_F(DashboardTest, TellsOfEventsOfTheFilterAsTheyCome) {
  Append("a/1");
  Start();
  HttpClient follower(dashboard_->port());
  follower.Get("/api/follow?stream=a/*");
  EXPECT_THAT(follower.ReceiveUntil("event: log"), HasSubstr("Content-Type: text/event-stream"));
  follower.ReceiveUntil("\"reachable\":true");
  Append("b/1");
  const uint64_t sequence = Append("a/2");
  const std::string text = follower.ReceiveUntil("a/2");
  EXPECT_THAT(text, AllOf(HasSubstr("event: events\ndata: {\"events\":[{\"sequence\":" +
                                    std::to_string(sequence) + ","),
                          Not(HasSubstr("b/1")), Not(HasSubstr("a/1"))));
}

TEST_F(DashboardTest, FollowsFromASequenceOn) {
  const uint64_t first = Append("a/1");
  Append("a/2");
  Start();
  HttpClient follower(dashboard_->port());
  follower.Get("/api/follow?after=" + std::to_string(first));
  EXPECT_THAT(follower.ReceiveUntil("a/2"), Not(HasSubstr("a/1")));
}

TEST_F(DashboardTest, SaysThatTheBrokerIsGoneAndComesBackByItself) {
  const uint64_t first = Append("a/1");
  Start();
  HttpClient follower(dashboard_->port());
  follower.Get("/api/follow?after=" + std::to_string(first));
  follower.ReceiveUntil("\"reachable\":true");
  broker_.Kill9();
  follower.ReceiveUntil("\"reachable\":false");
  EXPECT_THAT(Get("/api/events"), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("a/1")))
      << "what is mapped can be read";
  ASSERT_TRUE(broker_.Start());
  Append("a/after-the-restart");
  EXPECT_NE(follower.ReceiveUntil("a/after-the-restart"), "");
}

TEST_F(DashboardTest, StartsWithoutABroker) {
  broker_.Terminate();
  Start();
  EXPECT_THAT(Get("/"), StartsWith("HTTP/1.1 200"));
  HttpClient follower(dashboard_->port());
  follower.Get("/api/follow");
  follower.ReceiveUntil("\"reachable\":false");
  EXPECT_THAT(Get("/api/events"), AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("{\"error\":")));
  ASSERT_TRUE(broker_.Start());
  EXPECT_NE(follower.ReceiveUntil("\"reachable\":true"), "");
  Append("a/1");
  EXPECT_NE(follower.ReceiveUntil("a/1"), "");
}

TEST_F(DashboardTest, SkipsWhatComesTooQuicklyAndSaysSo) {
  const uint64_t first = Append("a/1");
  AppendFlood();
  Start();
  HttpClient follower(dashboard_->port());
  follower.Get("/api/follow?after=" + std::to_string(first));
  EXPECT_NE(follower.ReceiveUntil("\"skipped\":{\"first\":"), "");
  Append("a/the-newest");
  EXPECT_NE(follower.ReceiveUntil("a/the-newest"), "");
}

TEST_F(DashboardTest, SearchesThroughManyForTheFewThatAreWanted) {
  broker_.Terminate();
  broker_.setup().arguments = {"--ring", "4MiB"};
  ASSERT_TRUE(broker_.Start());
  const uint64_t first = Append("a/1");
  // More than is looked at for one page: what has left the ring is looked at whole.
  const std::string big = '"' + std::string(600'000, 'x') + '"';
  for (int i = 0; i < 40; ++i) Append("flood", big);
  AppendFlood();
  Append("a/2");
  Start();
  HttpClient follower(dashboard_->port());
  follower.Get("/api/follow?stream=a/*&after=" + std::to_string(first));
  EXPECT_THAT(follower.ReceiveUntil("a/2"), Not(HasSubstr("skipped")));
}

TEST_F(DashboardTest, FollowsFromTheHeadThatThereIs) {
  Start();
  for (int i = 0; i < 10; ++i) {
    const uint64_t sequence = Append("a/1");
    HttpClient follower(dashboard_->port());
    follower.Get("/api/follow");
    const std::string text = follower.ReceiveUntil("\"after\":");
    const std::string_view name = "\"head\":";
    const size_t head = text.find(name, text.find("event: log\n"));
    ASSERT_NE(head, std::string::npos) << text;
    EXPECT_GE(std::stoull(text.substr(head + name.size())), sequence);
  }
}

TEST_F(DashboardTest, HoldsUpNobodyForAFollowerThatDoesNotRead) {
  Start();
  HttpClient stalled(dashboard_->port(), 4096);
  stalled.Get("/api/follow");
  stalled.ReceiveUntil("\"reachable\":true");
  HttpClient follower(dashboard_->port());
  follower.Get("/api/follow");
  follower.ReceiveUntil("\"reachable\":true");
  for (int i = 0; i < 40; ++i) {
    Batch batch;
    for (int j = 0; j < 250; ++j) {
      batch.events.push_back({.stream = "flood", .type = "t", .data = '"' + std::string(300, 'x') + '"'});
    }
    ASSERT_TRUE(client_.Append(batch).ok());
  }
  Append("a/the-newest");
  EXPECT_NE(follower.ReceiveUntil("a/the-newest"), "");
  EXPECT_THAT(Get("/api/events?limit=1"), StartsWith("HTTP/1.1 200"));
}

TEST_F(DashboardTest, TurnsAwayOtherNamesAndOtherSites) {
  Start();
  const auto get = [this](std::string_view host, std::string_view fields) {
    HttpClient client(dashboard_->port());
    client.Send("GET /api/events HTTP/1.1\r\nHost: " + std::string(host) + "\r\n" +
                std::string(fields) + "\r\n");
    return client.ReceiveAnswer();
  };
  EXPECT_THAT(get("localhost:1", ""), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(get("rebound.example", ""), StartsWith("HTTP/1.1 421"));
  EXPECT_THAT(get("localhost:1", "Origin: http://evil.example\r\n"), StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(get("localhost:1", "Sec-Fetch-Site: cross-site\r\n"), StartsWith("HTTP/1.1 403"));
}

TEST_F(DashboardTest, AsksForTheTokenThatItWasGiven) {
  Start({.token = "0123456789abcdef", .token_for_all = true});
  EXPECT_THAT(Get("/"), StartsWith("HTTP/1.1 200"));
  for (const char* path : {"/api/events", "/api/event?sequence=1", "/api/streams", "/api/follow"}) {
    EXPECT_THAT(Get(path), AllOf(StartsWith("HTTP/1.1 401"), HasSubstr("WWW-Authenticate: Bearer")));
    EXPECT_THAT(Get(path, "Authorization: Bearer 0123456789abcdeX\r\n"), StartsWith("HTTP/1.1 401"));
  }
  EXPECT_THAT(Get("/api/events", "Authorization: Bearer 0123456789abcdef\r\n"),
              StartsWith("HTTP/1.1 200"));
}

TEST_F(DashboardTest, TellsUsersApartOverTheLoopbackInterface) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become somebody else";
  Start();
  const std::string url = "http://127.0.0.1:" + std::to_string(dashboard_->port()) + "/api/events";
  const std::string program =
      "import urllib.request, urllib.error\n"
      "try: print(urllib.request.urlopen('" + url + "').status)\n"
      "except urllib.error.HTTPError as error: print(error.code)\n";
  const auto status_for = [&program](std::optional<uid_t> uid) {
    return RunProgram({{"/usr/bin/python3", "-c", program}, {}, {}, uid}).output;
  };
  EXPECT_EQ(status_for(std::nullopt), "200\n");
  EXPECT_EQ(status_for(65534), "403\n");
}

TEST(DashboardProgramTest, IsWhatRoostDashboardRuns) {
  const auto run = [](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), ProgramPath("roost"));
    return RunProgram({arguments, {}, {}, {}});
  };
  EXPECT_THAT(run({"--help"}).output, HasSubstr("Show the log and the broker in a browser"));
  EXPECT_EQ(run({"dashboard", "--listen", "nowhere"}).ending.exit_status, 2);
  EXPECT_EQ(run({"--socket", "/none", "dashboard", "--what"}).ending.exit_status, 2);
  const Finished taken = run({"dashboard", "--listen", "203.0.113.1:1"});
  EXPECT_EQ(taken.ending.exit_status, 1);
  EXPECT_THAT(taken.errors, HasSubstr("listen on 203.0.113.1:1"));
}

}  // namespace
}  // namespace roost
