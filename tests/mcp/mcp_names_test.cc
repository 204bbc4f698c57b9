// Addresses of resources, labels of agents, flags: what is made of names that others chose.
#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

#include "base/utf8.h"
#include "client/mcp/agent_label.h"
#include "client/mcp/options.h"
#include "client/mcp/resource_uri.h"

namespace roost {
namespace {

using UriKind = ResourceUri::Kind;

TEST(ResourceUriTest, KnowsWhatCanBeRead) {
  EXPECT_EQ(ParseResourceUri("roost://streams").kind, UriKind::kStreams);
  EXPECT_EQ(ParseResourceUri("roost://status").kind, UriKind::kStatus);
  const ResourceUri event = ParseResourceUri("roost://event/42");
  EXPECT_EQ(event.kind, UriKind::kEvent);
  EXPECT_EQ(event.sequence, 42u);
}

TEST(ResourceUriTest, TakesTheNameOfAStreamPlainAndEscaped) {
  for (const char* uri : {"roost://stream/task/4 \xC3\xBC", "roost://stream/task%2F4%20%c3%BC"}) {
    const ResourceUri parsed = ParseResourceUri(uri);
    EXPECT_EQ(parsed.kind, UriKind::kStream);
    EXPECT_EQ(parsed.stream, "task/4 \xC3\xBC");
  }
  EXPECT_EQ(ParseResourceUri("roost://stream/100%").stream, "100%");
  EXPECT_EQ(ParseResourceUri("roost://stream/%zz%").stream, "%zz%");
}

TEST(ResourceUriTest, RefusesEverythingElse) {
  for (const std::string& uri :
       {std::string(), std::string("roost://"), std::string("roost://moon"),
        std::string("roost://stream/"), std::string("roost://streams/"),
        std::string("roost://event/"), std::string("roost://event/-1"),
        std::string("roost://event/1x"), std::string("roost://event/99999999999999999999999"),
        std::string("file:///etc/passwd"), std::string("roost://stream/a%00b"),
        std::string("roost://stream/%FF"), "roost://stream/" + std::string(256, 'x'),
        "roost://stream/" + std::string(1 << 20, 'x')}) {
    EXPECT_EQ(ParseResourceUri(uri).kind, UriKind::kUnknown) << uri.substr(0, 60);
  }
}

TEST(AgentLabelTest, IsTheClientsNameAndThePid) {
  EXPECT_EQ(MakeAgentLabel("claude-code", 4711), "claude-code-4711");
  EXPECT_EQ(MakeAgentLabel("", 1), "agent-1");
}

TEST(AgentLabelTest, LeavesOutWhatMayNotBeInALabel) {
  EXPECT_EQ(MakeAgentLabel("a\n\x1b[31mb\xFF\xC2\x85g\xC3\xBC", 7), "a[31mbg\xC3\xBC-7");
  EXPECT_EQ(MakeAgentLabel("\n\xFF", 7), "agent-7");
}

TEST(AgentLabelTest, IsNeverTooLong) {
  std::string name = "x";
  for (int i = 0; i < 100; ++i) name += "\xC3\xBC";
  const std::string label = MakeAgentLabel(name, 123456);
  EXPECT_LE(label.size(), 128u);
  EXPECT_TRUE(IsPlainUtf8(label));
  EXPECT_TRUE(label.ends_with("-123456"));
}

class ShimOptionsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ::unsetenv("ROOST_AGENT");
    ::unsetenv("ROOST_SOCKET");
  }

  static Result<ShimOptions> Read(std::vector<std::string> words) {
    words.insert(words.begin(), "roost-mcp");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    return ReadShimOptions(static_cast<int>(argv.size()), argv.data());
  }
};

TEST_F(ShimOptionsTest, TakesFlagsInBothForms) {
  const auto options = Read({"--socket=/a/b.sock", "--agent", "planner", "--autostart"});
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->socket, "/a/b.sock");
  EXPECT_EQ(options->agent, "planner");
  EXPECT_TRUE(options->autostart);
}

TEST_F(ShimOptionsTest, PrefersFlagsOverTheEnvironment) {
  ::setenv("ROOST_AGENT", "from-environment", 1);
  ::setenv("ROOST_SOCKET", "/e.sock", 1);
  EXPECT_EQ(Read({})->agent, "from-environment");
  EXPECT_EQ(Read({})->socket, "/e.sock");
  EXPECT_EQ(Read({"--agent", "flag"})->agent, "flag");
}

TEST_F(ShimOptionsTest, RefusesWhatItDoesNotKnow) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"--sockt", "x"},
                                                {"extra"},
                                                {"--socket"},
                                                {"--agent", ""},
                                                {"--agent=a\nb"},
                                                {"--agent", std::string(129, 'x')},
                                                {"--socketx", "/a"}}) {
    const auto options = Read(words);
    ASSERT_FALSE(options.ok());
    EXPECT_EQ(options.status().code(), StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace roost
