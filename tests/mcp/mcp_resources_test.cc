// Resources, completion and subscriptions.
#include "tests/mcp/shim_fixture.h"

namespace roost {
namespace {

constexpr uint64_t kMs = 1'000'000;

class ResourcesTest : public ShimFixture {
 protected:
  std::string Read(std::string_view uri) {
    return Ask(fmt::format(
        R"({{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{{"uri":"{}"}}}})", uri));
  }
  static std::string Text(std::string_view answer) {
    const std::string list = Member(answer, {"result", "contents"});
    if (list.empty()) return "";
    JsonWalk contents{JsonSlice(list)};
    EXPECT_TRUE(contents.Next());
    EXPECT_TRUE(FindMember(contents.value(), "mimeType").Says("application/json"));
    return FindMember(contents.value(), "text").String();
  }
  std::string Complete(std::string_view uri, std::string_view name, std::string_view value) {
    return Ask(fmt::format(
        R"({{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{{"ref":{{"type":"ref/resource","uri":"{}"}},"argument":{{"name":"{}","value":"{}"}}}}}})",
        uri, name, value));
  }
};

TEST_F(ResourcesTest, ShowAStreamWithItsNewestEvents) {
  for (int i = 1; i <= 60; ++i) log_.Put("shelf/top", "t", std::to_string(i));
  for (const char* uri : {"roost://stream/shelf/top", "roost://stream/shelf%2Ftop"}) {
    const std::string text = Text(Read(uri));
    EXPECT_EQ(Member(text, {"stream"}), "\"shelf/top\"");
    EXPECT_EQ(Member(text, {"revision"}), "60");
    const std::string list = Member(text, {"events"});
    JsonWalk events{JsonSlice(list)};
    size_t count = 0;
    while (events.Next()) {
      EXPECT_EQ(FindMember(events.value(), "data").raw(), std::to_string(60 - count));
      ++count;
    }
    EXPECT_EQ(count, 50u);
    EXPECT_EQ(Member(text, {"more"}), "true");
  }
}

TEST_F(ResourcesTest, ShowAWholeEventHoweverLarge) {
  const std::string data = "\"" + std::string(900'000, 'y') + "\"";
  log_.Put("a", "t", data);
  EXPECT_EQ(Member(Text(Read("roost://event/1")), {"data"}), data);
}

TEST_F(ResourcesTest, ShowStreamsAndStatus) {
  log_.Put("a", "t", "1");
  EXPECT_NE(Text(Read("roost://streams")).find("\"a\""), std::string::npos);
  EXPECT_EQ(Member(Text(Read("roost://status")), {"broker"}), "true");
}

TEST_F(ResourcesTest, SayThatThereIsNoSuchResourceInTheWordsOfTheEra) {
  log_.Put("a", "t", "1");
  for (const char* uri : {"roost://moon", "file:///etc/passwd", "roost://event/2",
                          "roost://event/0", "roost://stream/none"}) {
    const std::string legacy = Read(uri);
    EXPECT_EQ(ErrorCode(legacy), -32002) << uri;
    EXPECT_EQ(Member(legacy, {"error", "data", "uri"}), fmt::format("\"{}\"", uri));
    const std::string modern = Ask(fmt::format(
        R"({{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{{"uri":"{}",{}}}}})", uri,
        kModernMeta));
    EXPECT_EQ(ErrorCode(modern), -32602) << uri;
    EXPECT_EQ(Member(modern, {"error", "data", "uri"}), fmt::format("\"{}\"", uri));
  }
}

TEST_F(ResourcesTest, SayHowLongAModernClientMayKeepThem) {
  log_.Put("a", "t", "1");
  const auto ttl = [&](std::string_view uri) {
    const std::string answer = Ask(fmt::format(
        R"({{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{{"uri":"{}",{}}}}})", uri,
        kModernMeta));
    EXPECT_EQ(Member(answer, {"result", "cacheScope"}), "\"private\"");
    EXPECT_EQ(Member(answer, {"result", "resultType"}), "\"complete\"");
    return Member(answer, {"result", "ttlMs"});
  };
  EXPECT_EQ(ttl("roost://stream/a"), "0");
  EXPECT_EQ(ttl("roost://event/1"), "3600000");
  EXPECT_EQ(Member(Read("roost://event/1"), {"result", "ttlMs"}), "");
}

TEST_F(ResourcesTest, NeedABrokerAtFirst) {
  log_.broker = false;
  EXPECT_EQ(ErrorCode(Read("roost://streams")), -32603);
  EXPECT_EQ(Member(Text(Read("roost://status")), {"broker"}), "false");
}

TEST_F(ResourcesTest, RefuseAnAddressThatIsNone) {
  for (const char* params : {"{}", R"({"uri":7})", R"({"uri":null})", R"({"uri":["x"]})"}) {
    const std::string line =
        fmt::format(R"({{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{}}})", params);
    EXPECT_EQ(ErrorCode(Ask(line)), -32602);
  }
}

TEST_F(ResourcesTest, CompleteNamesOfStreams) {
  for (const char* stream : {"task/b", "task/a", "other"}) log_.Put(stream, "t", "1");
  EXPECT_EQ(Member(Complete("roost://stream/{+name}", "name", "task/"), {"result", "completion"}),
            R"({"values":["task/b","task/a"],"hasMore":false})");
  EXPECT_EQ(Member(Complete("roost://stream/{+name}", "name", "x"), {"result", "completion"}),
            R"({"values":[],"hasMore":false})");
}

TEST_F(ResourcesTest, CompleteWithNoMoreThan100Names) {
  for (int i = 0; i < 120; ++i) log_.Put(fmt::format("s/{}", i), "t", "1");
  const std::string completion =
      Member(Complete("roost://stream/{+name}", "name", "s/"), {"result", "completion"});
  const std::string list = Member(completion, {"values"});
  size_t count = 0;
  for (JsonWalk walk{JsonSlice(list)}; walk.Next();) ++count;
  EXPECT_EQ(count, 100u);
  EXPECT_EQ(Member(completion, {"hasMore"}), "true");
}

TEST_F(ResourcesTest, CompleteNothingThatThereIsNot) {
  EXPECT_EQ(ErrorCode(Complete("roost://moon/{x}", "x", "")), -32602);
  EXPECT_EQ(ErrorCode(Complete("roost://stream/{+name}", "other", "")), -32602);
  for (const char* params :
       {"{}", R"({"ref":7,"argument":[]})",
        R"({"ref":{"type":"ref/prompt","name":"x"},"argument":{"name":"a","value":""}})"}) {
    const std::string line = fmt::format(
        R"({{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{}}})", params);
    EXPECT_EQ(ErrorCode(Ask(line)), -32602) << params;
  }
  log_.broker = false;
  EXPECT_EQ(
      Member(Complete("roost://stream/{+name}", "name", "x"), {"result", "completion", "values"}),
      "[]");
}

class SubscriptionsTest : public ResourcesTest {
 protected:
  std::string Subscribe(std::string_view uri, std::string_view method = "resources/subscribe") {
    return Ask(fmt::format(R"({{"jsonrpc":"2.0","id":1,"method":"{}","params":{{"uri":"{}"}}}})",
                           method, uri));
  }
  std::vector<std::string> Listen(std::string_view id, std::string_view filter) {
    return Send(fmt::format(
        R"({{"jsonrpc":"2.0","id":{},"method":"subscriptions/listen","params":{{"notifications":{},{}}}}})",
        id, filter, kModernMeta));
  }
  // What is told within the next interval.
  std::vector<std::string> Told() {
    Advance(0);
    return Take();
  }
  static constexpr std::string_view kUpdatedA =
      R"({"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"roost://stream/a"}})";
};

