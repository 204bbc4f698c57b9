// Stands between a client and the broker on the control socket, hands messages and descriptors on, and
// cuts the connection exactly where a test wants it cut.
//
// A thread of its own does the work; the functions are for the test's thread. A new connection of the
// client gets a new one to the broker. A cut happens once; after it messages pass until Cut() is called
// again.
#ifndef ROOST_TESTS_SUPPORT_CUTTING_PROXY_H_
#define ROOST_TESTS_SUPPORT_CUTTING_PROXY_H_

#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/unique_fd.h"

namespace roost {

enum class Direction { kToBroker, kToClient };

class CuttingProxy {
 public:
  CuttingProxy(std::string listen_path, std::string broker_path);
  ~CuttingProxy();
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;

  // Cuts at the `count`th message (from 1) in `direction` from now on, over all connections. The message
  // is lost, or handed on first when `deliver` is set.
  void Cut(Direction direction, uint64_t count, bool deliver);
  // From now on replies are swallowed and the connection stays open, until the broker ends it.
  void SwallowReplies();
  void PassReplies();

  bool has_cut() const;                          // the last Cut() has happened
  uint64_t swallowed() const;                    // replies
  uint64_t messages(Direction direction) const;  // since the beginning

 private:
  struct Pipe {
    UniqueFd client;
    UniqueFd broker;
  };
  struct Plan {
    Direction direction;
    uint64_t left;
    bool deliver;
  };

  void Run();
  void Accept();
  // False when the pipe has ended.
  bool Pass(Pipe* pipe, Direction direction);

  const std::string broker_path_;
  UniqueFd listener_;
  UniqueFd stop_;  // eventfd
  std::list<Pipe> pipes_;

  mutable std::mutex mutex_;  // guards what follows
  std::optional<Plan> plan_;
  bool swallow_ = false;
  uint64_t swallowed_ = 0;
  uint64_t passed_[2] = {0, 0};

  std::thread thread_;
};

}  // namespace roost

#endif  // ROOST_TESTS_SUPPORT_CUTTING_PROXY_H_
