#include "ipc/messages.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "ipc/protocol.h"
#include "log/record.h"

namespace roost {
namespace {

// A copy in memory that is aligned like a receiver's buffer, checked as the broker checks it.
class ReceivedRequest {
 public:
  explicit ReceivedRequest(Bytes bytes) : words_((bytes.size() + 7) / 8), size_(bytes.size()) {
    std::memcpy(words_.data(), bytes.data(), bytes.size());
  }
  const wire::Request* Verified() const {
    flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t*>(words_.data()), size_);
    return wire::VerifyRequestBuffer(verifier) ? wire::GetRequest(words_.data()) : nullptr;
  }
  std::vector<std::byte> copy() const {
    const auto* const begin = reinterpret_cast<const std::byte*>(words_.data());
    return {begin, begin + size_};
  }
  std::span<std::byte> bytes() { return {reinterpret_cast<std::byte*>(words_.data()), size_}; }

 private:
  std::vector<uint64_t> words_;
  size_t size_;
};

TEST(RequestEncoderTest, CarriesEveryFieldOfAnEvent) {
  RequestEncoder encoder;
  encoder.BeginAppend();
  encoder.AddEvent({"s", "t", "a", "id", "corr", "cause", "text/plain", "data"});
  encoder.AddCondition("s", 7);
  const ReceivedRequest received(encoder.FinishAppend(42));
  const wire::Request* request = received.Verified();
  ASSERT_NE(request, nullptr);
  EXPECT_EQ(request->number(), 42u);
  const wire::Append* append = request->body_as_Append();
  ASSERT_NE(append, nullptr);
  ASSERT_EQ(append->events()->size(), 1u);
  const auto* body = append->events()->Get(0)->event();
  const wire::Event* event =
      DecodeEventBody({reinterpret_cast<const std::byte*>(body->data()), body->size()});
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(event->stream()->string_view(), "s");
  EXPECT_EQ(event->type()->string_view(), "t");
  EXPECT_EQ(event->agent()->string_view(), "a");
  EXPECT_EQ(event->id()->string_view(), "id");
  EXPECT_EQ(event->correlation_id()->string_view(), "corr");
  EXPECT_EQ(event->causation_id()->string_view(), "cause");
  EXPECT_EQ(event->content_type()->string_view(), "text/plain");
  EXPECT_EQ(event->data()->size(), 4u);
  ASSERT_EQ(append->conditions()->size(), 1u);
  EXPECT_EQ(append->conditions()->Get(0)->stream()->string_view(), "s");
  EXPECT_EQ(append->conditions()->Get(0)->expect(), 7u);
}

TEST(RequestEncoderTest, LeavesOutWhatIsEmpty) {
  RequestEncoder encoder;
  encoder.BeginAppend();
  encoder.AddEvent({.stream = "s", .type = "t", .agent = "a"});
  const ReceivedRequest received(encoder.FinishAppend(1));
  ASSERT_NE(received.Verified(), nullptr);
  const wire::Append* append = received.Verified()->body_as_Append();
  EXPECT_EQ(append->conditions(), nullptr);
  const wire::Event* event = append->events()->Get(0)->event_nested_root();
  EXPECT_EQ(event->id(), nullptr);
  EXPECT_EQ(event->content_type(), nullptr);
  EXPECT_EQ(event->data(), nullptr);
}

TEST(RequestEncoderTest, AlignsEveryBodyTo8WithinTheRequest) {
  std::mt19937 random(7);
  RequestEncoder encoder;
  for (int round = 0; round < 200; ++round) {
    encoder.BeginAppend();
    const size_t count = 1 + random() % 8;
    for (size_t i = 0; i < count; ++i) {
      if (random() % 3 == 0)
        encoder.AddCondition(std::string(1 + random() % 20, 'c'), random() % 9);
      encoder.AddEvent({.stream = std::string(1 + random() % 30, 's'),
                        .type = std::string(1 + random() % 30, 't'),
                        .agent = std::string(1 + random() % 10, 'a'),
                        .data = std::string(random() % 100, 'd')});
    }
    const ReceivedRequest received(encoder.FinishAppend(1));
    const wire::Request* request = received.Verified();
    ASSERT_NE(request, nullptr);
    for (const wire::NewEvent* event : *request->body_as_Append()->events()) {
      ASSERT_EQ(reinterpret_cast<uintptr_t>(event->event()->data()) % 8, 0u);
    }
  }
}

// The bytes of an append, its conditions before its events, as the code generated from the schema makes them.
std::vector<std::byte> GeneratedAppend(const std::vector<std::string>& bodies, uint64_t expect) {
  flatbuffers::FlatBufferBuilder builder;
  const auto stream = builder.CreateString("condition");
  const std::vector conditions{wire::CreateCondition(builder, stream, expect)};
  std::vector<flatbuffers::Offset<wire::NewEvent>> events;
  for (const std::string& body : bodies) {
    builder.ForceVectorAlignment(body.size(), 1, 8);
    const auto nested = builder.CreateVector(reinterpret_cast<const uint8_t*>(body.data()), body.size());
    events.push_back(wire::CreateNewEvent(builder, nested));
  }
  const auto condition_list = builder.CreateVector(conditions);
  const auto append = wire::CreateAppend(builder, builder.CreateVector(events), condition_list);
  builder.Finish(wire::CreateRequest(builder, 9, wire::RequestBody::Append, append.Union()));
  const auto bytes = std::as_bytes(std::span(builder.GetBufferPointer(), builder.GetSize()));
  return {bytes.begin(), bytes.end()};
}

// An `expect` of 0 is left out, and then a condition's table has the form of the table around an event.
TEST(RequestEncoderTest, PutsTheTableAroundEachEventAsTheGeneratedCodeDoes) {
  for (const uint64_t expect : {uint64_t{0}, uint64_t{7}}) {
    for (const size_t expected_bytes : {size_t{0}, size_t{20'000}}) {
      RequestEncoder encoder;
      encoder.BeginAppend(expected_bytes);
      encoder.AddCondition("condition", expect);
      for (const size_t data_bytes : {40, 40, 41, 0, 900, 40, 40}) {
        encoder.AddEvent({.stream = "s", .type = "t", .agent = "a", .data = std::string(data_bytes, 'd')});
      }
      const ReceivedRequest received(encoder.FinishAppend(9));
      const wire::Request* request = received.Verified();
      ASSERT_NE(request, nullptr);
      std::vector<std::string> bodies;
      for (const wire::NewEvent* event : *request->body_as_Append()->events()) {
        bodies.emplace_back(event->event()->begin(), event->event()->end());
      }
      ASSERT_EQ(bodies.size(), 7u);
      EXPECT_EQ(received.copy(), GeneratedAppend(bodies, expect));
    }
  }
}

TEST(RequestEncoderTest, HandsARequestOverAndGoesOnWithTheNext) {
  RequestEncoder encoder;
  encoder.BeginAppend(1 << 20);
  encoder.AddEvent({.stream = "s", .type = "t", .agent = "a", .data = "first"});
  const Bytes shown = encoder.FinishAppend(1);
  const OwnedRequest first = encoder.HandOver();
  EXPECT_EQ(first.begin(), shown.data());  // it has not moved
  EXPECT_EQ(first.size(), shown.size());
  encoder.BeginAppend();
  encoder.AddEvent({.stream = "s", .type = "t", .agent = "a", .data = "other"});
  encoder.FinishAppend(2);
  const OwnedRequest second = encoder.HandOver();
  uint64_t number = 1;
  for (const OwnedRequest* owned : {&first, &second}) {
    const ReceivedRequest received(Bytes(owned->begin(), owned->end()));
    ASSERT_NE(received.Verified(), nullptr);
    EXPECT_EQ(received.Verified()->number(), number++);
  }
}

TEST(RequestEncoderTest, MakesNoEventSmallerThanTheRingCountsOn) {
  RequestEncoder encoder;
  encoder.BeginAppend();
  encoder.AddEvent({.stream = "s", .type = "t", .agent = "a"});
  EXPECT_GE(AlignUp(kRecordHeaderBytes + encoder.last_body_bytes(), kRecordAlignment),
            kEventBytesMin);
}

TEST(RequestEncoderTest, MakesTheOtherRequests) {
  RequestEncoder encoder;
  {
    const std::string secret(kSessionSecretBytes, 'x');
    const ReceivedRequest received(encoder.Attach("me", "prog/1", 9, AsBytes(secret)));
    ASSERT_NE(received.Verified(), nullptr);
    const wire::Attach* attach = received.Verified()->body_as_Attach();
    EXPECT_EQ(attach->protocol(), kProtocolVersion);
    EXPECT_EQ(attach->agent()->string_view(), "me");
    EXPECT_EQ(attach->client()->string_view(), "prog/1");
    EXPECT_EQ(attach->session(), 9u);
    EXPECT_EQ(attach->secret()->size(), kSessionSecretBytes);
  }
  {
    const std::vector<std::string> types = {"a", "b"};
    const ReceivedRequest received(encoder.Wait(
        {.registration = 3, .after = 8, .stream_prefix = "x/", .types = types, .agent = "me"}));
    ASSERT_NE(received.Verified(), nullptr);
    const wire::Wait* wait = received.Verified()->body_as_Wait();
    EXPECT_EQ(wait->registration(), 3u);
    EXPECT_EQ(wait->after(), 8u);
    EXPECT_EQ(wait->stream(), nullptr);
    EXPECT_EQ(wait->stream_prefix()->string_view(), "x/");
    EXPECT_EQ(wait->types()->size(), 2u);
    EXPECT_EQ(wait->agent()->string_view(), "me");
  }
  EXPECT_EQ(ReceivedRequest(encoder.CancelWait(3)).Verified()->body_as_CancelWait()->registration(),
            3u);
  EXPECT_EQ(
      ReceivedRequest(encoder.FindSegment(5, 6, 0)).Verified()->body_as_FindSegment()->sequence(),
      6u);
  EXPECT_EQ(
      ReceivedRequest(encoder.ListSessions(5, 2, 9)).Verified()->body_as_ListSessions()->limit(),
      9u);
  EXPECT_EQ(ReceivedRequest(encoder.InMemory(5, 70000)).Verified()->body_as_InMemory()->length(),
            70000u);
}

TEST(RequestEncoderTest, GivesAFinishedRequestAnotherNumber) {
  RequestEncoder encoder;
  encoder.BeginAppend();
  encoder.AddEvent({.stream = "s", .type = "t", .agent = "a"});
  ReceivedRequest received(encoder.FinishAppend(42));
  RenumberRequest(received.bytes(), 7);
  ASSERT_NE(received.Verified(), nullptr);
  EXPECT_EQ(received.Verified()->number(), 7u);
  EXPECT_NE(received.Verified()->body_as_Append(), nullptr);
}

TEST(RequestEncoderTest, CarriesADecisionWithItsToken) {
  RequestEncoder encoder;
  const std::vector<uint8_t> key(32, 0xcd);
  const ReceivedRequest received(encoder.Decide(9, {.key = key,
                                                    .token = wire::ItemToken(40, 3),
                                                    .verdict = wire::Verdict::Deny,
                                                    .reason = "no",
                                                    .ttl_ms = 5'000'000'000}));
  const wire::Request* request = received.Verified();
  ASSERT_NE(request, nullptr);
  EXPECT_EQ(request->number(), 9u);
  const wire::Decide* decide = request->body_as_Decide();
  ASSERT_NE(decide, nullptr);
  EXPECT_EQ(decide->key()->size(), 32u);
  EXPECT_EQ(decide->token()->lease(), 40u);
  EXPECT_EQ(decide->token()->index(), 3u);
  EXPECT_EQ(decide->verdict(), wire::Verdict::Deny);
  EXPECT_EQ(decide->reason()->string_view(), "no");
  EXPECT_EQ(decide->ttl_ms(), 5'000'000'000u);
}

TEST(RequestEncoderTest, NamesParkedEventsOrAllOfThem) {
  RequestEncoder encoder;
  const std::vector<uint64_t> revisions = {3, 5};
  const ReceivedRequest some(
      encoder.Unpark(1, {.stream = "s", .group = "g", .revisions = revisions, .drop = true}));
  ASSERT_NE(some.Verified(), nullptr);
  EXPECT_EQ(some.Verified()->body_as_Unpark()->revisions()->Get(1), 5u);
  EXPECT_TRUE(some.Verified()->body_as_Unpark()->drop());
  const ReceivedRequest all(encoder.Unpark(1, {.stream = "s", .group = "g"}));
  EXPECT_EQ(all.Verified()->body_as_Unpark()->revisions(), nullptr);
}

TEST(RequestEncoderTest, AsksForListsFromWhereTheLastPageEnded) {
  RequestEncoder encoder;
  const ReceivedRequest leases(encoder.ListLeases(1, "p", 7, 50));
  EXPECT_EQ(leases.Verified()->body_as_ListLeases()->after(), 7u);
  EXPECT_EQ(leases.Verified()->body_as_ListLeases()->limit(), 50u);
  const ReceivedRequest groups(
      encoder.ListGroups(1, {.prefix = "p", .after_stream = "s", .after_group = "g", .limit = 5}));
  EXPECT_EQ(groups.Verified()->body_as_ListGroups()->after_stream()->string_view(), "s");
  const ReceivedRequest parked(encoder.ListParked(1, "s", "g", 8, 9));
  EXPECT_EQ(parked.Verified()->body_as_ListParked()->after(), 8u);
}

TEST(SetRequestWaitTest, ChangesTheWaitOfEveryRequestThatHasOne) {
  RequestEncoder encoder;
  const std::vector<std::string> keys = {"k"};
  const std::vector<RequestEncoder::QuestionFields> questions = {{"k", "1"}};
  ReceivedRequest claim(encoder.Claim(1, {.keys = keys, .ttl_ms = 1000, .wait_ms = 900}));
  ReceivedRequest take(encoder.Take(2, {.stream = "s", .group = "g", .wait_ms = 900}));
  ReceivedRequest validate(encoder.Validate(3, questions, 900, /*only_known=*/false));
  for (ReceivedRequest* request : {&claim, &take, &validate}) SetRequestWait(request->bytes(), 33);
  EXPECT_EQ(claim.Verified()->body_as_Claim()->wait_ms(), 33u);
  EXPECT_EQ(claim.Verified()->body_as_Claim()->ttl_ms(), 1000u);
  EXPECT_EQ(take.Verified()->body_as_Take()->wait_ms(), 33u);
  EXPECT_EQ(validate.Verified()->body_as_Validate()->wait_ms(), 33u);
  SetRequestWait(claim.bytes(), 0);
  EXPECT_EQ(claim.Verified()->body_as_Claim()->wait_ms(), 0u);
}

class DecodeReplyTest : public ::testing::Test {
 protected:
  template <typename T>
  std::vector<std::byte> Reply(wire::ReplyBody type, flatbuffers::Offset<T> body) {
    builder_.Finish(wire::CreateReply(builder_, 5, type, body.Union()));
    const auto* data = reinterpret_cast<const std::byte*>(builder_.GetBufferPointer());
    return {data, data + builder_.GetSize()};
  }
  flatbuffers::FlatBufferBuilder builder_;
};

TEST_F(DecodeReplyTest, GivesAGoodReply) {
  const auto bytes = Reply(wire::ReplyBody::Appended, wire::CreateAppended(builder_, 1, 2, 3, 4));
  const wire::Reply* reply = DecodeReply(bytes);
  ASSERT_NE(reply, nullptr);
  EXPECT_EQ(reply->number(), 5u);
  EXPECT_EQ(reply->body_as_Appended()->sequence(), 2u);
}

TEST_F(DecodeReplyTest, RefusesAKindThatItDoesNotKnow) {
  for (const uint8_t kind : {uint8_t{0}, uint8_t{200}}) {
    auto bytes = Reply(wire::ReplyBody::Appended, wire::CreateAppended(builder_, 1, 2, 3, 4));
    ASSERT_TRUE(flatbuffers::GetMutableRoot<flatbuffers::Table>(bytes.data())
                    ->SetField<uint8_t>(wire::Reply::VT_BODY_TYPE, kind, 0));
    EXPECT_EQ(DecodeReply(bytes), nullptr) << int{kind};
  }
}

// Whatever passes the check can be looked at without leaving the message (the sanitizers watch).
void LookAtConflict(const std::vector<std::byte>& bytes) {
  const wire::Reply* reply = DecodeReply(bytes);
  if (reply == nullptr) return;
  if (const wire::Conflict* conflict = reply->body_as_Conflict()) {
    EXPECT_LE(std::string(conflict->stream()->string_view()).size(), bytes.size());
  }
}

TEST_F(DecodeReplyTest, SurvivesEveryCutAndEveryFlippedByte) {
  const auto good =
      Reply(wire::ReplyBody::Conflict, wire::CreateConflictDirect(builder_, "stream", 1, 2, 3));
  for (size_t size = 0; size < good.size(); ++size) {
    LookAtConflict({good.begin(), good.begin() + static_cast<ptrdiff_t>(size)});
  }
  EXPECT_EQ(DecodeReply(Bytes(good).first(good.size() / 2)), nullptr);
  for (size_t i = 0; i < good.size(); ++i) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      std::vector<std::byte> bad = good;
      bad[i] ^= static_cast<std::byte>(flip);
      LookAtConflict(bad);
    }
  }
}

}  // namespace
}  // namespace roost