TEST_F(SubscriptionsTest, TellThatAStreamHasChanged) {
  EXPECT_EQ(Subscribe("roost://stream/a"), R"({"jsonrpc":"2.0","id":1,"result":{}})");
  log_.Put("b", "t", "1");
  EXPECT_TRUE(Told().empty());
  log_.Put("a", "t", "1");
  EXPECT_EQ(Told(), std::vector<std::string>{std::string(kUpdatedA)});
  EXPECT_TRUE(Told().empty());
}

TEST_F(SubscriptionsTest, TellNothingOfWhatWasThereBefore) {
  Call("read", "{}");
  log_.Put("a", "t", "1");
  Subscribe("roost://stream/a");
  EXPECT_TRUE(Told().empty());
}

TEST_F(SubscriptionsTest, TellManyChangesOnceAndAtMostTenTimesASecond) {
  Subscribe("roost://stream/a");
  log_.Put("a", "t", "1");
  EXPECT_EQ(Told().size(), 1u);
  for (int i = 0; i < 1000; ++i) log_.Put("a", "t", "1");
  EXPECT_TRUE(Told().empty());
  EXPECT_LE(log_.waits(), 1u);
  Advance(99 * kMs);
  EXPECT_TRUE(Take().empty());
  Advance(1 * kMs);
  EXPECT_EQ(Take().size(), 1u);
  Advance(1000 * kMs);
  EXPECT_TRUE(Take().empty());
}

