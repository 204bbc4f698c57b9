#include "ipc/event_frame.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "ipc/messages.h"
#include "log/record.h"

namespace roost {
namespace {

// A body where a receiver would have it, on an address divisible by 8.
class Body {
 public:
  Body() = default;
  explicit Body(Bytes bytes) : words_(bytes.size() / 8 + 1), size_(bytes.size()) {
    if (size_ > 0) std::memcpy(words_.data(), bytes.data(), size_);
  }
  std::span<std::byte> bytes() { return {reinterpret_cast<std::byte*>(words_.data()), size_}; }
  Bytes bytes() const { return std::as_bytes(std::span(words_)).first(size_); }
  const wire::Event* Verified() const { return DecodeEventBody(bytes()); }
  size_t FrameBytes() const { return EventFrameBytes(*Verified(), bytes()); }

 private:
  std::vector<uint64_t> words_;
  size_t size_ = 0;
};

Body EncodedBy(RequestEncoder* encoder, const EventFields& event) {
  encoder->BeginAppend();
  encoder->AddEvent(event);
  const Body request(encoder->FinishAppend(1));
  const auto* nested = wire::GetRequest(request.bytes().data())->body_as_Append()->events()->Get(0)->event();
  EXPECT_EQ(encoder->last_body_bytes(), nested->size());
  return Body(std::as_bytes(std::span(nested->data(), nested->size())));
}

Body Encoded(const EventFields& event) {
  RequestEncoder encoder;
  return EncodedBy(&encoder, event);
}

std::vector<std::string> FieldsOf(const wire::Event& event) {
  std::vector<std::string> fields;
  for (const auto* text : {event.stream(), event.type(), event.agent(), event.id(), event.correlation_id(),
                           event.causation_id(), event.content_type()}) {
    fields.push_back(text == nullptr ? "absent" : "=" + text->str());
  }
  return fields;
}

TEST(EventFrameTest, IsAllButTheData) {
  const Body body = Encoded({.stream = "s", .type = "t", .agent = "a", .data = "12345"});
  const Body same = Encoded({.stream = "s", .type = "t", .agent = "a", .data = "another, and longer"});
  const size_t frame = body.FrameBytes();
  ASSERT_GT(frame, 0u);
  EXPECT_LE(frame + 4 + 5, body.bytes().size());
  EXPECT_LT(body.bytes().size() - frame - 4 - 5, 4u);
  EXPECT_TRUE(HasEventFrame(same.bytes(), body.bytes().first(frame)));
}

TEST(EventFrameTest, IsAnotherOneWhenAnyFieldIs) {
  const EventFields fields{"stream", "type", "agent", "id", "correlation", "causation", "text/plain", "data"};
  const Body body = Encoded(fields);
  const Bytes frame = body.bytes().first(body.FrameBytes());
  ASSERT_FALSE(frame.empty());
  for (std::string_view EventFields::*field :
       {&EventFields::stream, &EventFields::type, &EventFields::agent, &EventFields::id, &EventFields::correlation_id,
        &EventFields::causation_id, &EventFields::content_type}) {
    EventFields other = fields;
    std::string text(other.*field);
    text.back() = '!';
    other.*field = text;
    EXPECT_FALSE(HasEventFrame(Encoded(other).bytes(), frame)) << text;
  }
}

TEST(EventFrameTest, IsNoneWithoutData) {
  EXPECT_EQ(Encoded({.stream = "s", .type = "t", .agent = "a"}).FrameBytes(), 0u);
}

TEST(EventFrameTest, IsNoneWhenTheDataLieBeforeAnythingElse) {
  flatbuffers::FlatBufferBuilder builder;
  const auto stream = builder.CreateString("s");
  const auto type = builder.CreateString("t");
  const auto data = builder.CreateVector(std::vector<uint8_t>{1, 2, 3});
  const auto agent = builder.CreateString("a");
  builder.Finish(wire::CreateEvent(builder, stream, type, agent, 0, 0, 0, 0, data));
  const Body body(Bytes(reinterpret_cast<const std::byte*>(builder.GetBufferPointer()), builder.GetSize()));
  ASSERT_NE(body.Verified(), nullptr);
  EXPECT_EQ(body.FrameBytes(), 0u);
}

TEST(EventFrameTest, ABodyTooShortForItsDataHasNone) {
  Body body = Encoded({.stream = "s", .type = "t", .agent = "a", .data = "12345678"});
  const size_t frame_bytes = body.FrameBytes();
  const std::vector<std::byte> frame(body.bytes().begin(), body.bytes().begin() + static_cast<ptrdiff_t>(frame_bytes));
  EXPECT_TRUE(HasEventFrame(body.bytes(), frame));
  for (const uint32_t length : {9u, 1u << 31, 0xFFFFFFFFu}) {
    std::memcpy(body.bytes().data() + frame_bytes, &length, sizeof(length));
    EXPECT_FALSE(HasEventFrame(body.bytes(), frame)) << length;
  }
  EXPECT_FALSE(HasEventFrame(Bytes(body.bytes()).first(frame_bytes + 3), frame));
  EXPECT_FALSE(HasEventFrame(Bytes(body.bytes()).first(frame_bytes - 1), frame));
  EXPECT_FALSE(HasEventFrame({}, frame));
}

// What one encoder makes of events that are often alike is byte for byte what a new encoder makes of each.
TEST(EventFrameTest, AnEncoderThatKeepsItMakesTheSameBytes) {
  std::mt19937 random(1);
  RequestEncoder kept;
  const std::vector<std::string> texts{"", "a", "ab", "abc", "abcd", "other", std::string(200, 'x')};
  EventFields fields{.stream = "s", .type = "t", .agent = "a"};
  for (int i = 0; i < 5000; ++i) {
    if (random() % 4 == 0) {
      const std::string_view text = texts[random() % texts.size()];
      switch (random() % 7) {
        case 0: fields.stream = text.empty() ? "s" : text; break;
        case 1: fields.type = text.empty() ? "t" : text; break;
        case 2: fields.agent = text.empty() ? "a" : text; break;
        case 3: fields.id = text; break;
        case 4: fields.correlation_id = text; break;
        case 5: fields.causation_id = text; break;
        case 6: fields.content_type = text; break;
      }
    }
    const std::string data(random() % 40, static_cast<char>('a' + i % 26));
    fields.data = data;
    const Body body = EncodedBy(&kept, fields);
    const Body wanted = Encoded(fields);
    ASSERT_TRUE(std::ranges::equal(body.bytes(), wanted.bytes())) << i;
    if (random() % 100 == 0) kept.Shrink();
  }
}

// An event by hand: the table at 24, three texts, and the data last, which begin at 72.
std::vector<uint8_t> ByHand(size_t vtable, uint16_t id_field, uint16_t vtable_bytes = 20) {
  std::vector<uint8_t> bytes(124);
  const auto put = [&bytes](size_t place, auto value) { std::memcpy(&bytes[place], &value, sizeof(value)); };
  put(0, uint32_t{24});
  put(24, static_cast<int32_t>(24 - static_cast<ptrdiff_t>(vtable)));
  size_t entry = vtable;
  for (const uint16_t value : std::initializer_list<uint16_t>{vtable_bytes, 20, 4, 8, 12, id_field, 0, 0, 0, 16}) {
    put(entry, value);
    entry += sizeof(value);
  }
  size_t field = 28;
  for (const uint32_t text : {44u, 52u, 60u}) {
    put(field, static_cast<uint32_t>(text - field));
    put(text, uint32_t{1});
    bytes[text + 4] = 'x';
    field += sizeof(uint32_t);
  }
  put(40, uint32_t{68 - 40});
  put(68, uint32_t{52});
  put(112, uint32_t{4});  // where an id may be: an empty text behind it
  return bytes;
}

size_t FrameBytesOf(const std::vector<uint8_t>& bytes) {
  const Body body(std::as_bytes(std::span(bytes)));
  EXPECT_NE(body.Verified(), nullptr);
  return body.Verified() == nullptr ? 0 : body.FrameBytes();
}

TEST(EventFrameTest, IsNoneWhenAnythingThatIsLookedAtLiesInTheData) {
  EXPECT_EQ(FrameBytesOf(ByHand(4, 0)), 68u);
  EXPECT_EQ(FrameBytesOf(ByHand(76, 0)), 0u) << "the vtable";
  EXPECT_EQ(FrameBytesOf(ByHand(4, 112 - 24)), 0u) << "the offset of a text";
}

TEST(EventFrameTest, IsNoneWithFieldsOfALaterVersion) {
  EXPECT_EQ(FrameBytesOf(ByHand(4, 0, 22)), 0u);  // the table's first bytes, which nobody here knows as a field
}

// Whatever a client made of the body that was verified: what has its frame verifies as well and has the same fields.
TEST(EventFrameTest, VouchesForNothingThatTheVerifierWouldRefuse) {
  std::mt19937 random(2);
  size_t vouched = 0;
  for (int i = 0; i < 300'000; ++i) {
    // Small words, among which offsets and lengths of empty texts are likely.
    std::vector<uint32_t> words(16);
    for (uint32_t& word : words) word = random() % 4 == 0 ? static_cast<uint32_t>(random() % 48) & ~3u : 0;
    const std::string_view data(reinterpret_cast<const char*>(words.data()), words.size() * sizeof(uint32_t));
    Body first = Encoded({.stream = "s", .type = "t", .agent = "a", .id = i % 2 == 0 ? "id" : "", .data = data});
    for (auto flips = 1 + random() % 3; flips > 0; --flips) {
      const size_t place = random() % 60;
      first.bytes()[place] = static_cast<std::byte>(random() % 2 == 0 ? random() % 128 : random());
    }
    const wire::Event* event = first.Verified();
    if (event == nullptr) continue;
    const size_t frame = EventFrameBytes(*event, first.bytes());
    if (frame == 0) continue;
    Body second = first;
    for (size_t place = frame; place < second.bytes().size(); ++place) {
      second.bytes()[place] = static_cast<std::byte>(random() % 3 == 0 ? random() : 0);
    }
    const auto length = static_cast<uint32_t>(random() % (second.bytes().size() - frame));
    std::memcpy(second.bytes().data() + frame, &length, sizeof(length));
    if (!HasEventFrame(second.bytes(), first.bytes().first(frame))) continue;
    ++vouched;
    ASSERT_NE(second.Verified(), nullptr) << i;
    ASSERT_EQ(FieldsOf(*second.Verified()), FieldsOf(*event)) << i;
    ASSERT_EQ(second.Verified()->data()->size(), length) << i;
  }
  EXPECT_GT(vouched, 10'000u);
}

}  // namespace
}  // namespace roost
