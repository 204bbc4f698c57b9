#include "tools/dashboard/request_guard.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sodium.h>
#include <sys/stat.h>

#include "tests/support/scratch.h"
#include "tools/dashboard/token.h"
#include "tools/http_rules.h"

namespace roost {
namespace {

constexpr char kToken[] = "0123456789abcdef-the-token";
constexpr uid_t kOwner = 1000;

// Of the owner, over the loopback interface, by a program that says nothing of itself.
HttpRequest Request(const std::string& path = "/api/events") {
  HttpRequest request;
  request.method = "GET";
  request.path = path;
  request.host = "127.0.0.1:8600";
  request.peer = {"127.0.0.1", true, kOwner};
  return request;
}

class RequestGuardTest : public testing::Test {
 protected:
  unsigned StatusOf(const HttpRequest& request) const {
    const auto refusal = guard_.Refuse(request);
    return refusal ? refusal->status : 200;
  }
  unsigned StatusOfHost(const std::string& host) const {
    HttpRequest request = Request();
    request.host = host;
    return StatusOf(request);
  }
  unsigned StatusOfOrigin(const std::string& origin, const std::string& path = "/api/events") const {
    HttpRequest request = Request(path);
    request.origin = origin;
    return StatusOf(request);
  }

  RequestGuard guard_{"", false, {"Roost.Example"}, kOwner};
};

TEST_F(RequestGuardTest, KnowsTheAddressTheLocalNamesAndThoseThatWereGiven) {
  for (const char* host : {"127.0.0.1", "127.0.0.1:8600", "localhost", "LOCALHOST:9000", "[::1]:8600",
                           "roost.example", "ROOST.example:443"}) {
    EXPECT_EQ(StatusOfHost(host), 200u) << host;
  }
}

TEST_F(RequestGuardTest, RefusesEveryOtherName) {
  for (const char* host :
       {"", "evil.example", "evil.example:8600", "127.0.0.1.evil.example", "localhost.evil.example",
        "127.0.0.1@evil.example", "127.0.0.1:8600@evil.example", "[::1", "[::1]evil", "[::1]:x",
        "127.0.0.1:", "127.0.0.1:123456", "192.168.0.1", "127.0.0.2", "localhost:8600, evil.example"}) {
    EXPECT_EQ(StatusOfHost(host), 421u) << host;
  }
}

TEST_F(RequestGuardTest, KnowsTheLocalNamesOverTheLoopbackInterfaceAlone) {
  HttpRequest request = Request("/");
  request.peer = {"192.168.0.1", false, std::nullopt};
  for (const auto& [host, status] : {std::pair("192.168.0.1:8600", 200u), std::pair("localhost", 421u),
                                     std::pair("127.0.0.1", 421u), std::pair("roost.example", 200u)}) {
    request.host = host;
    EXPECT_EQ(StatusOf(request), status) << host;
  }
}

TEST_F(RequestGuardTest, RefusesWhatAnotherSiteMakesTheBrowserAsk) {
  EXPECT_EQ(StatusOfOrigin("http://127.0.0.1:8600"), 200u);
  EXPECT_EQ(StatusOfOrigin("https://127.0.0.1:8600"), 200u);  // behind a proxy with TLS
  for (const char* origin : {"null", "http://evil.example", "http://127.0.0.1", "http://127.0.0.1:3000",
                             "http://127.0.0.1:8600.evil.example", "http://localhost:8600",
                             "ftp://127.0.0.1:8600", "127.0.0.1:8600"}) {
    EXPECT_EQ(StatusOfOrigin(origin), 403u) << origin;
    EXPECT_EQ(StatusOfOrigin(origin, "/main.js"), 403u) << origin;
  }
}

TEST_F(RequestGuardTest, LetsLinksOfOtherSitesLeadToThePageAlone) {
  HttpRequest request = Request("/");
  request.fetch_site = "cross-site";
  request.fetch_mode = "navigate";
  request.fetch_dest = "document";
  EXPECT_EQ(StatusOf(request), 200u);
  request.fetch_dest = "iframe";
  EXPECT_EQ(StatusOf(request), 403u);
  request.fetch_dest = "document";
  request.path = "/api/events";
  EXPECT_EQ(StatusOf(request), 403u);
  for (const char* site : {"cross-site", "same-site", "what?"}) {
    request = Request();
    request.fetch_site = site;
    request.fetch_mode = "no-cors";
    EXPECT_EQ(StatusOf(request), 403u) << site;
  }
  for (const char* site : {"same-origin", "none"}) {
    request.fetch_site = site;
    EXPECT_EQ(StatusOf(request), 200u) << site;
  }
}

TEST_F(RequestGuardTest, TakesTheOwnerAndRootOverTheLoopbackInterfaceAtTheKernelsWord) {
  HttpRequest request = Request();
  request.peer.uid = 0;
  EXPECT_EQ(StatusOf(request), 200u);
  request.peer.uid = kOwner + 1;
  EXPECT_EQ(StatusOf(request), 403u);
  request.peer.uid = std::nullopt;
  EXPECT_EQ(StatusOf(request), 403u);
  request.path = "/";
  EXPECT_EQ(StatusOf(request), 200u) << "the page holds nothing of the log";
}

TEST_F(RequestGuardTest, AsksAllOthersForTheToken) {
  const RequestGuard guard(kToken, false, {}, kOwner);
  HttpRequest request = Request();
  EXPECT_FALSE(guard.Refuse(request));
  request.peer.uid = kOwner + 1;
  const auto status_of = [&](const std::string& authorization) {
    request.authorization = authorization;
    const auto refusal = guard.Refuse(request);
    return refusal ? refusal->status : 200;
  };
  const std::string token = kToken;
  EXPECT_EQ(status_of("Bearer " + token), 200u);
  EXPECT_EQ(status_of("bearer " + token), 200u);
  for (const std::string& wrong :
       {std::string(), std::string("Bearer"), std::string("Bearer "), token, "Basic " + token,
        "Bearer  " + token, "Bearer " + token + "x", "Bearer " + token.substr(1),
        "Bearer " + token.substr(0, token.size() - 1), "Bearer X" + token.substr(1)}) {
    EXPECT_EQ(status_of(wrong), 401u) << wrong;
  }
}

TEST_F(RequestGuardTest, AsksEverybodyForATokenThatTheOperatorChose) {
  const RequestGuard guard(kToken, true, {}, kOwner);
  HttpRequest request = Request();
  EXPECT_EQ(guard.Refuse(request)->status, 401u);
  request.peer.uid = 0;
  EXPECT_EQ(guard.Refuse(request)->status, 401u);
}

TEST(TokenTest, IsTheFirstLineOfAFileThatOthersCannotRead) {
  const ScratchDirectory scratch;
  const std::string file = scratch / "token";
  WriteFile(file, std::string(kToken) + "\nmore\n");
  ::chmod(file.c_str(), 0640);
  ASSERT_TRUE(GivenToken(file, nullptr).ok());
  EXPECT_EQ(*GivenToken(file, "from-the-environment"), kToken);
  ::chmod(file.c_str(), 0644);
  EXPECT_EQ(GivenToken(file, nullptr).status().code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(GivenToken(scratch / "none", nullptr).status().code(), StatusCode::kNotFound);
}

TEST(TokenTest, RefusesWhatCanBeGuessedOrIsNoToken) {
  EXPECT_EQ(*GivenToken("", kToken), kToken);
  EXPECT_EQ(*GivenToken("", nullptr), "");
  EXPECT_EQ(*GivenToken("", ""), "");
  for (const std::string& wrong : {std::string("too-short"), std::string(2000, 'x'),
                                   std::string("with a space in it"), std::string("línea-de-16-bytes")}) {
    EXPECT_EQ(GivenToken("", wrong.c_str()).status().code(), StatusCode::kInvalidArgument) << wrong;
  }
}

TEST(TokenTest, IsMadeUpAnewEachTime) {
  ASSERT_GE(::sodium_init(), 0);
  const std::string one = MakeToken();
  EXPECT_EQ(one.size(), 43u);
  EXPECT_NE(one, MakeToken());
  EXPECT_TRUE(GivenToken("", one.c_str()).ok());
}

}  // namespace
}  // namespace roost
