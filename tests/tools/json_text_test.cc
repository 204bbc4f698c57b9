#include "tools/json_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <random>

namespace roost {
namespace {

using testing::HasSubstr;

TEST(JsonTextTest, AcceptsEveryKindOfValueWithWhiteSpaceAround) {
  for (const char* text : {"null", "true", " 1 ", "-0.5e3", "\"\\u00e9\"", "[]", "{}",
                           "\t{\"a\": [1, {}]}\n", "123456789012345678901234567890", "1e400"}) {
    EXPECT_TRUE(CheckJson(text).ok()) << text;
  }
}

TEST(JsonTextTest, SaysLineAndColumnOfWhatIsNoJson) {
  const Status status = CheckJson("{\"a\": 1,\n \"b\": x}");
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("line 2, column 7"));
  EXPECT_THAT(CheckJson("{} {}").message(), HasSubstr("line 1, column 4"));
}

TEST(JsonTextTest, RefusesWhatIsNoJson) {
  for (const char* text : {"", "  ", "{", "[1,]", "{'a':1}", "\"\n\"", "01", "nul", "[1] 2",
                           "\"\xff\"", "\"\xed\xa0\x80\"", "{\"a\":1,}", "// x\n1", "NaN"}) {
    EXPECT_EQ(CheckJson(text).code(), StatusCode::kInvalidArgument) << text;
  }
}

TEST(JsonTextTest, RefusesWhatIsNestedTooDeeply) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(CheckJson(nested(kJsonDepthMax)).ok());
  EXPECT_FALSE(CheckJson(nested(kJsonDepthMax + 1)).ok());
  EXPECT_FALSE(CheckJson(nested(1'000'000)).ok());
}

TEST(JsonTextTest, CutsAnObjectIntoItsMembersByteForByte) {
  const auto members =
      SplitObject(R"( { "a" : [1, "}]\"", {"x":2}] ,"b\n":-1e5,"c":"" , "d":{}, "e":null} )");
  ASSERT_TRUE(members.ok()) << members.status().message();
  ASSERT_EQ(members->size(), 5u);
  EXPECT_EQ((*members)[0].name, "a");
  EXPECT_EQ((*members)[0].value, R"([1, "}]\"", {"x":2}])");
  EXPECT_EQ((*members)[1].name, "b\n");
  EXPECT_EQ((*members)[1].value, "-1e5");
  EXPECT_EQ((*members)[2].value, "\"\"");
  EXPECT_EQ((*members)[3].value, "{}");
  EXPECT_EQ((*members)[4].value, "null");
  EXPECT_TRUE(SplitObject("{}")->empty());
}

TEST(JsonTextTest, RefusesAMemberThatStandsThereTwice) {
  const auto members = SplitObject(R"({"a":1,"\u0061":2})");
  ASSERT_FALSE(members.ok());
  EXPECT_THAT(members.status().message(), HasSubstr("twice"));
}

TEST(JsonTextTest, RefusesToCutWhatIsNoObject) {
  EXPECT_FALSE(SplitObject("[1]").ok());
  EXPECT_FALSE(SplitObject("{\"a\":}").ok());
  EXPECT_FALSE(SplitObject("").ok());
}

TEST(JsonTextTest, WritesAnyBytesAsAStringThatParses) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 20, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    std::string text;
    AppendJsonString(bytes, &text);
    boost::json::error_code error;
    EXPECT_TRUE(boost::json::parse(text, error).is_string()) << text;
    EXPECT_FALSE(error) << text;
  }
}

TEST(JsonTextTest, WritesTextSoThatItReadsBackTheSame) {
  const std::string given = "a\"b\\c\n\x01\x7f é 𝄞 \u202e";
  std::string text;
  AppendJsonString(given, &text);
  EXPECT_EQ(ParseJsonString(text).value(), given);
}

TEST(JsonTextTest, ReadsBackWhatItWroteAsBase64) {
  std::mt19937 random(2);
  for (size_t size = 0; size < 100; ++size) {
    std::string bytes(size, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    std::string text;
    AppendBase64(bytes, &text);
    const auto back = ParseBase64(text);
    ASSERT_TRUE(back.ok()) << text;
    EXPECT_EQ(*back, bytes);
  }
  std::string text;
  AppendBase64("hello", &text);
  EXPECT_EQ(text, "aGVsbG8=");
}

TEST(JsonTextTest, RefusesWhatIsNoBase64) {
  for (const char* text :
       {"a", "abc", "a===", "ab=c", "abcd=", "====", "ab*=", "aGVsbG9=", "abcd ef="}) {
    EXPECT_FALSE(ParseBase64(text).ok()) << text;
  }
}

TEST(JsonTextTest, KeepsAnObjectOnOneLine) {
  std::string text;
  JsonObject object(&text);
  object.Raw("data", "{\r\n \"a\":\n1}");
  object.Number("n", UINT64_MAX);
  object.Bool("b", false);
  object.End();
  EXPECT_EQ(text, R"({"data":{   "a": 1},"n":18446744073709551615,"b":false})");
}

}  // namespace
}  // namespace roost
