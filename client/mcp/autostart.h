// Starts a broker when there is none (--autostart): the roostd beside this program, else the one in PATH,
// in a session of its own, with its stderr appended to roostd.log beside the socket.
//
// Any number of shims may do so at once: whoever holds the lock file looks again and starts one, all
// others wait until somebody answers. Not where the operator has made /run/roost (autostart_place.h). Never
// blocks; one thread. The owner calls OnTimer() when timer_ns() has come.
#ifndef ROOST_CLIENT_MCP_AUTOSTART_H_
#define ROOST_CLIENT_MCP_AUTOSTART_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/unique_fd.h"
#include "client/mcp/autostart_place.h"

namespace roost {

class Autostart {
 public:
  using Done = std::function<void(const Status&)>;

  static constexpr uint64_t kWaitNs = 5'000'000'000;  // for a broker to answer
  static constexpr uint64_t kLookAgainNs = 10'000'000;

  explicit Autostart(std::string socket) : socket_(std::move(socket)), place_(socket_) {}

  // Calls `done`, maybe at once, when a broker answers, or with why none could be started.
  void Ensure(Done done);

  uint64_t timer_ns() const { return timer_ns_; }
  void OnTimer();

 private:
  bool BrokerAnswers() const;
  Status TakeLock(bool* taken);
  Status Spawn();
  // Whether the broker that was started has ended already; says so in *why.
  bool HasEnded(std::string* why);
  void Finish(const Status& status);

  std::string socket_;
  AutostartPlace place_;
  std::vector<Done> waiting_;
  uint64_t timer_ns_ = UINT64_MAX;
  uint64_t deadline_ns_ = 0;
  UniqueFd lock_;     // held from before the broker is started until it answers
  pid_t child_ = -1;  // -1: none, or waited for
};

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_AUTOSTART_H_
