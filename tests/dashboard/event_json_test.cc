#include "tools/dashboard/event_json.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tools/json_text.h"

namespace roost {
namespace {

EventView Event(std::string_view data, std::string_view content_type = "application/json") {
  EventView event;
  event.sequence = 7;
  event.revision = 2;
  event.stream = "tasks/1";
  event.type = "task.created";
  event.agent = "a";
  event.content_type = content_type;
  event.data = data;
  return event;
}

boost::json::object Json(const EventView& event, size_t data_bytes_max = kPreviewBytes) {
  std::string text;
  AppendDashboardEvent(event, data_bytes_max, &text);
  EXPECT_EQ(text.find('\n'), std::string::npos) << "a line break would end the message";
  EXPECT_EQ(text.find('\r'), std::string::npos) << "a line break would end the message";
  return boost::json::parse(text).as_object();
}

TEST(EventJsonTest, ShowsDataAsTextJustAsItIs) {
  const std::string data = "{\"big\": 123456789012345678901234567890,\n\t\"a\":1,\"a\":2}";
  const auto json = Json(Event(data));
  EXPECT_EQ(json.at("data").as_string(), data);
  EXPECT_EQ(json.at("kind").as_string(), "json");
  EXPECT_EQ(json.at("bytes").to_number<uint64_t>(), data.size());
  EXPECT_FALSE(json.contains("cut"));
  EXPECT_FALSE(json.contains("content_type"));
}

TEST(EventJsonTest, KeepsAllThatAnAgentWritesWithinStrings) {
  const std::string hostile = "\"},\r\n\ndata: {\"x\":1}\u2028</script><img src=x onerror=alert(1)>";
  EventView event = Event(hostile, "text/html");
  event.stream = event.type = event.agent = event.id = event.correlation_id = hostile;
  const auto json = Json(event);
  for (const char* name : {"stream", "type", "agent", "id", "correlation_id", "data"}) {
    EXPECT_EQ(json.at(name).as_string(), hostile) << name;
  }
  EXPECT_EQ(json.at("kind").as_string(), "text");
}

TEST(EventJsonTest, CutsBetweenCharacters) {
  const std::string data = "\"" + std::string(10, 'x') + "ééé\"";
  for (size_t most = 1; most <= data.size(); ++most) {
    const auto json = Json(Event(data), most);
    const std::string shown(json.at("data").as_string());
    EXPECT_LE(shown.size(), most);
    EXPECT_GT(shown.size() + 2, most);
    EXPECT_EQ(data.compare(0, shown.size(), shown), 0);
    EXPECT_EQ(shown.find("\xEF\xBF\xBD"), std::string::npos) << "half a character";
    EXPECT_EQ(json.contains("cut"), most < data.size());
  }
}

TEST(EventJsonTest, ShowsOtherBytesInBase64) {
  auto json = Json(Event(std::string_view("\0\xff\x01", 3), "image/png"));
  EXPECT_EQ(json.at("kind").as_string(), "binary");
  EXPECT_EQ(json.at("data").as_string(), "AP8B");
  EXPECT_EQ(json.at("content_type").as_string(), "image/png");
  json = Json(Event("\xff\xfe", "text/plain"));
  EXPECT_EQ(json.at("kind").as_string(), "binary") << "no UTF-8";
  EXPECT_FALSE(Json(Event("")).contains("data"));
}

TEST(EventJsonTest, ListsTheStreamsThatWereWrittenToLast) {
  std::vector<StreamInfo> streams;
  for (uint64_t i = 0; i < 10; ++i) streams.push_back({"s" + std::to_string(i), 1, (i * 7) % 10 + 1, 1});
  const auto json = boost::json::parse(StreamsJson(streams, 3, 99)).as_object();
  EXPECT_EQ(json.at("total").to_number<int>(), 99);
  const auto& list = json.at("streams").as_array();
  ASSERT_EQ(list.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(list[i].at("last_sequence").to_number<uint64_t>(), 10 - i);
  }
  EXPECT_EQ(boost::json::parse(StreamsJson({}, 3, 0)).at("streams").as_array().size(), 0u);
}

}  // namespace
}  // namespace roost
