#include "client/mcp/json_slice.h"

#include <gtest/gtest.h>

#include <vector>

namespace roost {
namespace {

using SliceKind = JsonSlice::Kind;

TEST(JsonSliceTest, KnowsTheKindOfAValue) {
  EXPECT_EQ(JsonSlice().kind(), SliceKind::kAbsent);
  EXPECT_EQ(JsonSlice("null").kind(), SliceKind::kNull);
  EXPECT_EQ(JsonSlice(" false ").kind(), SliceKind::kBool);
  EXPECT_EQ(JsonSlice("-1e400").kind(), SliceKind::kNumber);
  EXPECT_EQ(JsonSlice("\"x\"").kind(), SliceKind::kString);
  EXPECT_EQ(JsonSlice("[]").kind(), SliceKind::kArray);
  EXPECT_EQ(JsonSlice("{}").kind(), SliceKind::kObject);
}

TEST(JsonSliceTest, KeepsAMemberByteForByte) {
  const std::string data = R"({"z":1, "a":[2,  3.0e+1],"z":	"\u00e9}]{\"["})";
  const std::string text = R"({"id":0,"data" : )" + data + R"( ,"type":"x"})";
  EXPECT_EQ(FindMember(JsonSlice(text), "data").raw(), data);
}

TEST(JsonSliceTest, FindsMembersWhateverTheOrderAndTheSpace) {
  const JsonSlice object(" { \"a\" : 1 ,\t\"b\":[ ] , \"c\": {\"a\":2} } ");
  JsonSlice a, b, c, d;
  EXPECT_FALSE(ReadMembers(object, {{"a", &a}, {"b", &b}, {"c", &c}, {"d", &d}}).present());
  EXPECT_EQ(a.raw(), "1");
  EXPECT_EQ(b.raw(), "[ ]");
  EXPECT_EQ(c.raw(), "{\"a\":2}");
  EXPECT_FALSE(d.present());
}

TEST(JsonSliceTest, TakesTheLastOfSeveralMembersOfOneName) {
  EXPECT_EQ(FindMember(JsonSlice(R"({"a":1,"b":0,"a":2,"\u0061":3})"), "a").raw(), "3");
}

TEST(JsonSliceTest, ReportsAMemberThatNobodyWanted) {
  JsonSlice a;
  EXPECT_EQ(ReadMembers(JsonSlice(R"({"a":1,"x":2,"y":3})"), {{"a", &a}}).raw(), "\"x\"");
}

TEST(JsonSliceTest, HasNoMembersUnlessItIsAnObject) {
  for (const char* text : {"null", "[1]", "\"a\"", "1"}) {
    EXPECT_FALSE(FindMember(JsonSlice(text), "a").present());
  }
  EXPECT_FALSE(FindMember(JsonSlice(), "a").present());
}

TEST(JsonSliceTest, ComparesStringsByWhatTheySay) {
  EXPECT_TRUE(JsonSlice(R"("a/b")").Says("a/b"));
  EXPECT_TRUE(JsonSlice(R"("\u0061\/b")").Says("a/b"));
  EXPECT_FALSE(JsonSlice(R"("a/b ")").Says("a/b"));
  EXPECT_FALSE(JsonSlice("1").Says("1"));
  EXPECT_FALSE(JsonSlice().Says(""));
}

TEST(JsonSliceTest, ReadsWholeNumbersThatFitAndNoOthers) {
  EXPECT_EQ(JsonSlice("18446744073709551615").Unsigned(), UINT64_MAX);
  EXPECT_EQ(JsonSlice("0").Unsigned(), 0u);
  EXPECT_EQ(JsonSlice("-5").Integer(), -5);
  for (const char* text : {"18446744073709551616", "-1", "1.0", "1e2", "1e400", "\"1\"", "true"}) {
    EXPECT_FALSE(JsonSlice(text).Unsigned().has_value()) << text;
  }
}

TEST(JsonWalkTest, GivesTheElementsOfAnArrayInOrder) {
  std::vector<std::string> seen;
  for (JsonWalk walk(JsonSlice(R"([ 1, "a,]" ,[2,[3]] , {"x":[4]},null ])")); walk.Next();) {
    seen.emplace_back(walk.value().raw());
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"1", "\"a,]\"", "[2,[3]]", "{\"x\":[4]}", "null"}));
}

TEST(JsonWalkTest, GivesNothingForEmptyContainers) {
  EXPECT_FALSE(JsonWalk(JsonSlice("[ ]")).Next());
  EXPECT_FALSE(JsonWalk(JsonSlice("{}")).Next());
}

}  // namespace
}  // namespace roost
