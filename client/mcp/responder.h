// Where the answer to one request goes, and in which shape: an answer differs between the eras in what
// stands around it, nothing else. Each request is answered exactly once, or never when it was cancelled.
// A value; one thread. The queue outlives it.
#ifndef ROOST_CLIENT_MCP_RESPONDER_H_
#define ROOST_CLIENT_MCP_RESPONDER_H_

#include <initializer_list>
#include <string>
#include <string_view>

#include "client/mcp/message.h"
#include "client/mcp/output_queue.h"

namespace roost {

// The result object of a tool's answer as it stands in the queue, until more is put there.
struct ToolAnswer {
  std::string_view result;
  size_t text_end = 0;   // of its text, without the quote
  size_t value_end = 0;  // of its structured content
};

class Responder {
 public:
  // `id` is a raw token, empty where the request's could not be found.
  Responder(OutputQueue* output, Era era, std::string_view id)
      : output_(output), era_(era), id_(id) {}

  Era era() const { return era_; }
  const std::string& id() const { return id_; }

  // A tool's answer: `json`, an object without line ends, both as structured content and as text.
  ToolAnswer ToolResult(std::string_view json) const;
  // A tool's refusal: a sentence that the model can act on. `more_members` are "" or begin with a comma.
  void ToolError(std::string_view sentence, std::string_view more_members = {}) const;

  // A whole result object as prebuilt for this era (replies.h), in pieces.
  void Prebuilt(std::initializer_list<std::string_view> result) const;
  // An object of these members ("" or `"a":1,"b":2`) and what the era adds. `ttl_ms` is for results that
  // a modern client may keep: such members are added if it is not negative.
  void Result(std::string_view members, int ttl_ms = -1) const;

  // `data` is JSON, or empty.
  void Error(RpcError code, std::string_view message, std::string_view data = {}) const;
  // The code for "no such resource" depends on the era.
  void ResourceNotFound(std::string_view uri) const;

 private:
  std::string* Begin(std::string_view member) const;
  void EndResult(std::string* line) const;

  OutputQueue* output_;
  Era era_;
  std::string id_;
};

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_RESPONDER_H_
