// What roost-mcp says to its client, checked: every line is one JSON-RPC message, and every result of a tool that has
// structured content has the same bytes once more as its text.
#ifndef ROOST_TESTS_FUZZ_SHIM_OUTPUT_H_
#define ROOST_TESTS_FUZZ_SHIM_OUTPUT_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "client/mcp/json_slice.h"
#include "client/mcp/json_text.h"

namespace roost {

inline constexpr size_t kAnswerDepthMax = 100;

inline void CheckToolResult(JsonSlice result) {
  const JsonSlice content = FindMember(result, "content");
  ROOST_CHECK(content.kind() == JsonSlice::Kind::kArray, "{}", result.raw());
  JsonWalk blocks(content);
  ROOST_CHECK(blocks.Next());
  const JsonSlice text = FindMember(blocks.value(), "text");
  ROOST_CHECK(text.is_string(), "{}", result.raw());
  if (FindMember(result, "isError").raw() == "true") {
    ROOST_CHECK(!text.String().empty());
    return;
  }
  const JsonSlice structured = FindMember(result, "structuredContent");
  ROOST_CHECK(structured.is_object(), "{}", result.raw());
  ROOST_CHECK(text.String() == structured.raw(), "{}", result.raw());
}

// One line without its end. True: it answers a request.
inline bool CheckShimLine(std::string_view line) {
  ROOST_CHECK(CheckJson(line, kAnswerDepthMax) == JsonFault::kNone, "{}", line);
  const JsonSlice message(line);
  ROOST_CHECK(message.is_object() && FindMember(message, "jsonrpc").Says("2.0"), "{}", line);
  if (!FindMember(message, "id").present()) {
    // A notification, or what is said of a message whose id could not be read.
    ROOST_CHECK(
        FindMember(message, "method").is_string() != FindMember(message, "error").is_object(), "{}",
        line);
    return false;
  }
  const JsonSlice result = FindMember(message, "result");
  ROOST_CHECK(result.is_object() != FindMember(message, "error").is_object(), "{}", line);
  if (FindMember(result, "content").present()) CheckToolResult(result);
  return true;
}

// Takes what was said, as lines.
inline std::vector<std::string> TakeShimLines(std::string* said) {
  std::vector<std::string> lines;
  std::string_view rest = *said;
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    ROOST_CHECK(end != std::string_view::npos, "a line without an end");
    lines.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  said->clear();
  return lines;
}

}  // namespace roost

#endif  // ROOST_TESTS_FUZZ_SHIM_OUTPUT_H_
