// The protocol: what is answered to whom, in which shape, and what is not.
#include <algorithm>

#include "tests/mcp/shim_fixture.h"

namespace roost {
namespace {

class ServerTest : public ShimFixture {
 protected:
  std::string Request(std::string_view method, std::string_view params = "{}") {
    return fmt::format(R"({{"jsonrpc":"2.0","id":1,"method":"{}","params":{}}})", method, params);
  }
  std::string Modern(std::string_view method, std::string_view members = "") {
    return Request(method,
                   fmt::format("{{{}{}{}}}", kModernMeta, members.empty() ? "" : ",", members));
  }
};

TEST_F(ServerTest, AnswersInitializeWithTheVersionAskedFor) {
  for (const char* version : {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"}) {
    const std::string answer = Ask(Request(
        "initialize",
        fmt::format(
            R"({{"protocolVersion":"{}","capabilities":{{}},"clientInfo":{{"name":"x","version":"1"}}}})",
            version)));
    EXPECT_EQ(Member(answer, {"result", "protocolVersion"}), fmt::format("\"{}\"", version));
    EXPECT_EQ(Member(answer, {"result", "serverInfo", "name"}), "\"roost\"");
  }
  EXPECT_EQ(Member(Ask(Request("initialize", R"({"protocolVersion":"2099-01-01"})")),
                   {"result", "protocolVersion"}),
            "\"2025-11-25\"");
  EXPECT_EQ(ErrorCode(Ask(Request("initialize", R"({"protocolVersion":7})"))), -32602);
}

TEST_F(ServerTest, NeedsNoBrokerForWhatIsConstant) {
  log_.broker = false;
  log_.answers_later = true;
  for (const char* method :
       {"initialize", "ping", "tools/list", "resources/list", "resources/templates/list"}) {
    EXPECT_NE(Member(Ask(Request(method)), {"result"}), "") << method;
  }
  for (const char* method :
       {"server/discover", "tools/list", "resources/list", "resources/templates/list"}) {
    EXPECT_EQ(Member(Ask(Modern(method)), {"result", "resultType"}), "\"complete\"") << method;
  }
  EXPECT_EQ(log_.Deliver(), 0u);
}

// Every model that uses Roost reads all of it, whatever it is going to do.
TEST_F(ServerTest, DescribesItsToolsInSixKilobytes) {
  EXPECT_LE(Ask(Request("tools/list")).size(), 6u << 10);
  EXPECT_LE(Ask(Modern("tools/list")).size(), 6u << 10);
}

TEST_F(ServerTest, NotesThatTheAgentWorks) {
  Ask(Request("ping"));
  Ask(Request("tools/list"));
  EXPECT_EQ(log_.activities, 0u);
  Call("read", "{}");
  Call("read", "{}");
  Refusal("read", R"({"limit":0})");
  EXPECT_EQ(log_.activities, 3u);
}

TEST_F(ServerTest, ServesBothErasOnOneConnectionMessageByMessage) {
  EXPECT_NE(Member(Ask(Modern("server/discover")), {"result", "supportedVersions"}), "");
  EXPECT_EQ(Member(Ask(Request("initialize", R"({"protocolVersion":"2025-06-18"})")),
                   {"result", "protocolVersion"}),
            "\"2025-06-18\"");
  EXPECT_EQ(Member(Ask(Request("tools/list")), {"result", "resultType"}), "");
  EXPECT_EQ(Member(Ask(Modern("tools/list")), {"result", "resultType"}), "\"complete\"");
  EXPECT_EQ(Ask(Request("ping")), R"({"jsonrpc":"2.0","id":1,"result":{}})");
}

TEST_F(ServerTest, HasNoMethodOfTheOtherEraAndNoneThatItDoesNotDeclare) {
  for (const char* method : {"initialize", "ping", "resources/subscribe", "resources/unsubscribe",
                             "logging/setLevel", "prompts/list", "no/such/method", ""}) {
    EXPECT_EQ(ErrorCode(Ask(Modern(method))), -32601) << method;
  }
  for (const char* method : {"logging/setLevel", "prompts/list", "tasks/list", "no/such/method"}) {
    EXPECT_EQ(ErrorCode(Ask(Request(method))), -32601) << method;
  }
}

TEST_F(ServerTest, SaysWhichVersionsItSpeaks) {
  const std::string answer = Ask(Request(
      "tools/list",
      R"({"_meta":{"io.modelcontextprotocol/protocolVersion":"2099\"","io.modelcontextprotocol/clientCapabilities":{}}})"));
  EXPECT_EQ(ErrorCode(answer), -32022);
  EXPECT_EQ(Member(answer, {"error", "data"}),
            R"({"supported":["2026-07-28"],"requested":"2099\""})");
}

TEST_F(ServerTest, SaysNothingToNotificationsAndResponses) {
  for (const char* line :
       {R"({"jsonrpc":"2.0","method":"notifications/initialized"})",
        R"({"jsonrpc":"2.0","method":"tools/call","params":{"name":"status"}})",
        R"({"jsonrpc":"2.0","method":"x","params":[]})",
        R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{}})",
        R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{}}})",
        R"({"jsonrpc":"2.0","id":1,"result":{}})"}) {
    EXPECT_TRUE(Send(line).empty()) << line;
  }
}

