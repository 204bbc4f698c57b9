#include "tests/support/process.h"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "tests/support/scratch.h"

namespace roost {
namespace {

std::vector<std::string> EnvironmentWith(const std::vector<std::string>& additions) {
  std::vector<std::string> all;
  for (char** item = environ; *item != nullptr; ++item) all.emplace_back(*item);
  for (const std::string& addition : additions) {
    const std::string name = addition.substr(0, addition.find('='));
    std::erase_if(all, [&](const std::string& item) { return item.starts_with(name + "="); });
    if (name != addition) all.push_back(addition);
  }
  return all;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

constexpr size_t kDescriptorsMax = 16;

// Between fork and exec, where other threads of the test may have held any lock: system calls alone.
struct ChildPlan {
  char* const* arguments;
  char* const* environment;
  const std::pair<int, int>* descriptors;
  size_t descriptor_count;
  bool change_user;
  uid_t uid;
  pid_t parent;
};

[[noreturn]] void BecomeProgram(const ChildPlan& plan) {
  // First out of the way of all target numbers, then to them: the two ranges may overlap.
  constexpr int kSafe = 700;
  int moved[kDescriptorsMax];
  for (size_t i = 0; i < plan.descriptor_count; ++i) {
    moved[i] = ::fcntl(plan.descriptors[i].first, F_DUPFD_CLOEXEC, kSafe);
    if (moved[i] < 0) ::_exit(126);
  }
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(nothing, STDOUT_FILENO);
  for (size_t i = 0; i < plan.descriptor_count; ++i) ::dup2(moved[i], plan.descriptors[i].second);
  if (plan.change_user) {
    if (::setgroups(0, nullptr) != 0 || ::setgid(plan.uid) != 0 || ::setuid(plan.uid) != 0) {
      ::_exit(126);
    }
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // after setuid, which takes it back
  if (::getppid() != plan.parent) ::_exit(126);
  ::execve(plan.arguments[0], plan.arguments, plan.environment);
  ::_exit(127);
}

void ReadSome(UniqueFd* fd, std::string* to) {
  char buffer[16384];
  const ssize_t size = ::read(fd->get(), buffer, sizeof(buffer));
  if (size > 0) {
    to->append(buffer, static_cast<size_t>(size));
  } else if (size == 0 || errno != EINTR) {
    fd->Reset();
  }
}

}  // namespace

std::string ProgramPath(const std::string& name) { return std::string(ROOST_BIN_DIR "/") + name; }

Process::Process(const ProcessOptions& options) {
  std::vector<std::string> arguments = options.arguments;
  std::vector<std::string> environment = EnvironmentWith(options.environment);
  const std::vector<char*> argument_pointers = Pointers(arguments);
  const std::vector<char*> environment_pointers = Pointers(environment);
  EXPECT_LE(options.descriptors.size(), kDescriptorsMax);
  const ChildPlan plan{argument_pointers.data(),
                       environment_pointers.data(),
                       options.descriptors.data(),
                       options.descriptors.size(),
                       options.uid.has_value(),
                       options.uid.value_or(0),
                       ::getpid()};
  pid_ = ::fork();
  if (pid_ == 0) BecomeProgram(plan);
  EXPECT_GT(pid_, 0) << "fork: " << std::strerror(errno);
}

Process& Process::operator=(Process&& other) noexcept {
  if (this != &other) {
    Kill9();
    pid_ = std::exchange(other.pid_, -1);
  }
  return *this;
}

Process::~Process() { Kill9(); }

bool Process::running() const {
  if (!started()) return false;
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0)
    return false;
  return info.si_pid == 0;
}

void Process::Signal(int number) const {
  if (started()) ::kill(pid_, number);
}

void Process::Stop() const {
  if (!started()) return;
  ::kill(pid_, SIGSTOP);
  // The kernel reports a stop when the last thread has come to it. WNOWAIT leaves an ending to Wait().
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WEXITED | WNOWAIT) != 0 &&
         errno == EINTR) {
  }
}

Ending Process::Wait(Deadline deadline) {
  Ending ending;
  if (!started()) return ending;
  if (!Eventually([&] { return !running(); }, deadline)) {
    ADD_FAILURE() << "process " << pid_ << " did not end in time";
    ::kill(pid_, SIGKILL);
  }
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  if (WIFEXITED(status)) ending.exit_status = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) ending.signal = WTERMSIG(status);
  return ending;
}

void Process::Kill9() {
  if (!started()) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

Finished RunProgram(ProcessOptions options, Deadline deadline) {
  Finished finished;
  int out[2], err[2];
  EXPECT_EQ(::pipe2(out, O_CLOEXEC), 0);
  EXPECT_EQ(::pipe2(err, O_CLOEXEC), 0);
  UniqueFd out_read(out[0]), err_read(err[0]), out_write(out[1]), err_write(err[1]);
  options.descriptors.emplace_back(out_write.get(), STDOUT_FILENO);
  options.descriptors.emplace_back(err_write.get(), STDERR_FILENO);
  Process process(options);
  out_write.Reset();
  err_write.Reset();
  while ((out_read.valid() || err_read.valid()) && !deadline.Passed()) {
    pollfd items[2] = {{out_read.get(), POLLIN, 0}, {err_read.get(), POLLIN, 0}};
    if (::poll(items, 2, deadline.PollTimeout()) <= 0) continue;
    if (items[0].revents != 0) ReadSome(&out_read, &finished.output);
    if (items[1].revents != 0) ReadSome(&err_read, &finished.errors);
  }
  finished.ending = process.Wait(deadline);
  return finished;
}

uint64_t CpuTicks(pid_t pid) {
  const std::string stat = ReadFile("/proc/" + std::to_string(pid) + "/stat");
  // The name in parentheses may contain anything, so count fields from behind it: state is field 3.
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(stat.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  uint64_t user = 0, system = 0;
  fields >> user >> system;
  return user + system;
}

size_t OpenDescriptors(pid_t pid) {
  std::error_code error;
  size_t count = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd", error)) {
    (void)entry;
    ++count;
  }
  return count;
}

std::vector<pid_t> ProcessesWithArgument(const std::string& argument) {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (!std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c); })) {
      continue;
    }
    // Arguments are separated by zero bytes; the leading one lets the first match like the others.
    const std::string arguments = std::string(1, '\0') + ReadFile(entry.path() / "cmdline");
    if (arguments.find('\0' + argument + '\0') != std::string::npos) {
      found.push_back(static_cast<pid_t>(std::stol(name)));
    }
  }
  return found;
}

}  // namespace roost
