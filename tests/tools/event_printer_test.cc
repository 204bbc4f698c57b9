#include "tools/event_printer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "base/utf8.h"

namespace roost {
namespace {

// What `print` writes to an Output that is a pipe.
template <typename Print>
std::string Printed(Print print) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  UniqueFd reader(ends[0]);
  {
    UniqueFd writer(ends[1]);
    Output out(writer.get());
    print(&out);
    EXPECT_TRUE(out.Close().ok());
  }
  std::string text(1 << 16, '\0');
  const ssize_t size = ::read(reader.get(), text.data(), text.size());
  text.resize(size < 0 ? 0 : static_cast<size_t>(size));
  return text;
}

std::string PrintedText(const EventView& event) {
  return Printed(
      [&](Output* out) { EventPrinter(out, EventFormat::kText).Print(std::span(&event, 1)); });
}

EventView SomeEvent() {
  EventView event;
  event.sequence = 17;
  event.revision = 3;
  event.time_ns = 1'000'000'000;
  event.session = 4;
  event.uid = 1000;
  event.stream = "tasks/1";
  event.type = "task.created";
  event.agent = "planner";
  event.content_type = "application/json";
  event.data = R"({"n":1})";
  return event;
}

TEST(EventPrinterTest, ShowsAnEventToPeopleInOneLine) {
  EXPECT_EQ(PrintedText(SomeEvent()),
            "  17  1970-01-01T00:00:01.000Z  tasks/1   3  task.created  planner  {\"n\":1}\n");
}

TEST(EventPrinterTest, AlignsTheColumnsOfEventsThatArePrintedTogether) {
  EventView first = SomeEvent(), second = SomeEvent();
  second.sequence = 123456;
  second.stream = "a/rather/long/stream";
  const std::vector<EventView> events = {first, second};
  const std::string text =
      Printed([&](Output* out) { EventPrinter(out, EventFormat::kText).Print(events); });
  const size_t line = text.find('\n') + 1;
  EXPECT_EQ(text.find("task.created"), text.find("task.created", line) - line);
}

// Whatever an agent wrote anywhere: no byte below space but the line's end, none of C1, no bidi.
TEST(EventPrinterTest, NeverShowsPeopleARawControlCharacter) {
  std::mt19937 random(3);
  const std::string nasty[] = {"\x1b[2J", "\u202e",   "\u2066", "\r",     "\n",
                               "\x9b",    "\xc2\x9b", "\x07",   "\u200f", "\x7f"};
  const char* content_types[] = {"application/json", "text/plain", "image/png", "\x1b[31m"};
  for (int round = 0; round < 5000; ++round) {
    std::string fields[7];
    for (std::string& field : fields) {
      for (size_t i = random() % 6; i > 0; --i) {
        field += random() % 3 == 0 ? nasty[random() % std::size(nasty)]
                                   : std::string(1, static_cast<char>(random()));
      }
    }
    if (random() % 4 == 0) fields[0] = "\"\u202e \u009b\"";  // JSON that is valid, and nasty
    EventView event = SomeEvent();
    event.data = fields[0], event.stream = fields[1], event.type = fields[2],
    event.agent = fields[3];
    event.id = fields[4], event.correlation_id = fields[5], event.causation_id = fields[6];
    event.content_type = content_types[random() % std::size(content_types)];
    std::string text = PrintedText(event);
    ASSERT_FALSE(text.empty());
    ASSERT_EQ(text.back(), '\n');
    text.pop_back();
    ASSERT_TRUE(IsPlainUtf8(text)) << text;
    for (const char* bidi : {"\u202e", "\u2066", "\u200f"})
      ASSERT_EQ(text.find(bidi), std::string::npos);
  }
}

EventView EventOf(const std::string& text) {
  EventView event = SomeEvent();
  event.content_type = "text/plain";
  for (auto* field : {&event.data, &event.stream, &event.type, &event.agent, &event.id,
                      &event.correlation_id, &event.causation_id}) {
    *field = text;
  }
  return event;
}

// As EventOf, and with a kind of content that is said to people in place of the data.
EventView StrangeContentOf(const std::string& text) {
  EventView event = EventOf(text);
  event.content_type = text;
  event.data = "x";
  return event;
}

TEST(EventPrinterTest, LetsNoPairOfBytesThroughThatATerminalObeys) {
  for (int first = 0; first < 256; ++first) {
    std::vector<std::string> pairs;
    for (int second = 0; second < 256; ++second) {
      pairs.push_back({static_cast<char>(first), static_cast<char>(second)});
    }
    for (const auto& event_of : {&EventOf, &StrangeContentOf}) {
      std::vector<EventView> events;
      for (const std::string& pair : pairs) events.push_back(event_of(pair));
      const std::string text =
          Printed([&](Output* out) { EventPrinter(out, EventFormat::kText).Print(events); });
      EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 256) << first;
      std::string lines = text;
      std::erase(lines, '\n');
      ASSERT_TRUE(IsPlainUtf8(lines)) << "a pair that begins with " << first;
    }
  }
}

