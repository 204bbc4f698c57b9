#include "client/mcp/id_scanner.h"

#include <gtest/gtest.h>

namespace roost {
namespace {

std::string Find(std::string_view line) {
  IdScanner scanner;
  scanner.Feed(line);
  return scanner.Finish().value_or("none");
}

TEST(IdScannerTest, FindsTheIdWhereverItStands) {
  EXPECT_EQ(Find(R"({"jsonrpc":"2.0","id":7,"method":"x"})"), "7");
  EXPECT_EQ(Find(R"({"method":"x","params":{"a":[1,{}]},"jsonrpc":"2.0","id":"a-1"})"), "\"a-1\"");
  EXPECT_EQ(Find("{ \"id\" : -12 }"), "-12");
  EXPECT_EQ(Find(R"({"id":"\"\\x"})"), R"("\"\\x")");
}

TEST(IdScannerTest, LooksAtTheOutermostObjectAlone) {
  EXPECT_EQ(Find(R"({"params":{"id":1,"x":{"id":2}},"data":[{"id":3}]})"), "none");
  EXPECT_EQ(Find(R"([{"id":1}])"), "none");
  EXPECT_EQ(Find(R"({"a":"id","b":1})"), "none");
  EXPECT_EQ(Find(R"({"a":"\"id\":5","id":6})"), "6");
}

TEST(IdScannerTest, TakesNothingThatIsNoId) {
  for (const char* id :
       {"null", "1.5", "1e3", "true", "[1]", "{}", "01", "--1", "\"\\ud800\"", "-"}) {
    EXPECT_EQ(Find("{\"id\":" + std::string(id) + ",\"x\":1}"), "none") << id;
  }
  EXPECT_EQ(Find("{\"id\":\"" + std::string(2000, 'x') + "\"}"), "none");
}

TEST(IdScannerTest, FindsItInLinesThatAreNoJson) {
  EXPECT_EQ(Find(R"({"id":5,"method":"\ud800"})"), "5");
  EXPECT_EQ(Find("{\"id\":5,\"x\":\"\xFF\"}"), "5");
  EXPECT_EQ(
      Find("{\"params\":" + std::string(100'000, '[') + std::string(100'000, ']') + ",\"id\":9}"),
      "9");
  EXPECT_EQ(Find("hello"), "none");
  EXPECT_EQ(Find(""), "none");
  EXPECT_EQ(Find("]]]}}}{\"id\":1"), "none");
}

TEST(IdScannerTest, TakesTheLineInPieces) {
  IdScanner scanner;
  for (const char c : std::string(R"({"params":{"text":"...\"id\":1"},"id":"ab"})")) {
    scanner.Feed({&c, 1});
  }
  EXPECT_EQ(scanner.Finish(), "\"ab\"");
  scanner.Feed(R"({"x":1})");
  EXPECT_EQ(scanner.Finish(), std::nullopt);
}

}  // namespace
}  // namespace roost
