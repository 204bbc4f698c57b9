// A program that a command runs, with an end that can be polled. One thread. A child that still runs when this goes is
// left to itself.
#ifndef ROOST_TOOLS_CHILD_PROCESS_H_
#define ROOST_TOOLS_CHILD_PROCESS_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/unique_fd.h"

namespace roost {

class ChildProcess {
 public:
  // Runs arguments[0], looked up in PATH, with `environment` ("NAME=value") on top of ours. Its standard input is
  // `input`, to the end, or ours without one. Signals are as a fresh program expects them.
  // kNotFound, kPermissionDenied: it can't be run.
  static Result<ChildProcess> Start(const std::vector<std::string>& arguments,
                                    const std::vector<std::string>& environment,
                                    std::optional<std::string_view> input);

  int fd() const { return pidfd_.get(); }  // readable: it has ended
  void Signal(int number) const;
  // Waits for its end. Its exit status as shells have it: 128 and the signal's number when one ended it.
  int Wait();

 private:
  ChildProcess(pid_t pid, UniqueFd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}

  pid_t pid_;
  UniqueFd pidfd_;
};

}  // namespace roost

#endif  // ROOST_TOOLS_CHILD_PROCESS_H_
