// Processes of a crowd, by their numbers; killed and waited for when it goes.
#ifndef ROOST_BENCHMARKS_CROWD_CHILD_PROCESSES_H_
#define ROOST_BENCHMARKS_CROWD_CHILD_PROCESSES_H_

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <vector>

#include "base/check.h"
#include "benchmarks/crowd/crowd_server.h"

namespace roost {

class ChildProcesses {
 public:
  ChildProcesses() = default;
  ~ChildProcesses() { Kill(); }
  ChildProcesses(const ChildProcesses&) = delete;
  ChildProcesses& operator=(const ChildProcesses&) = delete;

  // `child` may return: the process ends then.
  void Fork(const std::function<void()>& child) {
    const pid_t pid = ::fork();
    ROOST_CHECK(pid >= 0);
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ScheduleAsCrowd();
      child();
      ::_exit(0);
    }
    pids_.push_back(pid);
  }

  // To the first `count` of them.
  void Signal(int signal, size_t count) const {
    for (size_t i = 0; i < count && i < pids_.size(); ++i) ::kill(pids_[i], signal);
  }
  size_t size() const { return pids_.size(); }

  void Kill() {
    Signal(SIGKILL, pids_.size());
    for (const pid_t pid : pids_) ::waitpid(pid, nullptr, 0);
    pids_.clear();
  }

 private:
  std::vector<pid_t> pids_;
};

}  // namespace roost

#endif  // ROOST_BENCHMARKS_CROWD_CHILD_PROCESSES_H_
