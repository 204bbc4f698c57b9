// A Server with a fake log, a clock that the test moves, and its answers as lines.
#ifndef ROOST_TESTS_MCP_SHIM_FIXTURE_H_
#define ROOST_TESTS_MCP_SHIM_FIXTURE_H_

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "client/mcp/json_slice.h"
#include "client/mcp/json_text.h"
#include "client/mcp/server.h"
#include "tests/mcp/fake_log.h"

namespace roost {

inline constexpr std::string_view kModernMeta =
    R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
    R"("io.modelcontextprotocol/clientCapabilities":{}})";

class ShimFixture : public ::testing::Test {
 protected:
  static constexpr uint64_t kBeginNs = 1'000'000'000'000;

  ShimFixture() { now_ns = kBeginNs; }

  // Sends a line and gives back what was said since the last time.
  std::vector<std::string> Send(std::string_view line) {
    server_.OnLine(line);
    server_.Settle();
    return Take();
  }

  // What was said since the last time; every line is checked to be one message of JSON.
  std::vector<std::string> Take() {
    std::vector<std::string> lines;
    std::string_view rest = *output_.line();
    while (!rest.empty()) {
      const size_t end = rest.find('\n');
      EXPECT_NE(end, std::string_view::npos) << "a line without end";
      lines.emplace_back(rest.substr(0, end));
      EXPECT_EQ(CheckJson(lines.back(), 100), JsonFault::kNone) << lines.back().substr(0, 500);
      rest.remove_prefix(end + 1);
    }
    output_.line()->clear();
    return lines;
  }

  // The one answer to a line.
  std::string Ask(std::string_view line) {
    const auto lines = Send(line);
    EXPECT_EQ(lines.size(), 1u) << line.substr(0, 200);
    return lines.empty() ? "{}" : lines[0];
  }

  static uint64_t Number(std::string_view json, std::initializer_list<std::string_view> path) {
    return JsonSlice(Member(json, path)).Unsigned().value_or(UINT64_MAX);
  }
  static std::vector<std::string> Elements(std::string_view json, std::string_view name) {
    std::vector<std::string> elements;
    const std::string list = Member(json, {name});
    if (list.empty()) return elements;
    for (JsonWalk walk{JsonSlice(list)}; walk.Next();) elements.emplace_back(walk.value().raw());
    return elements;
  }
  static std::vector<std::string> Events(std::string_view page) { return Elements(page, "events"); }

  static std::string CallLine(std::string_view id, std::string_view tool,
                              std::string_view arguments) {
    return fmt::format(
        R"({{"jsonrpc":"2.0","id":{},"method":"tools/call","params":{{"name":"{}","arguments":{}}}}})",
        id, tool, arguments);
  }

  // A tool's structured content, or its refusal as {"error":…}.
  std::string Call(std::string_view tool, std::string_view arguments) {
    return Content(Ask(CallLine("1", tool, arguments)));
  }
  // The sentence of a refusal; fails if there was none.
  std::string Refusal(std::string_view tool, std::string_view arguments) {
    const std::string answer = Ask(CallLine("1", tool, arguments));
    const JsonSlice result = FindMember(JsonSlice(answer), "result");
    EXPECT_EQ(FindMember(result, "isError").raw(), "true") << tool << arguments << answer;
    return TextOf(answer);
  }

  static std::string Member(std::string_view json, std::initializer_list<std::string_view> path) {
    JsonSlice value(json);
    for (const std::string_view name : path) value = FindMember(value, name);
    return std::string(value.raw());
  }
  static std::string Content(std::string_view answer) {
    return Member(answer, {"result", "structuredContent"});
  }
  // The text block, which must be the structured content once more unless it is an error.
  static std::string TextOf(std::string_view answer) {
    JsonWalk blocks(FindMember(FindMember(JsonSlice(answer), "result"), "content"));
    EXPECT_TRUE(blocks.Next());
    return FindMember(blocks.value(), "text").String();
  }
  static int64_t ErrorCode(std::string_view answer) {
    return FindMember(FindMember(JsonSlice(answer), "error"), "code").Integer().value_or(0);
  }

  void Advance(uint64_t ns) {
    now_ns += ns;
    if (server_.timer_ns() <= now_ns) server_.OnTimer();
    server_.Settle();
  }

  static uint64_t now_ns;
  static uint64_t Now() { return now_ns; }
  static uint64_t Wall() { return 1'800'000'000'000'000'000; }

  FakeLog log_;
  OutputQueue output_;
  ShimLatencies latencies_;
  Server server_{&log_, &output_, {Now, Wall}, &latencies_};
};

inline uint64_t ShimFixture::now_ns = 0;

}  // namespace roost

#endif  // ROOST_TESTS_MCP_SHIM_FIXTURE_H_