TEST_F(SubscriptionsTest, TellNothingAfterUnsubscribe) {
  Subscribe("roost://stream/a");
  Subscribe("roost://stream/a", "resources/unsubscribe");
  EXPECT_EQ(log_.waits(), 0u);
  log_.Put("a", "t", "1");
  EXPECT_TRUE(Told().empty());
}

TEST_F(SubscriptionsTest, RefuseWhatCannotBeSubscribedTo) {
  EXPECT_EQ(ErrorCode(Subscribe("roost://moon")), -32002);
  EXPECT_EQ(ErrorCode(Subscribe("roost://status")), -32602);
  EXPECT_EQ(ErrorCode(Subscribe("roost://event/1")), -32602);
}

TEST_F(SubscriptionsTest, AcknowledgeAListenWithWhatIsHonouredFirst) {
  Call("read", "{}");
  log_.Put("a", "t", "1");
  const auto lines = Listen(
      "\"listen:0\"",
      R"({"toolsListChanged":true,"resourceSubscriptions":["roost://stream/a","roost://moon","roost://stream/a"]})");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(
      lines[0],
      R"({"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{)"
      R"("resourceSubscriptions":["roost://stream/a"]},"_meta":{"io.modelcontextprotocol/subscriptionId":"listen:0"}}})");
  log_.Put("a", "t", "1");
  const auto told = Told();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(
      told[0],
      R"({"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"roost://stream/a",)"
      R"("_meta":{"io.modelcontextprotocol/subscriptionId":"listen:0"}}})");
}

TEST_F(SubscriptionsTest, KeepAListenOpenThatHonoursNothing) {
  const auto lines = Listen("7", R"({"toolsListChanged":true})");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(Member(lines[0], {"params", "notifications"}), "{}");
  EXPECT_EQ(ErrorCode(Ask(R"({"jsonrpc":"2.0","id":7,"method":"ping"})")), -32600);
}

