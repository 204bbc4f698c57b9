// The log as the dashboard sees it: one libroost client on a thread of its own, so that a broker that does not answer holds up
// no browser. Jobs are done one after another; twenty times a second, and when asked to, it looks how the log stands.
//
// Start it, use it and let it go on the server's thread; what it calls back runs there too, through `post`.
#ifndef ROOST_TOOLS_DASHBOARD_LOG_THREAD_H_
#define ROOST_TOOLS_DASHBOARD_LOG_THREAD_H_

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "base/status.h"
#include "roost/client.h"

namespace roost {

// How the log stands.
struct LogStanding {
  bool reachable = false;  // attached to a broker now. Else `why`; the rest is as it last was
  std::string why;
  std::string log_id;  // with `epoch`: which log it is; empty: never seen
  uint64_t epoch = 0;
  uint64_t head = 0;
  uint64_t streams = 0;

  bool SameLog(const LogStanding& other) const {
    return log_id == other.log_id && epoch == other.epoch;
  }
};

class LogThread {
 public:
  using Task = std::function<void()>;
  // Done on the log's thread; what it returns is called on the server's.
  using Job = std::function<Task(Client& client)>;

  // `post` outlives this. `on_look` is called after each look.
  LogThread(ClientOptions options, std::function<void(Task)> post,
            std::function<void(const LogStanding&)> on_look);
  ~LogThread();  // waits for the job that is under way: as long as the client's timeout at most
  LogThread(const LogThread&) = delete;
  LogThread& operator=(const LogThread&) = delete;

  // Jobs wait in a queue that is as long as the server has connections.
  void Do(Job job);
  // Looks, and then calls `task` on the server's thread: `on_look` was told how the log stands after this call.
  void LookThen(Task task);

 private:
  void Run();
  void Look();

  Client client_;
  const std::function<void(Task)> post_;
  const std::function<void(const LogStanding&)> on_look_;
  LogStanding standing_;  // the log thread's

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;  // under mutex_, as is stop_
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace roost

#endif  // ROOST_TOOLS_DASHBOARD_LOG_THREAD_H_
