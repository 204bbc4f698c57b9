#include "client/mcp/json_text.h"

#include <gtest/gtest.h>

namespace roost {
namespace {

constexpr size_t kDepthMax = 64;

std::string Nested(size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(CheckJsonTest, AcceptsWhatTheGrammarAllows) {
  for (const char* text :
       {"null", " true ", "0", "-0", "-1.5e+10", "\"\"", "[]", "{}", "[1,[2,{\"a\":null}]]",
        "\"\\u00e9\\ud83d\\ude00\\/\\b\"", "{\"a\":1,\"a\":2}", "\t[\r\n1 ]", "\"\x7f\""}) {
    EXPECT_EQ(CheckJson(text, kDepthMax), JsonFault::kNone) << text;
  }
}

TEST(CheckJsonTest, AcceptsNumbersOfAnySize) {
  const std::string digits(400, '7');
  for (const std::string& text :
       {std::string("1e400"), std::string("-1e-400"), digits, "-" + digits, digits + "." + digits,
        "1e" + digits, "1E-" + digits, "[0.5e+" + digits + ",{\"x\":2e" + digits + "}]",
        "{\"1e" + digits + "\":\"1e" + digits + "\",\"a\":1e" + digits + "}"}) {
    EXPECT_EQ(CheckJson(text, kDepthMax), JsonFault::kNone) << text;
  }
}

TEST(CheckJsonTest, RefusesWhatTheGrammarDoesNotAllow) {
  for (const char* text : {"",
                           " ",
                           "nul",
                           "01",
                           "1.",
                           ".5",
                           "+1",
                           "1e",
                           "1e+",
                           "-",
                           "'a'",
                           "[1,]",
                           "{\"a\":1,}",
                           "{a:1}",
                           "[1 2]",
                           "{\"a\"}",
                           "\"",
                           "\"\\q\"",
                           "\"\\u12g4\"",
                           "\"\n\"",
                           "\"\x01\"",
                           "[",
                           "]",
                           "{\"a\":",
                           "1 2",
                           "[] x",
                           "/**/1",
                           "NaN",
                           "Infinity",
                           "\xEF\xBB\xBF"
                           "1"}) {
    EXPECT_EQ(CheckJson(text, kDepthMax), JsonFault::kSyntax) << text;
  }
  const std::string digits(400, '7');
  for (const std::string& text : {"1e" + digits + "x", "[1e" + digits, "1e" + digits + "e1"}) {
    EXPECT_EQ(CheckJson(text, kDepthMax), JsonFault::kSyntax) << text;
  }
}

TEST(CheckJsonTest, RefusesBytesThatAreNotUtf8) {
  for (const char* bytes :
       {"\x80", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\xFF"}) {
    EXPECT_EQ(CheckJson(std::string("\"") + bytes + "\"", kDepthMax), JsonFault::kSyntax);
    EXPECT_EQ(CheckJson(std::string("{\"") + bytes + "\":1}", kDepthMax), JsonFault::kSyntax);
  }
}

TEST(CheckJsonTest, RefusesEscapesOfHalfACharacter) {
  for (const char* text : {R"("\ud800")", R"("\udc00")", R"("\ud800x")", R"("\ud800\n")",
                           R"("\ud800\ud800")", R"({"\ud83d":1})"}) {
    EXPECT_EQ(CheckJson(text, kDepthMax), JsonFault::kSyntax) << text;
  }
}

TEST(CheckJsonTest, TellsDepthFromOtherFaults) {
  EXPECT_EQ(CheckJson(Nested(64), kDepthMax), JsonFault::kNone);
  EXPECT_EQ(CheckJson(Nested(65), kDepthMax), JsonFault::kTooDeep);
  EXPECT_EQ(CheckJson(Nested(1'000'000), kDepthMax), JsonFault::kTooDeep);
  EXPECT_EQ(CheckJson(std::string(1'000'000, '['), kDepthMax), JsonFault::kTooDeep);
}

TEST(JsonDepthTest, CountsContainersWithinEachOtherAndNotThoseInStrings) {
  EXPECT_EQ(JsonDepth("1"), 0u);
  EXPECT_EQ(JsonDepth("[]"), 1u);
  EXPECT_EQ(JsonDepth(R"([[1],{"a":[2]},[]])"), 3u);
  EXPECT_EQ(JsonDepth(R"(["[[[[\"[["])"), 1u);
}

TEST(DecodeJsonStringTest, UndoesEscapes) {
  EXPECT_EQ(DecodeJsonString(R"("")"), "");
  EXPECT_EQ(DecodeJsonString(R"("a\"b\\c\/\n\u00e9\ud83d\ude00")"),
            "a\"b\\c/\n\xC3\xA9\xF0\x9F\x98\x80");
  EXPECT_EQ(DecodeJsonString(R"("\u0000x")"), std::string("\0x", 2));
}

TEST(DecodeJsonStringTest, GivesLongStringsWhole) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "\\n";
  EXPECT_EQ(DecodeJsonString("\"" + text + "\""), std::string(100'000, '\n'));
}

TEST(AppendJsonStringTest, EscapesSoThatDecodingGivesItBack) {
  std::string all;
  for (int c = 0; c < 128; ++c) all.push_back(static_cast<char>(c));
  all += "gr\xC3\xBC\xC3\x9F";
  std::string json;
  AppendJsonString(&json, all);
  EXPECT_EQ(CheckJson(json, 1), JsonFault::kNone);
  EXPECT_EQ(DecodeJsonString(json), all);
  for (const char c : json) EXPECT_GE(static_cast<unsigned char>(c), 0x20u);
}

TEST(AppendJsonStringTest, ReplacesBytesThatAreNotUtf8) {
  std::string json;
  AppendJsonString(&json,
                   "a\xFF"
                   "b\xE2\x82"
                   "c\xC3\xBC\n");
  EXPECT_EQ(json,
            "\"a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD\xEF\xBF\xBD"
            "c\xC3\xBC\\n\"");
}

TEST(AppendBase64Test, MatchesTheStandardsExamples) {
  const auto encoded = [](std::string_view bytes) {
    std::string out;
    AppendBase64(&out, bytes);
    return out;
  };
  EXPECT_EQ(encoded(""), "");
  EXPECT_EQ(encoded("f"), "Zg==");
  EXPECT_EQ(encoded("fo"), "Zm8=");
  EXPECT_EQ(encoded("foo"), "Zm9v");
  EXPECT_EQ(encoded("foobar"), "Zm9vYmFy");
  EXPECT_EQ(encoded("\xFF\xFE\xFD"), "//79");
}

}  // namespace
}  // namespace roost
