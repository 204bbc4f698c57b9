#include "benchmarks/compare/harness/processes.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <csignal>
#include <cstdio>

#include "base/clock.h"

namespace roost::compare {
namespace {

pid_t ForkTiedToParent() {
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  ROOST_CHECK(pid >= 0, "fork: {}", errno);
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::prctl(PR_SET_TIMERSLACK, 1000);  // pauses are as long as they say
  }
  return pid;
}

void CheckEndedWell(pid_t pid, int status) {
  ROOST_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "client {} failed: status {:#x}", pid,
              status);
}

// What this process had at the start: a child has inherited less, perhaps.
const cpu_set_t& AvailableCpus() {
  static const cpu_set_t available = [] {
    cpu_set_t cpus;
    ROOST_CHECK(::sched_getaffinity(0, sizeof(cpus), &cpus) == 0);
    return cpus;
  }();
  return available;
}

void SetCpus(bool last) {
  const cpu_set_t& available = AvailableCpus();
  cpu_set_t wanted;
  if (CPU_COUNT(&available) < 2) return;
  int highest = CPU_SETSIZE - 1;
  while (!CPU_ISSET(highest, &available)) --highest;
  CPU_ZERO(&wanted);
  CPU_SET(highest, &wanted);
  if (!last) CPU_XOR(&wanted, &available, &wanted);
  ROOST_CHECK(::sched_setaffinity(0, sizeof(wanted), &wanted) == 0);
}

}  // namespace

void Meeting::Arrive() {
  ready.fetch_add(1, std::memory_order_acq_rel);
  while (go.load(std::memory_order_acquire) == 0) {
    ::syscall(SYS_futex, &go, FUTEX_WAIT, 0, nullptr, nullptr, 0);
  }
}

void Meeting::Go() {
  go.store(1, std::memory_order_release);
  ::syscall(SYS_futex, &go, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

void Meeting::WaitForAll(uint32_t count, Children* children) {
  const uint64_t start = MonotonicNs();
  while (ready.load(std::memory_order_acquire) < count) {
    ROOST_CHECK(MonotonicNs() - start < 60 * kNsPerSecond, "{} of {} clients came",
                ready.load(std::memory_order_relaxed), count);
    children->CheckNoneFailed();
    ::usleep(1000);
  }
}

Children::~Children() {
  for (const pid_t pid : pids_) ::kill(pid, SIGKILL);
  for (const pid_t pid : pids_) ::waitpid(pid, nullptr, 0);
}

void Children::Fork(const std::function<void()>& child) {
  const pid_t pid = ForkTiedToParent();
  if (pid == 0) {
    child();
    ::_exit(0);
  }
  pids_.push_back(pid);
}

void Children::Join() {
  for (const pid_t pid : pids_) {
    int status = 0;
    ROOST_CHECK(::waitpid(pid, &status, 0) == pid);
    CheckEndedWell(pid, status);
  }
  pids_.clear();
}

void Children::CheckNoneFailed() {
  for (auto pid = pids_.begin(); pid != pids_.end();) {
    int status = 0;
    if (::waitpid(*pid, &status, WNOHANG) == *pid) {
      CheckEndedWell(*pid, status);
      pid = pids_.erase(pid);
    } else {
      ++pid;
    }
  }
}

void RunInChild(const std::function<void()>& child) {
  Children one;
  one.Fork(child);
  one.Join();
}

void ServerProcess::Start(const std::vector<std::string>& command, const std::filesystem::path& log,
                          const std::function<bool()>& ready) {
  pid_ = ForkTiedToParent();
  if (pid_ == 0) {
    const int output = ::open(log.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    std::vector<char*> arguments;
    for (const std::string& argument : command)
      arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  WaitUntil(ready, command[0]);
}

void ServerProcess::Fork(const std::function<void()>& server, const std::function<bool()>& ready) {
  pid_ = ForkTiedToParent();
  if (pid_ == 0) {
    server();
    ::_exit(1);
  }
  WaitUntil(ready, "the sequencer");
}

void ServerProcess::WaitUntil(const std::function<bool()>& ready, const std::string& name) {
  const uint64_t start = MonotonicNs();
  while (!ready()) {
    int status = 0;
    ROOST_CHECK(::waitpid(pid_, &status, WNOHANG) == 0, "{} did not start: status {:#x}", name,
                status);
    ROOST_CHECK(MonotonicNs() - start < 60 * kNsPerSecond, "{} is not ready", name);
    ::usleep(2000);
  }
}

void ServerProcess::Stop() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGTERM);
  const uint64_t start = MonotonicNs();
  while (::waitpid(pid_, nullptr, WNOHANG) == 0) {
    if (MonotonicNs() - start > 20 * kNsPerSecond) ::kill(pid_, SIGKILL);
    ::usleep(1000);
  }
  pid_ = -1;
}

std::string OutputOf(const std::string& command) {
  FILE* pipe = ::popen((command + " 2>/dev/null").c_str(), "r");
  if (pipe == nullptr) return {};
  std::string text;
  std::array<char, 256> piece;
  while (std::fgets(piece.data(), piece.size(), pipe) != nullptr) text += piece.data();
  ::pclose(pipe);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

void StayOnLastCpu() { SetCpus(true); }
void StayOffLastCpu() { SetCpus(false); }

}  // namespace roost::compare