TEST_F(SubscriptionsTest, SendACopyToEachListenAndToTheOldEra) {
  Listen("1", R"({"resourceSubscriptions":["roost://stream/a"]})");
  Listen("2", R"({"resourceSubscriptions":["roost://stream/a","roost://stream/b"]})");
  Send(
      R"({"jsonrpc":"2.0","id":3,"method":"resources/subscribe","params":{"uri":"roost://stream/a"}})");
  log_.Put("a", "t", "1");
  EXPECT_EQ(Told().size(), 3u);
  Send(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}})");
  log_.Put("a", "t", "1");
  Advance(100 * kMs);
  EXPECT_EQ(Take().size(), 2u);
}

TEST_F(SubscriptionsTest, RefuseFiltersOfTheWrongType) {
  for (const char* filter :
       {"7", "null", "[]", "\"x\"", R"({"toolsListChanged":1})", R"({"promptsListChanged":null})",
        R"({"resourcesListChanged":"x"})", R"({"resourceSubscriptions":"x"})",
        R"({"resourceSubscriptions":[7]})", R"({"resourceSubscriptions":{}})"}) {
    const auto lines = Listen("7", filter);
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_EQ(ErrorCode(lines[0]), -32602) << filter;
  }
}

TEST_F(SubscriptionsTest, EndListensWithAResultAtTheEnd) {
  Listen("\"l\"", R"({"resourceSubscriptions":["roost://stream/a"]})");
  server_.OnEndOfInput();
  const auto lines = Take();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(Member(lines[0], {"id"}), "\"l\"");
  EXPECT_EQ(Member(lines[0], {"result", "resultType"}), "\"complete\"");
  EXPECT_EQ(Member(lines[0], {"result", "_meta", "io.modelcontextprotocol/subscriptionId"}),
            "\"l\"");
  EXPECT_EQ(log_.waits(), 0u);
}

TEST_F(SubscriptionsTest, KeepTryingInTheBackgroundUntilThereIsABroker) {
  log_.broker = false;
  EXPECT_EQ(Subscribe("roost://stream/a"), R"({"jsonrpc":"2.0","id":1,"result":{}})");
  Advance(1000 * kMs);
  EXPECT_TRUE(Take().empty());
  log_.broker = true;
  log_.Put("a", "t", "1");
  Advance(1000 * kMs);
  EXPECT_EQ(Told(), std::vector<std::string>{std::string(kUpdatedA)});
}

TEST_F(SubscriptionsTest, TellWhenAnotherBrokerHasTakenOver) {
  Subscribe("roost://stream/a");
  for (int i = 0; i < 5; ++i) log_.Put("a", "t", "1");
  EXPECT_EQ(Told().size(), 1u);
  Advance(200 * kMs);
  log_.BeginAnew();
  server_.Settle();
  log_.Put("a", "t", "1");
  EXPECT_EQ(Told().size(), 1u);
}

TEST_F(SubscriptionsTest, StayWithinTheWaitsThatASessionMayHave) {
  for (int i = 0; i < 500; ++i) {
    const std::string answer = Ask(fmt::format(
        R"({{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{{"uri":"roost://stream/s/{}"}}}})",
        i));
    EXPECT_EQ(ErrorCode(answer), 0);
  }
  EXPECT_LE(log_.waits(), 64u);
  log_.Put("s/499", "t", "1");
  Advance(100 * kMs);
  Advance(0);
  const auto told = Take();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_NE(told[0].find("s/499"), std::string::npos);
}

TEST_F(SubscriptionsTest, RefuseMoreThanTheyCanKeep) {
  int refused = 0;
  for (int i = 0; i < 1100; ++i) {
    refused += ErrorCode(Subscribe(fmt::format("roost://stream/s/{}", i))) == -32603;
  }
  EXPECT_EQ(refused, 1100 - 1024);
}

TEST_F(SubscriptionsTest, WaitUntilTheClientReadsItsAnswers) {
  Subscribe("roost://stream/a");
  output_.line()->append(std::string(OutputQueue::kFullBytes + 1, ' '));
  log_.Put("a", "t", "1");
  Advance(0);
  EXPECT_EQ(output_.pending_bytes(), OutputQueue::kFullBytes + 1);
  output_.line()->clear();
  Advance(100 * kMs);
  EXPECT_EQ(Take().size(), 1u);
}

}  // namespace
}  // namespace roost
