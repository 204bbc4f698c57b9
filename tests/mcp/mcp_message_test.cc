#include "client/mcp/message.h"

#include <gtest/gtest.h>

namespace roost {
namespace {

using MessageKind = Message::Kind;

constexpr std::string_view kMeta =
    R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
    R"("io.modelcontextprotocol/clientCapabilities":{}})";

std::string Request(std::string_view method, std::string_view params) {
  return R"({"jsonrpc":"2.0","id":1,"method":")" + std::string(method) + R"(","params":{)" +
         std::string(params) + "}}";
}

// The text must live as long as the message.
Message Read(const std::string& text) { return ReadMessage(JsonSlice(text)); }

TEST(ReadMessageTest, DecidesTheEraByTheMessageAlone) {
  const std::string modern = Request("tools/list", kMeta);
  EXPECT_EQ(Read(modern).era, Era::kModern);
  EXPECT_EQ(Read(modern).kind, MessageKind::kRequest);
  const std::string legacy = Request("tools/list", R"("_meta":{"progressToken":1})");
  EXPECT_EQ(Read(legacy).era, Era::kLegacy);
  EXPECT_EQ(Read(legacy).kind, MessageKind::kRequest);
}

TEST(ReadMessageTest, RefusesModernMethodsWithoutWhatTheyMustCarry) {
  for (const char* method : {"server/discover", "subscriptions/listen"}) {
    const std::string text = Request(method, "");
    const Message message = Read(text);
    EXPECT_EQ(message.kind, MessageKind::kInvalid);
    EXPECT_EQ(message.error, RpcError::kInvalidParams);
    EXPECT_NE(message.trouble.find("io.modelcontextprotocol/protocolVersion"), std::string::npos);
    EXPECT_EQ(message.id, "1");
  }
}

TEST(ReadMessageTest, NamesTheMissingCapabilities) {
  const std::string text =
      Request("tools/list", R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"})");
  const Message message = Read(text);
  EXPECT_EQ(message.error, RpcError::kInvalidParams);
  EXPECT_NE(message.trouble.find("clientCapabilities"), std::string::npos);
}

TEST(ReadMessageTest, RefusesVersionsThatItDoesNotSpeak) {
  const std::string text =
      Request("tools/list", R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2099-01-01",)"
                            R"("io.modelcontextprotocol/clientCapabilities":{}})");
  const Message message = Read(text);
  EXPECT_EQ(message.error, RpcError::kUnsupportedVersion);
  EXPECT_EQ(message.requested_version, "2099-01-01");
}

TEST(ReadMessageTest, RefusesModernMetaOfTheWrongTypes) {
  for (
      const char* meta :
      {R"("_meta":{"io.modelcontextprotocol/protocolVersion":5,"io.modelcontextprotocol/clientCapabilities":{}})",
       R"("_meta":{"io.modelcontextprotocol/protocolVersion":null,"io.modelcontextprotocol/clientCapabilities":{}})",
       R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":[]})",
       R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/logLevel":"loud"})"}) {
    const std::string text = Request("tools/list", meta);
    EXPECT_EQ(Read(text).error, RpcError::kInvalidParams) << meta;
    EXPECT_EQ(Read(text).kind, MessageKind::kInvalid) << meta;
  }
}

TEST(ReadMessageTest, KeepsTheIdAsItIsWritten) {
  for (const char* id : {"0", "-1", "\"0\"", "9007199254740993", R"("caf\u00e9 \"\\")", "\"\""}) {
    const std::string text =
        R"({"jsonrpc":"2.0","id": )" + std::string(id) + R"( ,"method":"ping"})";
    const Message message = Read(text);
    EXPECT_EQ(message.kind, MessageKind::kRequest);
    EXPECT_EQ(message.id, id);
  }
}

TEST(ReadMessageTest, RefusesIdsThatAreNone) {
  for (const char* id : {"null", "true", "1.5", "1e3", "[1]", "{}"}) {
    const std::string text = R"({"jsonrpc":"2.0","id":)" + std::string(id) + R"(,"method":"ping"})";
    const Message message = Read(text);
    EXPECT_EQ(message.kind, MessageKind::kInvalid);
    EXPECT_EQ(message.error, RpcError::kInvalidRequest);
    EXPECT_TRUE(message.id.empty());
  }
}

TEST(ReadMessageTest, TellsNotificationsAndResponsesApart) {
  EXPECT_EQ(Read(R"({"jsonrpc":"2.0","method":"notifications/initialized"})").kind,
            MessageKind::kNotification);
  EXPECT_EQ(Read(R"({"jsonrpc":"2.0","method":"server/discover","params":[]})").kind,
            MessageKind::kNotification);
  EXPECT_EQ(Read(R"({"jsonrpc":"2.0","id":1,"result":{}})").kind, MessageKind::kResponse);
  EXPECT_EQ(Read(R"({"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}})").kind,
            MessageKind::kResponse);
}

TEST(ReadMessageTest, RefusesWhatIsNoRequest) {
  for (const char* text :
       {"1", "null", "\"x\"", "{}", R"({"id":1,"method":"ping"})",
        R"({"jsonrpc":"1.0","id":1,"method":"ping"})", R"({"jsonrpc":"2.0","id":1})",
        R"({"jsonrpc":"2.0","id":1,"method":7})"}) {
    const std::string line = text;
    EXPECT_EQ(Read(line).kind, MessageKind::kInvalid) << text;
    EXPECT_EQ(Read(line).error, RpcError::kInvalidRequest) << text;
  }
  const std::string params = R"({"jsonrpc":"2.0","id":1,"method":"ping","params":[]})";
  EXPECT_EQ(Read(params).error, RpcError::kInvalidParams);
}

TEST(NegotiateTest, EchoesVersionsThatItKnowsAndElseOffersItsNewest) {
  for (const char* known : {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"}) {
    EXPECT_EQ(NegotiateLegacyVersion(known), known);
  }
  for (const char* other : {"2024-10-07", "2026-07-28", "2099-01-01", "", "x"}) {
    EXPECT_EQ(NegotiateLegacyVersion(other), "2025-11-25");
  }
}

}  // namespace
}  // namespace roost
