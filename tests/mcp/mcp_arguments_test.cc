#include "client/mcp/arguments.h"

#include <gtest/gtest.h>

namespace roost {
namespace {

TEST(ArgumentsTest, NamesTheUnknownArgumentAndTheAllowedOnes) {
  Arguments arguments;
  JsonSlice a, b;
  arguments.Read(JsonSlice(R"({"a":1,"expcet":2})"), "", {{"a", &a}, {"expect", &b}});
  EXPECT_EQ(arguments.trouble(), R"(unknown argument "expcet"; allowed are: a, expect)");
}

TEST(ArgumentsTest, SaysWhereInABatchItIs) {
  Arguments arguments;
  JsonSlice stream;
  arguments.Read(JsonSlice(R"({"stream":7})"), "events[3]", {{"stream", &stream}});
  std::string text;
  EXPECT_FALSE(arguments.Text("stream", stream, 10, &text));
  EXPECT_EQ(arguments.trouble(), "events[3].stream must be a string; got 7");
}

TEST(ArgumentsTest, KeepsTheFirstTrouble) {
  Arguments arguments;
  arguments.Wrong("first");
  arguments.Wrong("second");
  EXPECT_EQ(arguments.trouble(), "first");
}

TEST(ArgumentsTest, CountsNullAsNotGiven) {
  Arguments arguments;
  std::string text = "before";
  uint64_t number = 5;
  size_t choice = 1;
  std::vector<std::string> texts;
  EXPECT_FALSE(arguments.Text("a", JsonSlice("null"), 10, &text));
  EXPECT_FALSE(arguments.Number("b", JsonSlice("null"), 0, 9, &number));
  EXPECT_FALSE(arguments.Choice("c", JsonSlice("null"), {"x", "y"}, &choice));
  EXPECT_FALSE(arguments.Texts("d", JsonSlice("null"), 9, 9, &texts));
  EXPECT_TRUE(arguments.ok());
  EXPECT_EQ(text, "before");
  EXPECT_EQ(number, 5u);
  arguments.Require("a", JsonSlice("null"));
  EXPECT_EQ(arguments.trouble(), "a is missing; call again with it");
}

TEST(ArgumentsTest, RefusesEveryNumberOutOfItsBounds) {
  for (const char* wrong : {"0", "501", "-1", "1.5", "1e2", "1e400", "18446744073709551616",
                            "\"5\"", "true", "[]", "{}"}) {
    Arguments arguments;
    uint64_t number = 50;
    EXPECT_FALSE(arguments.Number("limit", JsonSlice(wrong), 1, 500, &number)) << wrong;
    EXPECT_EQ(arguments.trouble(),
              "limit must be a whole number from 1 to 500; got " + std::string(wrong));
    EXPECT_EQ(number, 50u);
  }
}

TEST(ArgumentsTest, RefusesTextThatIsNoName) {
  for (const std::string& wrong :
       {std::string("\"\""), std::string(R"("a\u0000b")"), std::string(R"("a\nb")"),
        "\"" + std::string(11, 'x') + "\"", std::string("7"), std::string("[\"x\"]")}) {
    Arguments arguments;
    std::string text;
    EXPECT_FALSE(arguments.Text("stream", JsonSlice(wrong), 10, &text)) << wrong;
    EXPECT_FALSE(arguments.ok()) << wrong;
  }
}

TEST(ArgumentsTest, RefusesListsOfAnythingElse) {
  for (const char* wrong :
       {"\"x\"", "{}", "[1]", "[null]", "[[]]", "[\"\"]", "[\"a\",\"b\",\"c\",\"d\"]"}) {
    Arguments arguments;
    std::vector<std::string> texts;
    EXPECT_FALSE(arguments.Texts("types", JsonSlice(wrong), 3, 10, &texts)) << wrong;
    EXPECT_FALSE(arguments.ok()) << wrong;
    EXPECT_TRUE(texts.empty());
  }
}

TEST(ArgumentsTest, RefusesArgumentsThatAreNoObject) {
  for (const char* wrong : {"[]", "\"x\"", "1", "true"}) {
    Arguments arguments;
    arguments.Read(JsonSlice(wrong), "", {});
    EXPECT_EQ(arguments.trouble(), "arguments must be an object; got " + std::string(wrong));
  }
}

TEST(ShowValueTest, CutsLongValuesBetweenCharacters) {
  std::string text = "\"" + std::string(58, 'x');
  for (int i = 0; i < 10; ++i) text += "\xC3\xBC";
  text += "\"";
  EXPECT_EQ(ShowValue(JsonSlice(text)), "\"" + std::string(58, 'x') + "...");
  EXPECT_EQ(ShowValue(JsonSlice()), "nothing");
}

}  // namespace
}  // namespace roost