// What reorders the text around it or can't be seen, in every field: the ranges of Unicode's Bidi_Control,
// of zero width, and of line separators.
TEST(EventPrinterTest, ShowsEachCharacterThatHidesOrReorders) {
  const char* hidden[] = {"\u061c", "\u200b", "\u200c", "\u200d",     "\u200e",     "\u200f",
                          "\u2028", "\u2029", "\u202a", "\u202b",     "\u202c",     "\u202d",
                          "\u202e", "\u2060", "\u2061", "\u2062",     "\u2063",     "\u2064",
                          "\u2066", "\u2067", "\u2068", "\u2069",     "\u206a",     "\u206f",
                          "\u00ad", "\u034f", "\u180e", "\ufeff",     "\u3164",     "\uffa0",
                          "\u115f", "\ufff9", "\ufffb", "\U000e0001", "\U000e0041", "\U000e007f",
                          "\U0001bca0", "\U0001d173"};
  for (const char* character : hidden) {
    const std::string shown = std::string("a") + character + "b";
    for (const EventView& event : {EventOf(shown), StrangeContentOf(shown)}) {
      const std::string text = PrintedText(event);
      EXPECT_EQ(text.find(character), std::string::npos) << text;
      EXPECT_NE(text.find("a\\u"), std::string::npos) << text;
    }
  }
}

TEST(EventPrinterTest, ShowsOtherContentByItsKindAndSize) {
  EventView event = SomeEvent();
  event.content_type = "image/png";
  event.data = std::string_view("\x89PNG", 4);
  EXPECT_EQ(PrintableData(event), "(4 bytes of image/png)");
  event.content_type = "text/plain";
  event.data = "two\nlines";
  EXPECT_EQ(PrintableData(event), "two\\nlines");
}

TEST(EventJsonTest, HasTheMembersThatScriptsRelyOn) {
  EventView event = SomeEvent();
  event.id = "i", event.correlation_id = "c", event.causation_id = "d";
  std::string text;
  AppendEventJson(event, &text);
  EXPECT_EQ(
      text,
      R"({"sequence":17,"stream":"tasks/1","revision":3,"type":"task.created","agent":"planner",)"
      R"("session":4,"uid":1000,"time":"1970-01-01T00:00:01.000000000Z","id":"i","correlation_id":"c",)"
      R"("causation_id":"d","data":{"n":1}})");
}

TEST(EventJsonTest, LeavesOutWhatIsNotThere) {
  EventView event = SomeEvent();
  event.data = {};
  std::string text;
  AppendEventJson(event, &text);
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("data")));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("id\":\"")));
}

TEST(EventJsonTest, KeepsDataByteForByteExceptLineBreaksBetweenTokens) {
  EventView event = SomeEvent();
  event.data = "{\"big\": 123456789012345678901234567890,\n\"z\":1.10, \"a\":\"\\u00e9\\n\"}";
  std::string text;
  AppendEventJson(event, &text);
  EXPECT_THAT(
      text,
      testing::HasSubstr(
          "\"data\":{\"big\": 123456789012345678901234567890, \"z\":1.10, \"a\":\"\\u00e9\\n\"}"));
  EXPECT_EQ(text.find('\n'), std::string::npos);
}

TEST(EventJsonTest, WritesDataThatIsNoJsonAsBase64) {
  EventView event = SomeEvent();
  event.data = "{broken";
  std::string text;
  AppendEventJson(event, &text);
  EXPECT_THAT(text, testing::HasSubstr(R"("data_base64":"e2Jyb2tlbg==")"));
  event.content_type = "text/plain";
  event.data = "{}";
  text.clear();
  AppendEventJson(event, &text);
  EXPECT_THAT(text, testing::HasSubstr(R"("content_type":"text/plain","data_base64":"e30=")"));
}

TEST(EventJsonTest, IsOneLineOfJsonWhateverTheBytes) {
  std::mt19937 random(4);
  for (int round = 0; round < 2000; ++round) {
    std::string fields[4];
    for (std::string& field : fields) {
      field.resize(random() % 12);
      for (char& c : field) c = static_cast<char>(random());
    }
    EventView event = SomeEvent();
    event.data = fields[0], event.stream = fields[1], event.agent = fields[2], event.id = fields[3];
    std::string text;
    AppendEventJson(event, &text);
    boost::json::error_code error;
    const boost::json::value parsed = boost::json::parse(text, error);
    ASSERT_FALSE(error) << text;
    ASSERT_TRUE(parsed.is_object());
    ASSERT_EQ(text.find('\n'), std::string::npos);
  }
}

TEST(CutToWidthTest, CutsBetweenCharacters) {
  EXPECT_EQ(CutToWidth("añb", 2), "añ");
  EXPECT_EQ(CutToWidth("añb", 0), "");
  EXPECT_EQ(CutToWidth("añb", 9), "añb");
}

}  // namespace
}  // namespace roost
