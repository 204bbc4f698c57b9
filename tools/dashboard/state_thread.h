// Looks at the broker once a second by a BrokerWatch, on a thread of its own: that asks nothing of the broker, and goes on when it
// hangs or is dead. Makes of it what the page is sent: the interval's JSON (tools/monitor/monitor_json.h), with the sessions that cost most
// alone.
//
// Start it and let it go on the server's thread; what it calls back runs there too, through `post`.
#ifndef ROOST_TOOLS_DASHBOARD_STATE_THREAD_H_
#define ROOST_TOOLS_DASHBOARD_STATE_THREAD_H_

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "tools/monitor/broker_watch.h"

namespace roost {

class StateThread {
 public:
  using Text = std::shared_ptr<const std::string>;
  static constexpr size_t kSessionsShown = 200;

  // `post` outlives this. `on_state` is called after each look.
  StateThread(std::string counters_path, std::function<void(std::function<void()>)> post,
              std::function<void(Text)> on_state);
  ~StateThread();
  StateThread(const StateThread&) = delete;
  StateThread& operator=(const StateThread&) = delete;

  // The last ten minutes (AppendHistoryJson). Waits for a look under way: a millisecond or so.
  std::string HistoryJson();

 private:
  void Run();
  Text Look();

  const std::function<void(std::function<void()>)> post_;
  const std::function<void(Text)> on_state_;

  std::mutex mutex_;
  std::condition_variable wake_;
  BrokerWatch watch_;  // under mutex_, as is stop_
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace roost

#endif  // ROOST_TOOLS_DASHBOARD_STATE_THREAD_H_
