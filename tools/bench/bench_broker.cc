#include "tools/bench/bench_broker.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include "base/unique_fd.h"

namespace roost {
namespace {

constexpr int kReadyTimeoutMs = 10'000;
constexpr int kEndTimeoutMs = 10'000;

std::string LastLine(const std::string& path) {
  std::ifstream file(path);
  std::string last;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) last = line;
  }
  return last;
}

// In the child, between fork and exec: nothing but system calls.
[[noreturn]] void BecomeBroker(char* const* arguments, const char* log, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int out = ::open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (out < 0 || ::dup2(out, STDOUT_FILENO) < 0 || ::dup2(out, STDERR_FILENO) < 0) ::_exit(127);
  ::execvp(arguments[0], arguments);
  ::_exit(127);
}

}  // namespace

Result<std::unique_ptr<BenchDirectory>> BenchDirectory::Make() {
  const char* temporary = std::getenv("TMPDIR");
  std::string path = temporary != nullptr && *temporary != '\0' ? temporary : "/tmp";
  path += "/roost-bench-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) return Status::FromErrno(errno, "make " + path);
  return std::unique_ptr<BenchDirectory>(new BenchDirectory(path));
}

BenchDirectory::~BenchDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Result<std::unique_ptr<BenchBroker>> BenchBroker::Start(const std::string& program,
                                                        const std::string& directory) {
  std::unique_ptr<BenchBroker> broker(new BenchBroker(directory));
  ROOST_RETURN_IF_ERROR(broker->Run(program, directory));
  return broker;
}

Status BenchBroker::Run(const std::string& program, const std::string& directory) {
  int ends[2];
  if (::pipe2(ends, 0) != 0) return Status::FromErrno(errno, "make a pipe");
  const UniqueFd ready(ends[0]);
  UniqueFd ready_end(ends[1]);
  ::fcntl(ready.get(), F_SETFD, FD_CLOEXEC);
  std::vector<std::string> arguments = {program,
                                        "--socket",
                                        socket_,
                                        "--data",
                                        directory + "/data",
                                        "--ready-fd",
                                        std::to_string(ready_end.get())};
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) return Status::FromErrno(errno, "start " + program);
  if (pid_ == 0) BecomeBroker(pointers.data(), log_.c_str(), parent);
  ready_end.Reset();
  return WaitUntilReady(ready.get());
}

Status BenchBroker::WaitUntilReady(int ready) const {
  pollfd poll = {ready, POLLIN, 0};
  int polled;
  do polled = ::poll(&poll, 1, kReadyTimeoutMs);
  while (polled < 0 && errno == EINTR);
  char byte;
  if (polled == 1 && ::read(ready, &byte, 1) == 1) return {};
  const std::string line = LastLine(log_);
  return {polled == 0 ? StatusCode::kTimedOut : StatusCode::kUnavailable,
          fmt::format("the broker of the benchmark {}{}",
                      polled == 0 ? "is not ready after 10 s" : "could not be started",
                      line.empty() ? "" : ": " + line)};
}

// One that does not end is of no use to anybody: this may be the very build that is on trial.
BenchBroker::~BenchBroker() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGTERM);
  for (int i = 0; i < kEndTimeoutMs; ++i) {
    const pid_t ended = ::waitpid(pid_, nullptr, WNOHANG);
    if (ended == pid_ || (ended < 0 && errno != EINTR)) return;
    ::poll(nullptr, 0, 1);
  }
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace roost
