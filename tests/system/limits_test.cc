// Every limit of an append: exactly at it works, one past it is refused with a sentence that says which,
// by libroost before it is sent, by the shim to its agent, and by the broker to whoever asks directly.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "ipc/protocol.h"
#include "log/ring_format.h"
#include "tests/support/broker_process.h"
#include "tests/support/log_history.h"
#include "tests/support/raw_client.h"
#include "tests/support/shim_process.h"

namespace roost {
namespace {

constexpr size_t kMiB = 1 << 20;

class LimitsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(broker_.Start());
    client_ = std::make_unique<Client>(MakeClient(broker_.socket()));
    raw_ = std::make_unique<RawClient>(broker_.socket());
    ASSERT_TRUE(raw_->Attach("raw").has_value());
  }

  static NewEvent EventWith(std::string stream, std::string type, std::string data = "1") {
    return {.stream = std::move(stream), .type = std::move(type), .data = std::move(data)};
  }
  // JSON of exactly so many bytes.
  static std::string DataOf(size_t bytes) { return '"' + std::string(bytes - 2, 'd') + '"'; }

  void ExpectAppended(const Batch& batch) {
    const Result<AppendResult> result = client_->Append(batch);
    ASSERT_TRUE(result.ok()) << result.status().message();
    EXPECT_TRUE(result->appended);
    EXPECT_EQ(result->count, batch.events.size());
  }
  void ExpectAppended(NewEvent event) {
    Batch batch;
    batch.events.push_back(std::move(event));
    ExpectAppended(batch);
  }

  void ExpectRefused(const Batch& batch, StatusCode code) {
    const uint64_t head = client_->Info()->head;
    const Result<AppendResult> result = client_->Append(batch);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.status().code(), code) << result.status().message();
    EXPECT_GT(result.status().message().size(), 10u);
    // The refused one left nothing behind and the connection is as good as before.
    const Result<AppendResult> next = client_->Append(EventWith("after", "t"));
    ASSERT_TRUE(next.ok()) << next.status().message();
    EXPECT_EQ(next->sequence, head + 1);
  }
  void ExpectRefused(NewEvent event, StatusCode code) {
    Batch batch;
    batch.events.push_back(std::move(event));
    ExpectRefused(batch, code);
  }

  // The broker decides for itself, whatever libroost has checked.
  void ExpectRefusedByBroker(const std::vector<RawEvent>& events, wire::RefusalCode code) {
    const Message message = AppendMessage(++number_, events);
    if (message.size() <= kInlineRequestBytesMax) {
      ASSERT_TRUE(raw_->Send(message));
    } else {
      const UniqueFd memory = MakeMemfd(message);
      ASSERT_TRUE(raw_->Send(InMemoryMessage(number_, message.size()), memory.get()));
    }
    std::optional<RawReply> reply = raw_->Receive();
    ASSERT_TRUE(reply.has_value());
    ASSERT_EQ(reply->reply().body_type(), wire::ReplyBody::Refused);
    const wire::Refused& refused = *reply->reply().body_as_Refused();
    EXPECT_EQ(refused.code(), code) << refused.message()->str();
    EXPECT_GT(refused.message()->size(), 10u);
  }

  BrokerProcess broker_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<RawClient> raw_;
  uint64_t number_ = 0;
};

TEST_F(LimitsTest, TakeOneMiBOfDataAndNotAByteMore) {
  ExpectAppended(EventWith("s", "t", DataOf(kMiB)));
  const Result<Page> page = client_->Read({.filter = {.stream = "s"}});
  ASSERT_TRUE(page.ok()) << page.status().message();
  ASSERT_EQ(page->size(), 1u);
  EXPECT_EQ((*page)[0].data, DataOf(kMiB));
  ExpectRefused(EventWith("s", "t", DataOf(kMiB + 1)), StatusCode::kTooLarge);
  ExpectRefusedByBroker({RawEvent{.data = DataOf(kMiB + 1)}}, wire::RefusalCode::TooLarge);
}

