#include "tools/dashboard/query_string.h"

#include <gtest/gtest.h>

namespace roost {
namespace {

TEST(QueryStringTest, ReadsWhatAnEventBrowserAsksFor) {
  const auto query = ParseReadQuery(
      "stream=tasks%2F*&type=task.created&type=a+b&agent=%C3%A9va&after=5&before=9&limit=20&order=newest",
      500);
  ASSERT_TRUE(query.ok()) << query.status().message();
  EXPECT_EQ(query->filter.stream, "");
  EXPECT_EQ(query->filter.stream_prefix, "tasks/");
  EXPECT_EQ(query->filter.types, (std::vector<std::string>{"task.created", "a b"}));
  EXPECT_EQ(query->filter.agent, "éva");
  EXPECT_EQ(query->after, 5u);
  EXPECT_EQ(query->before, 9u);
  EXPECT_EQ(query->limit, 20u);
  EXPECT_EQ(query->order, Order::kNewestFirst);
}

TEST(QueryStringTest, TakesAllWithoutFields) {
  const auto query = ParseReadQuery("", 500);
  ASSERT_TRUE(query.ok());
  EXPECT_EQ(query->limit, 500u);
  EXPECT_EQ(query->order, Order::kOldestFirst);
  EXPECT_EQ(query->filter.since_ns, 0u);
}

TEST(QueryStringTest, KnowsTimesAndHowLongAgo) {
  EXPECT_EQ(ParseReadQuery("since=2026-01-31T12%3A00%3A00Z", 1)->filter.since_ns,
            1769860800'000'000'000u);
  EXPECT_GT(ParseReadQuery("since=10m", 1)->filter.since_ns, 1769860800'000'000'000u);
}

TEST(QueryStringTest, RefusesWhatItDoesNotUnderstand) {
  std::string many_types, many_fields;
  for (int i = 0; i < 17; ++i) many_types += "type=x&";
  for (int i = 0; i < 33; ++i) many_fields += "agent=x&";
  for (const std::string& wrong :
       {std::string("limit=0"), std::string("limit=501"), std::string("limit=-1"),
        std::string("limit="), std::string("limit=1x"), std::string("after=18446744073709551616"),
        std::string("order=up"), std::string("since=yesterday"), std::string("what=ever"),
        std::string("stream=%"), std::string("stream=%2"), std::string("stream=%zz"),
        std::string("stream=%ff"), std::string("stream=%c0%80"), many_types, many_fields}) {
    EXPECT_EQ(ParseReadQuery(wrong, 500).status().code(), StatusCode::kInvalidArgument) << wrong;
  }
}

TEST(QueryStringTest, KeepsFieldsInTheirOrder) {
  const auto fields = SplitQuery("&&a=1&b&=c&a=%3D%26&");
  ASSERT_TRUE(fields.ok());
  EXPECT_EQ(*fields, (QueryFields{{"a", "1"}, {"b", ""}, {"", "c"}, {"a", "=&"}}));
}

}  // namespace
}  // namespace roost
