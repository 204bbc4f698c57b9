// The arguments of each tool: a byte that names it, then JSON. Every call gets one answer, what is appended is the very
// bytes of the call and is read back so, and JSON in canonical form is its own canonical form.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "base/canonical_json.h"
#include "base/check.h"
#include "client/mcp/server.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/shim_output.h"
#include "tests/mcp/fake_log.h"

namespace roost {
namespace {

constexpr std::array<std::string_view, 11> kTools = {
    "append", "read",     "wait",   "claim",  "release",       "take",
    "settle", "validate", "decide", "status", "resources/read"};

uint64_t now_ns = 0;
uint64_t Now() { return now_ns; }
uint64_t Wall() { return 1'800'000'000'000'000'000; }

class FuzzedShim {
 public:
  FuzzedShim()
      : latencies_(std::make_unique<ShimLatencies>()),
        server_(&log_, &output_, {Now, Wall}, latencies_.get()) {
    log_.Put("tasks", "task.created", R"({"n":1})");
    log_.Put("tasks", "task.done", R"({"n":[1,2,{"text":"x"}]})");
    log_.Put("inbox/tester", "note", "\x01\x02", "application/octet-stream");
    log_.take.items = {{{3, 0}, 1, 1}, {{3, 1}, 2, 2}, {{3, 2}, 9, 1}};
    log_.answers.resize(1);
  }

  FakeLog& log() { return log_; }

  // The one answer to a call.
  std::string Call(std::string_view tool, std::string_view arguments) {
    const bool is_tool = tool.find('/') == std::string_view::npos;
    server_.OnLine(is_tool ? fmt::format(R"({{"jsonrpc":"2.0","id":1,"method":"tools/call",)"
                                         R"("params":{{"name":"{}","arguments":{}}}}})",
                                         tool, arguments)
                           : fmt::format(R"({{"jsonrpc":"2.0","id":1,"method":"{}","params":{}}})",
                                         tool, arguments));
    server_.Settle();
    // A wait takes its time, 50 s at the most.
    for (int i = 0; i < 3 && server_.working(); ++i) {
      now_ns += 30'000'000'000;
      server_.OnTimer();
      server_.Settle();
    }
    const std::vector<std::string> lines = TakeShimLines(output_.line());
    ROOST_CHECK(lines.size() == 1, "{} answers to {} {}", lines.size(), tool, arguments);
    ROOST_CHECK(CheckShimLine(lines[0]));
    return lines[0];
  }

 private:
  FakeLog log_;
  OutputQueue output_;
  std::unique_ptr<ShimLatencies> latencies_;
  Server server_;
};

void CheckAppended(FuzzedShim* shim, std::string_view arguments, std::string_view answer) {
  const JsonSlice content =
      FindMember(FindMember(JsonSlice(answer), "result"), "structuredContent");
  if (FindMember(content, "appended").raw() != "true") return;
  const JsonSlice data = FindMember(JsonSlice(arguments), "data");
  if (!FindMember(JsonSlice(arguments), "stream").is_string() || !data.present()) return;
  const NewEvent& event = shim->log().last_batch.events.at(0);
  if (data.raw() != "null") ROOST_CHECK(event.data == data.raw(), "{}", event.data);
  std::string stream;
  AppendJsonString(&stream, event.stream);
  if (event.stream.ends_with('*')) return;  // would be a prefix
  const std::string page =
      shim->Call("read", fmt::format(R"({{"stream":{},"limit":1,"order":"newest"}})", stream));
  JsonWalk events(
      FindMember(FindMember(FindMember(JsonSlice(page), "result"), "structuredContent"), "events"));
  ROOST_CHECK(events.Next(), "{}", page);
  if (FindMember(events.value(), "truncated").present()) return;
  // An answer is one line: a line break between the values of the data is a space there.
  std::string one_line(event.data);
  std::replace(one_line.begin(), one_line.end(), '\r', ' ');
  ROOST_CHECK(FindMember(events.value(), "data").raw() == one_line, "{}", page);
}

void CheckCanonical(std::string_view json) {
  const Result<std::string> canonical = CanonicalJson(json);
  if (!canonical.ok()) return;
  const Result<std::string> again = CanonicalJson(*canonical);
  // A number with a fraction or an exponent may come out as an integer that nobody may write.
  const bool has_large_integer =
      !again.ok() && again.status().message().find("beyond 2^53") != std::string::npos;
  ROOST_CHECK(has_large_integer || (again.ok() && *again == *canonical), "{}", *canonical);
  ROOST_CHECK(CheckJson(*canonical, kCanonicalDepthMax) == JsonFault::kNone, "{}", *canonical);
}

}  // namespace
}  // namespace roost

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace roost;
  FuzzInput input(data, size);
  const std::string_view tool = kTools[input.Below(kTools.size())];
  const std::string_view arguments = input.rest();
  CheckCanonical(arguments);
  // What is no JSON is json_rpc_fuzz.cc's, and would end the line's JSON here.
  if (CheckJson(arguments, 64) != JsonFault::kNone) return -1;
  if (arguments.find('\n') != std::string_view::npos) return -1;
  now_ns = 1'000'000'000'000;
  FuzzedShim shim;
  const std::string answer = shim.Call(tool, arguments);
  if (tool == "append") CheckAppended(&shim, arguments, answer);
  return 0;
}