TEST_F(ServerTest, AnswersEachElementOfABatchByItself) {
  const auto lines = Send(
      R"([{"jsonrpc":"2.0","id":"a","method":"ping"},{"jsonrpc":"2.0","method":"x"},7,{"jsonrpc":"2.0","id":2,"method":"y"}])");
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0], R"({"jsonrpc":"2.0","id":"a","result":{}})");
  EXPECT_EQ(ErrorCode(lines[1]), -32600);
  EXPECT_EQ(ErrorCode(lines[2]), -32601);
  EXPECT_EQ(ErrorCode(Ask("[]")), -32600);
}

TEST_F(ServerTest, ServesALargeBatchAsTheClientReadsItsAnswers) {
  std::string batch = "[7";
  for (int i = 1; i < 100'000; ++i) batch += ",7";
  batch += "]";
  server_.OnLine(batch);
  size_t answers = 0;
  while (true) {
    EXPECT_LE(output_.pending_bytes(), OutputQueue::kFullBytes + 1000);
    answers += std::count(output_.line()->begin(), output_.line()->end(), '\n');
    output_.line()->clear();
    if (!server_.unfinished()) break;
    server_.GoOn();
  }
  EXPECT_EQ(answers, 100'000u);
}

TEST_F(ServerTest, AnswersLinesThatAreNoJsonWithoutAnIdOrWithTheOneThatItFinds) {
  for (const char* line : {"hello", "{", "\"", "{\"jsonrpc\":\"2.0\"", "\x80", "42x"}) {
    const std::string answer = Ask(line);
    EXPECT_EQ(ErrorCode(answer), -32700) << line;
    EXPECT_EQ(Member(answer, {"id"}), "") << line;
  }
  const std::string lone =
      Ask(R"({"jsonrpc":"2.0","id":"q-1","method":"tools/call","params":{"x":"\ud800"}})");
  EXPECT_EQ(ErrorCode(lone), -32700);
  EXPECT_EQ(Member(lone, {"id"}), "\"q-1\"");
}

TEST_F(ServerTest, RefusesAMillionNestedArrays) {
  const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  EXPECT_EQ(ErrorCode(Ask(deep)), -32600);
  const std::string answer =
      Ask("{\"jsonrpc\":\"2.0\",\"method\":\"ping\",\"params\":{\"a\":" + deep + "},\"id\":3}");
  EXPECT_EQ(ErrorCode(answer), -32600);
  EXPECT_EQ(Member(answer, {"id"}), "3");
}

TEST_F(ServerTest, AnswersALineThatWasTooLong) {
  server_.OnLongLine("\"big\"");
  server_.OnLongLine(std::nullopt);
  const auto lines = Take();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(Member(lines[0], {"id"}), "\"big\"");
  EXPECT_EQ(ErrorCode(lines[1]), -32600);
}

TEST_F(ServerTest, RefusesCursorsBecauseItGivesNone) {
  for (const char* method : {"tools/list", "resources/list", "resources/templates/list"}) {
    EXPECT_EQ(ErrorCode(Ask(Request(method, R"({"cursor":"x"})"))), -32602);
  }
}

TEST_F(ServerTest, RefusesToolsThatDoNotExist) {
  EXPECT_EQ(ErrorCode(Ask(Request("tools/call", R"({"name":"fly"})"))), -32602);
  EXPECT_EQ(ErrorCode(Ask(Request("tools/call", "{}"))), -32602);
  EXPECT_EQ(ErrorCode(Ask(Request("tools/call", R"({"name":["append"]})"))), -32602);
  EXPECT_EQ(ErrorCode(Ask(R"({"jsonrpc":"2.0","id":1,"method":"tools/call"})")), -32602);
}

TEST_F(ServerTest, RefusesAnIdThatIsUnderWay) {
  EXPECT_TRUE(Send(CallLine("5", "wait", R"({"stream":"x"})")).empty());
  EXPECT_EQ(ErrorCode(Ask(R"({"jsonrpc":"2.0","id":5,"method":"ping"})")), -32600);
  EXPECT_EQ(Ask(R"({"jsonrpc":"2.0","id":"5","method":"ping"})"),
            R"({"jsonrpc":"2.0","id":"5","result":{}})");
}

TEST_F(ServerTest, SaysNothingMoreOfACancelledCall) {
  EXPECT_TRUE(Send(CallLine("5", "wait", R"({"stream":"x"})")).empty());
  EXPECT_EQ(log_.waits(), 1u);
  EXPECT_TRUE(
      Send(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}})")
          .empty());
  EXPECT_EQ(log_.waits(), 0u);
  log_.Put("x", "t", "1");
  Advance(60'000'000'000);
  EXPECT_TRUE(Take().empty());
}

TEST_F(ServerTest, SaysNothingOfAnAppendThatWasCancelledAfterItWasSent) {
  Call("status", "{}");
  log_.answers_later = true;
  EXPECT_TRUE(Send(CallLine("5", "append", R"({"stream":"x","type":"t"})")).empty());
  EXPECT_TRUE(
      Send(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}})")
          .empty());
  EXPECT_EQ(log_.Deliver(), 1u);
  EXPECT_TRUE(Take().empty());
  EXPECT_EQ(log_.head(), 1u);  // it cannot be taken back
}

