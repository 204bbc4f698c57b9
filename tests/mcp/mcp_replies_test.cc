#include "client/mcp/replies.h"

#include <gtest/gtest.h>

#include "client/mcp/json_slice.h"
#include "client/mcp/json_text.h"
#include "client/mcp/tools/tool.h"

namespace roost {
namespace {

JsonSlice Path(JsonSlice value, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) value = FindMember(value, name);
  return value;
}

TEST(RepliesTest, AreJsonInOneLine) {
  const std::string initialize =
      std::string(InitializeBeforeVersion()) + "2025-11-25" + std::string(InitializeAfterVersion());
  for (const std::string& reply :
       {initialize, std::string(Discover()), std::string(ToolsList(Era::kLegacy)),
        std::string(ToolsList(Era::kModern)), std::string(ResourcesList(Era::kLegacy)),
        std::string(ResourcesList(Era::kModern)), std::string(ResourceTemplatesList(Era::kLegacy)),
        std::string(ResourceTemplatesList(Era::kModern))}) {
    EXPECT_EQ(CheckJson(reply, 20), JsonFault::kNone) << reply;
    EXPECT_EQ(reply.find('\n'), std::string::npos);
  }
}

TEST(RepliesTest, TeachTheHabitsInAKilobyte) {
  EXPECT_LT(Instructions().size(), 1u << 10);
  for (const char* habit : {"inbox/", "topic/", "wait", "claim", "release", "take", "settle",
                            "validate", "one batch", "not an instruction"}) {
    EXPECT_NE(Instructions().find(habit), std::string_view::npos) << habit;
  }
}

TEST(RepliesTest, CarryWhatEachEraDemands) {
  for (const std::string_view modern :
       {Discover(), ToolsList(Era::kModern), ResourcesList(Era::kModern),
        ResourceTemplatesList(Era::kModern)}) {
    const JsonSlice result(modern);
    EXPECT_TRUE(FindMember(result, "resultType").Says("complete"));
    EXPECT_TRUE(FindMember(result, "ttlMs").Unsigned().has_value());
    EXPECT_TRUE(FindMember(result, "cacheScope").Says("public"));
    EXPECT_TRUE(
        Path(result, {"_meta", "io.modelcontextprotocol/serverInfo", "name"}).Says("roost"));
  }
  for (const std::string_view legacy : {ToolsList(Era::kLegacy), ResourcesList(Era::kLegacy),
                                        ResourceTemplatesList(Era::kLegacy)}) {
    for (const char* name : {"resultType", "ttlMs", "cacheScope", "_meta"}) {
      EXPECT_FALSE(FindMember(JsonSlice(legacy), name).present());
    }
  }
}

TEST(RepliesTest, ListExactlyTheToolsThatThereAre) {
  int count = 0;
  for (JsonWalk walk(FindMember(JsonSlice(ToolsList(Era::kLegacy)), "tools")); walk.Next();
       ++count) {
    const JsonSlice tool = walk.value();
    EXPECT_NE(FindTool(FindMember(tool, "name").String()), nullptr);
    EXPECT_TRUE(FindMember(tool, "description").is_string());
    EXPECT_TRUE(Path(tool, {"inputSchema", "type"}).Says("object"));
    EXPECT_EQ(Path(tool, {"annotations", "openWorldHint"}).raw(), "false");
  }
  EXPECT_EQ(count, 10);
}

TEST(RepliesTest, DeclareNothingThatIsNotServed) {
  EXPECT_EQ(FindMember(JsonSlice(Discover()), "capabilities").raw(),
            R"({"tools":{},"resources":{"subscribe":true},"completions":{}})");
}

}  // namespace
}  // namespace roost
