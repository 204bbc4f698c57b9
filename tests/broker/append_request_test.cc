#include "broker/append_request.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "ipc/messages.h"
#include "ipc/protocol.h"
#include "log/record.h"

namespace roost {
namespace {

using wire::RefusalCode;

class AppendRequestTest : public ::testing::Test {
 protected:
  AppendRequestTest() { encoder_.BeginAppend(); }

  static EventFields Event() {
    return {.stream = "s", .type = "t", .agent = "alice", .data = "{}"};
  }

  // Puts the request on an address divisible by 8, as the broker does.
  Bytes Copy(Bytes message) {
    words_.assign(message.size() / 8 + 1, 0);
    std::memcpy(words_.data(), message.data(), message.size());
    return std::as_bytes(std::span(words_)).first(message.size());
  }

  std::optional<Refusal> DecodeCopy(Bytes bytes) {
    const wire::Request* request = DecodeRequest(bytes, limits_.batch_events_max);
    if (request == nullptr) return Refusal{RefusalCode::Invalid, "no request"};
    return DecodeAppend(*request->body_as_Append(), "alice", limits_, &append_);
  }
  std::optional<Refusal> Decode() { return DecodeCopy(Copy(encoder_.FinishAppend(1))); }

  // What an append of this one event is refused with.
  RefusalCode CodeFor(const EventFields& event) {
    encoder_.BeginAppend();
    encoder_.AddEvent(event);
    const auto refusal = Decode();
    EXPECT_TRUE(refusal.has_value());
    return refusal.has_value() ? refusal->code : RefusalCode::Busy;
  }

  AppendLimits limits_{.event_data_bytes_max = 100, .batch_events_max = 10};
  RequestEncoder encoder_;
  std::vector<uint64_t> words_;
  AppendRequest append_;
};

TEST_F(AppendRequestTest, TakesABatchApart) {
  EventFields first = Event();
  first.id = "id";
  encoder_.AddEvent(first);
  EventFields second = Event();
  second.stream = "other";
  second.correlation_id = "c";
  encoder_.AddEvent(second);
  encoder_.AddCondition("s", 3);
  encoder_.AddCondition("$agents", 0);
  ASSERT_FALSE(Decode().has_value());
  ASSERT_EQ(append_.events.size(), 2u);
  EXPECT_EQ(append_.events[0].stream, "s");
  EXPECT_TRUE(append_.events[0].has_id);
  EXPECT_EQ(append_.events[1].stream, "other");
  EXPECT_FALSE(append_.events[1].has_id);
  EXPECT_EQ(append_.id, "id");
  ASSERT_EQ(append_.conditions.size(), 2u);
  EXPECT_EQ(append_.conditions[0].stream, "s");
  EXPECT_EQ(append_.conditions[0].expect, 3u);
}

TEST_F(AppendRequestTest, PutsEveryBodyOnAnAddressDivisibleBy8) {
  for (int i = 0; i < 5; ++i) {
    const std::string data(static_cast<size_t>(i), 'x');
    EventFields event = Event();
    event.data = data;
    encoder_.AddEvent(event);
  }
  ASSERT_FALSE(Decode().has_value());
  for (const EventToStage& event : append_.events) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(event.body.data()) % 8, 0u);
  }
}

TEST_F(AppendRequestTest, RefusesNamesThatAreNoNames) {
  for (auto field : {&EventFields::stream, &EventFields::type}) {
    for (const std::string_view name :
         {std::string_view(""), std::string_view("a\nb"), std::string_view("\xff"),
          std::string_view("a\0b", 3), std::string_view("\xc2\x80")}) {
      EventFields event = Event();
      event.*field = name;
      EXPECT_EQ(CodeFor(event), RefusalCode::Invalid) << name;
    }
  }
}

