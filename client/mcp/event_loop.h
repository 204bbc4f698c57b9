// One thread around one poll: the client's lines, its reading of our answers, the broker, the parent, and
// timers. Nothing in it blocks but the poll.
#ifndef ROOST_CLIENT_MCP_EVENT_LOOP_H_
#define ROOST_CLIENT_MCP_EVENT_LOOP_H_

#include <cstdint>

#include "client/mcp/line_reader.h"
#include "client/mcp/log_session.h"
#include "client/mcp/output_queue.h"
#include "client/mcp/parent_watch.h"
#include "client/mcp/server.h"

namespace roost {

class EventLoop {
 public:
  // After the end of input, what is under way may still be answered for so long; and so long may a
  // client that has hung up read nothing of its answers before they are dropped.
  static constexpr uint64_t kWorkNs = 500'000'000;
  static constexpr uint64_t kWriteNs = 2'000'000'000;

  EventLoop(int input, int output, LogSession* log, ShimLatencies* latencies);

  // Until the client closes its end (everything that could be answered was), or does not listen any
  // more, or the parent has ended.
  void Run();

 private:
  enum class Step { kGoOn, kStop };

  Step Turn();
  void Poll();
  Step Read();
  void ServeLines();
  Step Write();
  void RunTimers();
  uint64_t NextTimerNs() const;
  bool Finished() const;

  int input_;
  int output_;
  LogSession* log_;
  OutputQueue queue_;
  LineReader lines_;
  Server server_;
  ParentWatch parent_;

  // Of the last poll.
  bool input_ready_ = false;
  bool output_ready_ = false;
  bool log_ready_ = false;
  bool parent_ready_ = false;

  bool lines_left_ = false;     // in lines_, not served because the queue was full or others' turn
  bool input_hung_up_ = false;  // no more comes, though something may still be there to be read
  bool input_ended_ = false;
  uint64_t work_by_ns_ = UINT64_MAX;
  uint64_t write_by_ns_ = UINT64_MAX;
  bool blocked_ = false;  // the client has no room for answers
};

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_EVENT_LOOP_H_
