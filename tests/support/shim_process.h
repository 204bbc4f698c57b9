// A real roost-mcp over a socketpair, as MCP clients start it, and the few words of MCP that tests need.
//
// One thread. Replies are matched to calls by id; a reply that is not asked for yet is kept.
#ifndef ROOST_TESTS_SUPPORT_SHIM_PROCESS_H_
#define ROOST_TESTS_SUPPORT_SHIM_PROCESS_H_

#include <boost/json.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/process.h"

namespace roost {

struct ShimSetup {
  std::string socket;
  std::string agent;
  std::vector<std::string> arguments;  // besides --socket and --agent
  std::vector<std::string> environment;
  std::string errors;  // a file for its stderr; empty: the test's own
  std::optional<uid_t> uid;
};

// What a tool answered.
struct ToolResult {
  bool answered = false;  // false: the shim ended, or did not answer before the deadline
  bool is_error = false;
  std::string text;
  boost::json::object content;  // structuredContent; empty if there is none

  bool ok() const { return answered && !is_error; }
  bool Is(std::string_view member) const;          // present and true
  uint64_t Number(std::string_view member) const;  // 0 when it is not there
  const boost::json::array& Array(std::string_view member) const;
};

class ShimProcess {
 public:
  explicit ShimProcess(const ShimSetup& setup);

  ToolResult Call(std::string_view tool, const boost::json::object& arguments,
                  Deadline deadline = Deadline::Default());

  // The two halves of Call, for several calls at once.
  uint64_t StartCall(std::string_view tool, const boost::json::object& arguments);
  ToolResult FinishCall(uint64_t id, Deadline deadline = Deadline::Default());

  // initialize, and the notification after it; false without an answer. Not needed before Call.
  bool Initialize();

  // Raw lines. SendLine waits for room; false when the shim is gone.
  bool SendLine(std::string_view line);
  std::optional<boost::json::value> ReadMessage(Deadline deadline);

  void CloseInput();  // end of file on its stdin, while its stdout can still be read
  Process& process() { return process_; }
  pid_t pid() const { return process_.pid(); }

 private:
  std::optional<boost::json::object> TakeReply(uint64_t id, Deadline deadline);

  UniqueFd stream_;
  std::string input_;
  uint64_t last_id_ = 0;
  std::map<uint64_t, boost::json::object> early_;
  Process process_;  // last: it is killed before the stream closes
};

}  // namespace roost

#endif  // ROOST_TESTS_SUPPORT_SHIM_PROCESS_H_