TEST_F(AppendRequestTest, RefusesWhatIsTooLongAndSaysTheLimit) {
  const std::string long_text(256, 'x');
  for (auto field :
       {&EventFields::stream, &EventFields::type, &EventFields::id, &EventFields::correlation_id,
        &EventFields::causation_id, &EventFields::content_type, &EventFields::data}) {
    EventFields event = Event();
    event.*field = long_text;
    EXPECT_EQ(CodeFor(event), RefusalCode::TooLarge);
  }
  EventFields event = Event();
  event.stream = long_text;
  encoder_.BeginAppend();
  encoder_.AddEvent(event);
  EXPECT_EQ(Decode()->message, "a stream's name may have 255 bytes and has 256");
}

TEST_F(AppendRequestTest, TakesWhatIsJustAtTheLimits) {
  const std::string text(255, 'x');
  EventFields event = Event();
  event.stream = text;
  event.type = std::string_view(text).substr(0, 128);
  event.id = event.correlation_id = event.causation_id = text;
  event.content_type = std::string_view(text).substr(0, 128);
  event.data = std::string_view(text).substr(0, 100);
  encoder_.AddEvent(event);
  for (int i = 1; i < 10; ++i) encoder_.AddEvent(Event());
  for (uint32_t i = 0; i < kConditionsMax; ++i) encoder_.AddCondition("s", 0);
  const auto refusal = Decode();
  EXPECT_FALSE(refusal.has_value()) << refusal->message;
}

TEST_F(AppendRequestTest, RefusesTheBrokersOwnStreams) {
  EventFields event = Event();
  event.stream = "$agents";
  EXPECT_EQ(CodeFor(event), RefusalCode::NotAllowed);
}

TEST_F(AppendRequestTest, RefusesAnotherAgentsLabel) {
  EventFields event = Event();
  event.agent = "bob";
  EXPECT_EQ(CodeFor(event), RefusalCode::NotAllowed);
}

TEST_F(AppendRequestTest, RefusesAnIdOnALaterEvent) {
  encoder_.AddEvent(Event());
  EventFields second = Event();
  second.id = "id";
  encoder_.AddEvent(second);
  EXPECT_EQ(Decode()->code, RefusalCode::Invalid);
}

TEST_F(AppendRequestTest, RefusesAnEmptyBatch) { EXPECT_EQ(Decode()->code, RefusalCode::Invalid); }

TEST_F(AppendRequestTest, RefusesTooManyEvents) {
  for (int i = 0; i < 11; ++i) encoder_.AddEvent(Event());
  const auto refusal = Decode();
  EXPECT_EQ(refusal->code, RefusalCode::TooLarge);
  EXPECT_EQ(refusal->message, "a batch may have 10 events and has 11");
}

TEST_F(AppendRequestTest, RefusesTooManyConditions) {
  encoder_.AddEvent(Event());
  for (uint32_t i = 0; i <= kConditionsMax; ++i) encoder_.AddCondition("s", 0);
  EXPECT_EQ(Decode()->code, RefusalCode::TooLarge);
}

TEST_F(AppendRequestTest, RefusesAConditionOnNoName) {
  encoder_.AddEvent(Event());
  encoder_.AddCondition("", 0);
  EXPECT_EQ(Decode()->code, RefusalCode::Invalid);
}

