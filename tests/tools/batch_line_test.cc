#include "tools/batch_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/event_printer.h"

namespace roost {
namespace {

using testing::HasSubstr;

TEST(BatchLineTest, TakesAllMembersAndKeepsDataByteForByte) {
  const auto line = ParseBatchLine(
      R"({"stream":"s","type":"t","data": {"b":1.0, "a":9007199254740993},"correlation_id":"c",)"
      R"("causation_id":"d","id":"i"})",
      "", "");
  ASSERT_TRUE(line.ok()) << line.status().message();
  EXPECT_EQ(line->event.stream, "s");
  EXPECT_EQ(line->event.type, "t");
  EXPECT_EQ(line->event.data, R"({"b":1.0, "a":9007199254740993})");
  EXPECT_EQ(line->event.correlation_id, "c");
  EXPECT_EQ(line->event.causation_id, "d");
  EXPECT_EQ(line->id, "i");
}

TEST(BatchLineTest, FillsStreamAndTypeInWhereTheLineDoesNotSayThem) {
  const auto line = ParseBatchLine(R"({"type":"own"})", "given", "default");
  ASSERT_TRUE(line.ok());
  EXPECT_EQ(line->event.stream, "given");
  EXPECT_EQ(line->event.type, "own");
}

TEST(BatchLineTest, SaysWhatIsWrong) {
  const auto message = [](const char* text) {
    return ParseBatchLine(text, "", "").status().message();
  };
  EXPECT_THAT(message(R"({"type":"t"})"), HasSubstr("\"stream\" is missing"));
  EXPECT_THAT(message(R"({"stream":"s"})"), HasSubstr("\"type\" is missing"));
  EXPECT_THAT(message(R"({"stream":1,"type":"t"})"), HasSubstr("\"stream\" must be a string"));
  EXPECT_THAT(message(R"({"stream":"s","type":"t","dta":1})"), HasSubstr("\"dta\" is no member"));
  EXPECT_THAT(message(R"({"stream":"s","type":"t","data":1,"data_base64":"YQ=="})"),
              HasSubstr("exclude"));
  EXPECT_THAT(message(R"({"stream":"s","type":"t","data_base64":"?"})"), HasSubstr("base64"));
  EXPECT_THAT(message(R"([])"), HasSubstr("object"));
  EXPECT_THAT(message(R"({"stream":)"), HasSubstr("line 1, column"));
}

TEST(BatchLineTest, TakesWhatTheJsonOutputOfAnEventIs) {
  EventView event;
  event.sequence = 5, event.revision = 2, event.stream = "s", event.type = "t", event.agent = "a";
  event.id = "i", event.correlation_id = "c", event.content_type = "image/png";
  event.data = std::string_view("\0\xff", 2);
  std::string text;
  AppendEventJson(event, &text);
  const auto line = ParseBatchLine(text, "", "");
  ASSERT_TRUE(line.ok()) << line.status().message();
  EXPECT_EQ(line->event.stream, "s");
  EXPECT_EQ(line->event.content_type, "image/png");
  EXPECT_EQ(line->event.data, event.data);
  EXPECT_EQ(line->id, "i");
}

}  // namespace
}  // namespace roost