TEST_F(LimitsTest, TakeAThousandEventsAndNotOneMore) {
  Batch batch;
  for (int i = 0; i < 1000; ++i) batch.events.push_back(EventWith("s", "t"));
  ExpectAppended(batch);
  batch.events.push_back(EventWith("s", "t"));
  ExpectRefused(batch, StatusCode::kTooLarge);
  ExpectRefusedByBroker(std::vector<RawEvent>(1001), wire::RefusalCode::TooLarge);
  ExpectRefused(Batch(), StatusCode::kInvalidArgument);
  ExpectRefusedByBroker({}, wire::RefusalCode::Invalid);
}

TEST_F(LimitsTest, TakeFourMiBInABatchAndNotMore) {
  Batch batch;
  for (int i = 0; i < 4; ++i) batch.events.push_back(EventWith("s", "t", DataOf(kMiB - 1000)));
  ExpectAppended(batch);
  batch.events.push_back(EventWith("s", "t", DataOf(4000)));
  ExpectRefused(batch, StatusCode::kTooLarge);
  const std::vector<RawEvent> events(5, RawEvent{.data = DataOf(kMiB - 1000)});
  ExpectRefusedByBroker(events, wire::RefusalCode::TooLarge);
}

TEST_F(LimitsTest, TakeLongNamesUpToTheirLength) {
  ExpectAppended(EventWith(std::string(kStreamNameBytesMax, 's'), std::string(kTypeBytesMax, 't')));
  ExpectRefused(EventWith(std::string(kStreamNameBytesMax + 1, 's'), "t"), StatusCode::kTooLarge);
  ExpectRefused(EventWith("s", std::string(kTypeBytesMax + 1, 't')), StatusCode::kTooLarge);
  ExpectRefused(EventWith("", "t"), StatusCode::kInvalidArgument);
  ExpectRefused(EventWith("s", ""), StatusCode::kInvalidArgument);
  // Bytes, not characters.
  std::string umlauts;
  while (umlauts.size() + 2 <= kStreamNameBytesMax) umlauts += "\xc3\xa4";
  ExpectAppended(EventWith(umlauts, "t"));
  ExpectRefused(EventWith(umlauts + "\xc3\xa4", "t"), StatusCode::kTooLarge);

  ExpectRefusedByBroker({RawEvent{.stream = std::string(kStreamNameBytesMax + 1, 's')}},
                        wire::RefusalCode::TooLarge);
  ExpectRefusedByBroker({RawEvent{.type = std::string(kTypeBytesMax + 1, 't')}},
                        wire::RefusalCode::TooLarge);
  ExpectRefusedByBroker({RawEvent{.stream = ""}}, wire::RefusalCode::Invalid);
  ExpectRefusedByBroker({RawEvent{.type = ""}}, wire::RefusalCode::Invalid);
}

TEST_F(LimitsTest, TakeLongIdsUpToTheirLength) {
  Batch batch;
  batch.events.push_back(EventWith("s", "t"));
  batch.events[0].correlation_id = std::string(kIdBytesMax, 'c');
  batch.events[0].causation_id = std::string(kIdBytesMax, 'd');
  batch.events[0].content_type = std::string(kContentTypeBytesMax, 'e');
  batch.id = std::string(kIdBytesMax, 'i');
  ExpectAppended(batch);
  for (std::string* field : {&batch.events[0].correlation_id, &batch.events[0].causation_id,
                             &batch.events[0].content_type, &batch.id}) {
    *field += 'x';
    ExpectRefused(batch, StatusCode::kTooLarge);
    field->pop_back();
  }
  ExpectRefusedByBroker({RawEvent{.id = std::string(kIdBytesMax + 1, 'i')}},
                        wire::RefusalCode::TooLarge);
}