// Ten thousand entries that all name one table: small on the wire, large to look at.
TEST_F(AppendRequestTest, RefusesMoreTablesThanALargestRequestHas) {
  flatbuffers::FlatBufferBuilder builder;
  const auto event = wire::CreateNewEvent(builder, builder.CreateVector<uint8_t>({1, 2, 3, 4}));
  const std::vector<flatbuffers::Offset<wire::NewEvent>> events(10'000, event);
  const auto append = wire::CreateAppend(builder, builder.CreateVector(events));
  builder.Finish(wire::CreateRequest(builder, 1, wire::RequestBody::Append, append.Union()));
  const auto bytes = std::as_bytes(std::span(builder.GetBufferPointer(), builder.GetSize()));
  EXPECT_EQ(DecodeRequest(Copy(bytes), 10), nullptr);
}

TEST_F(AppendRequestTest, RefusesANestedEventThatIsNone) {
  flatbuffers::FlatBufferBuilder builder;
  const std::vector<uint8_t> garbage(64, 0xAB);
  const auto event = wire::CreateNewEvent(builder, builder.CreateVector(garbage));
  const auto append = wire::CreateAppend(
      builder, builder.CreateVector(std::vector<flatbuffers::Offset<wire::NewEvent>>{event}));
  builder.Finish(wire::CreateRequest(builder, 1, wire::RequestBody::Append, append.Union()));
  const auto bytes = std::as_bytes(std::span(builder.GetBufferPointer(), builder.GetSize()));
  EXPECT_EQ(DecodeCopy(Copy(bytes))->message, "event 0 of the batch is malformed");
}

TEST_F(AppendRequestTest, LooksAtTheDataOfEventsThatAreOtherwiseAlike) {
  const std::string data(101, 'x');
  EventFields event = Event();
  for (const size_t size : {1, 50, 100}) {
    event.data = std::string_view(data).substr(0, size);
    encoder_.AddEvent(event);
  }
  ASSERT_FALSE(Decode().has_value());
  ASSERT_EQ(append_.events.size(), 3u);
  for (const EventToStage& staged : append_.events) EXPECT_EQ(staged.stream, "s");
  EXPECT_EQ(append_.events[2].type_hash, append_.events[0].type_hash);
  EXPECT_EQ(append_.decoded[1]->data()->size(), 50u);

  encoder_.BeginAppend();
  encoder_.AddEvent(Event());
  event.data = data;
  encoder_.AddEvent(event);
  EXPECT_EQ(Decode()->message, "an event's data may have 100 bytes and has 101");
}

TEST_F(AppendRequestTest, RefusesAnEventLikeTheFirstWithItsId) {
  EventFields event = Event();
  event.id = "id";
  encoder_.AddEvent(event);
  encoder_.AddEvent(event);
  EXPECT_EQ(Decode()->message, "only the first event of a batch may have an id");
}

// Every prefix and many flipped bits: nothing but an answer may come of it (the sanitizers watch), and what is taken is what
// was sent.
TEST_F(AppendRequestTest, SurvivesDamagedBytes) {
  for (int i = 0; i < 3; ++i) encoder_.AddEvent(Event());
  encoder_.AddCondition("s", 3);
  const Bytes request = encoder_.FinishAppend(1);
  const std::vector<std::byte> good(request.begin(), request.end());
  const auto look = [&](Bytes bytes) {
    const wire::Request* decoded = DecodeRequest(bytes, 10);
    if (decoded == nullptr || decoded->body_as_Append() == nullptr) return;
    if (DecodeAppend(*decoded->body_as_Append(), "alice", limits_, &append_).has_value()) return;
    for (const EventToStage& staged : append_.events) {
      const wire::Event* event = DecodeEventBody(staged.body);
      ASSERT_NE(event, nullptr);
      EXPECT_EQ(event->stream()->string_view(), staged.stream);
      EXPECT_EQ(FilterHash(event->type()->string_view()), staged.type_hash);
      EXPECT_EQ(event->agent()->string_view(), "alice");
    }
  };
  for (size_t size = 0; size < good.size(); ++size) look(Copy(Bytes(good).first(size)));
  std::minstd_rand random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::byte> bad = good;
    for (int flips = 0; flips < 3; ++flips) {
      bad[random() % bad.size()] = static_cast<std::byte>(random());
    }
    look(Copy(bad));
  }
}

TEST(AgentLabelTest, MustBeAPlainNameThatIsNotTheBrokers) {
  EXPECT_FALSE(CheckAgent("claude-code-17").has_value());
  EXPECT_FALSE(CheckAgent(std::string(128, 'x')).has_value());
  EXPECT_EQ(CheckAgent("")->code, RefusalCode::Invalid);
  EXPECT_EQ(CheckAgent(std::string(129, 'x'))->code, RefusalCode::TooLarge);
  EXPECT_EQ(CheckAgent("a\tb")->code, RefusalCode::Invalid);
  EXPECT_EQ(CheckAgent("$broker")->code, RefusalCode::NotAllowed);
}

}  // namespace
}  // namespace roost
