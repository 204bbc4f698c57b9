// What is still to be written to stdout: whole lines, in order. Never blocks and changes no flag of the
// open file, which it may share with others. One thread.
#ifndef ROOST_CLIENT_MCP_OUTPUT_QUEUE_H_
#define ROOST_CLIENT_MCP_OUTPUT_QUEUE_H_

#include <cstddef>
#include <string>

namespace roost {

class OutputQueue {
 public:
  // While more than this waits, no further request is taken in: a client that does not read its answers
  // is not served either.
  static constexpr size_t kFullBytes = 256 << 10;

  // Where a line is to be appended, with its '\n'.
  std::string* line() { return &pending_; }

  size_t pending_bytes() const { return pending_.size() - written_; }
  bool full() const { return pending_bytes() > kFullBytes; }

  enum class Outcome {
    kDone,     // everything is written
    kBlocked,  // poll for room
    kClosed,   // nobody reads any more
  };
  Outcome WriteTo(int fd);

 private:
  void Release();

  std::string pending_;
  size_t written_ = 0;  // of pending_, from its front
  bool is_socket_ = true;
};

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_OUTPUT_QUEUE_H_