TEST_F(LimitsTest, RefuseNamesThatAreNotPlainText) {
  for (const std::string& bad :
       {std::string("a\nb"), std::string("a\0b", 3), std::string("\x1b[31m"), std::string("a\x7f"),
        std::string("\xc2\x85"), std::string("\xff"), std::string("\xc3"),
        std::string("\xed\xa0\x80"), std::string("\xc0\xaf"), std::string("\xf4\x90\x80\x80")}) {
    ExpectRefused(EventWith(bad, "t"), StatusCode::kInvalidArgument);
    ExpectRefused(EventWith("s", bad), StatusCode::kInvalidArgument);
    ExpectRefusedByBroker({RawEvent{.stream = bad}}, wire::RefusalCode::Invalid);
    ExpectRefusedByBroker({RawEvent{.type = bad}}, wire::RefusalCode::Invalid);
    ExpectRefusedByBroker({RawEvent{.id = bad}}, wire::RefusalCode::Invalid);
  }
}

TEST_F(LimitsTest, LeaveTheBrokersOwnStreamsToTheBroker) {
  for (const char* stream : {"$agents", "$leases", "$anything"}) {
    ExpectRefused(EventWith(stream, "t"), StatusCode::kPermissionDenied);
    ExpectRefusedByBroker({RawEvent{.stream = stream}}, wire::RefusalCode::NotAllowed);
  }
  // Also in the midst of a batch, none of which is appended; a condition on one is a question, not a write.
  Batch batch;
  batch.events = {EventWith("s", "t"), EventWith("$agents", "t")};
  ExpectRefused(batch, StatusCode::kPermissionDenied);
  EXPECT_TRUE(client_->Read({.filter = {.stream = "s"}})->empty());
  Batch conditional;
  conditional.events.push_back(EventWith("s", "t"));
  conditional.conditions.push_back({"$nothing", 0});
  ExpectAppended(conditional);
}

TEST_F(LimitsTest, AreSaidToAnAgentInASentence) {
  ShimProcess shim({.socket = broker_.socket(), .agent = "limits"});
  namespace json = boost::json;
  const std::vector<json::object> wrong = {
      {{"stream", "s"}, {"type", "t"}, {"data", std::string(kMiB + 1, 'd')}},
      {{"stream", std::string(256, 's')}, {"type", "t"}},
      {{"stream", "s"}, {"type", std::string(129, 't')}},
      {{"stream", "a\nb"}, {"type", "t"}},
      {{"stream", "$agents"}, {"type", "t"}},
      {{"stream", ""}, {"type", "t"}},
      {{"stream", "s"}},
      {{"type", "t"}},
      {{"stream", "s"}, {"type", "t"}, {"expect", -1}},
      {{"events", json::array()}},
      {{"events", json::array(1001, {{"stream", "s"}, {"type", "t"}})}},
  };
  for (const json::object& arguments : wrong) {
    const ToolResult result = shim.Call("append", arguments);
    ASSERT_TRUE(result.answered);
    EXPECT_TRUE(result.is_error) << json::serialize(arguments).substr(0, 200);
    EXPECT_GT(result.text.size(), 10u);
    EXPECT_LT(result.text.size(), 1000u);
  }
  const ToolResult fine = shim.Call("append", {{"stream", "s"}, {"type", "t"}});
  ASSERT_TRUE(fine.ok()) << fine.text;
  EXPECT_EQ(fine.Number("revision"), 1u);
}

TEST(ConfiguredLimitsTest, AreAQuarterOfASmallRing) {
  BrokerProcess broker({.arguments = {"--ring", "1MiB", "--segment", "64MiB"}});
  ASSERT_TRUE(broker.Start());
  Client client = MakeClient(broker.socket());
  Batch batch;
  for (int i = 0; i < 3; ++i) {
    batch.events.push_back(
        {.stream = "s", .type = "t", .data = '"' + std::string(80'000, 'd') + '"'});
  }
  const Result<AppendResult> fits = client.Append(batch);
  ASSERT_TRUE(fits.ok()) << fits.status().message();
  batch.events.push_back(batch.events.back());
  const Result<AppendResult> too_large = client.Append(batch);
  EXPECT_EQ(too_large.status().code(), StatusCode::kTooLarge) << too_large.status().message();
}

}  // namespace
}  // namespace roost
