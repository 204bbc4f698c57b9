// Closes the descriptors that clients passed, on threads of its own: closing may wait. A TCP socket lingers
// for as long as its owner said, a file of a FUSE file system asks its daemon, a memfd of many gigabytes is
// freed. What Roost's own clients pass (a small memfd) is closed at once and needs no thread.
//
// Dispose: any thread; takes a lock, but not for what well-behaved clients pass. Bounded: kThreadsMax
// threads, started when all others are stuck, and kWaitingMax descriptors behind them; past it
// descriptors are left open for good, with a line in the log.
#ifndef ROOST_BROKER_DISPOSER_H_
#define ROOST_BROKER_DISPOSER_H_

#include <memory>
#include <vector>

#include "base/unique_fd.h"

namespace roost {

class Disposer {
 public:
  static constexpr size_t kThreadsMax = 16;
  static constexpr size_t kWaitingMax = 131'072;  // 4 bytes each; the limit of open files comes first, mostly

  Disposer();
  // Does not wait for closings that are under way: the threads end by themselves when those are done, or
  // with the process.
  ~Disposer();

  void Dispose(UniqueFd fd);
  void Dispose(std::vector<UniqueFd>* fds);  // and clears it

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace roost

#endif  // ROOST_BROKER_DISPOSER_H_