TEST_F(ServerTest, KeepsNoMoreThan64CallsUnderWay) {
  for (int i = 0; i < 64; ++i)
    EXPECT_TRUE(Send(CallLine(fmt::format("{}", i), "wait", R"({"stream":"x"})")).empty());
  const std::string refused = Ask(CallLine("\"more\"", "wait", R"({"stream":"x"})"));
  EXPECT_NE(TextOf(refused).find("64"), std::string::npos);
  EXPECT_EQ(Ask(R"({"jsonrpc":"2.0","id":99,"method":"ping"})"),
            R"({"jsonrpc":"2.0","id":99,"result":{}})");
  log_.Put("x", "t", "1");
  server_.Settle();
  EXPECT_EQ(Take().size(), 64u);
  EXPECT_FALSE(server_.working());
}

TEST_F(ServerTest, EndsWaitingAtTheEndOfInputAndLetsTheRestFinish) {
  EXPECT_TRUE(Send(CallLine("5", "wait", R"({"stream":"x"})")).empty());
  log_.answers_later = true;
  EXPECT_TRUE(Send(CallLine("6", "append", R"({"stream":"x","type":"t"})")).empty());
  server_.OnEndOfInput();
  EXPECT_TRUE(server_.working());
  log_.Deliver();
  server_.Settle();
  EXPECT_FALSE(server_.working());
  const auto lines = Take();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(Member(lines[0], {"id"}), "6");
}

TEST_F(ServerTest, CallsItselfAfterItsClient) {
  Send(
      Request("initialize", R"({"protocolVersion":"2025-06-18","clientInfo":{"name":"co\ndex"}})"));
  EXPECT_TRUE(log_.suggested.starts_with("codex-")) << log_.suggested;
  Send(Request(
      "tools/list",
      R"({"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"modern"}}})"));
  EXPECT_TRUE(log_.suggested.starts_with("modern-")) << log_.suggested;
}

}  // namespace
}  // namespace roost
