// Notices that the process which started this one has ended: a closed stdin is not enough, because
// something else may hold the other end open. One thread.
#ifndef ROOST_CLIENT_MCP_PARENT_WATCH_H_
#define ROOST_CLIENT_MCP_PARENT_WATCH_H_

#include <sys/types.h>

#include <cstdint>

#include "base/unique_fd.h"

namespace roost {

class ParentWatch {
 public:
  // Whoever is the parent now counts, also pid 1; there may be none that can be seen (the first process
  // of a container).
  ParentWatch();

  int fd() const {
    return pidfd_.get();
  }  // becomes readable when the parent ends; -1: look at times
  // When to look at gone() even if fd() says nothing; UINT64_MAX: never.
  uint64_t timer_ns() const { return timer_ns_; }
  bool Gone(uint64_t now_ns);

 private:
  pid_t parent_;
  UniqueFd pidfd_;
  uint64_t timer_ns_ = UINT64_MAX;
};

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_PARENT_WATCH_H_
