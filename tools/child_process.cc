#include "tools/child_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

namespace roost {
namespace {

// In a file of its own rather than a pipe: nobody has to feed a child that reads slowly, or not at all.
Result<UniqueFd> FileWith(std::string_view text) {
  UniqueFd fd(::memfd_create("roost-input", MFD_CLOEXEC));
  if (!fd.valid()) return Status::FromErrno(errno, "make a file for the command's input");
  while (!text.empty()) {
    const ssize_t written = ::write(fd.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Status::FromErrno(errno, "write the command's input");
    text.remove_prefix(static_cast<size_t>(written));
  }
  if (::lseek(fd.get(), 0, SEEK_SET) != 0) return Status::FromErrno(errno, "rewind the input");
  return fd;
}

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Ours, with `additions` instead of what has the same name.
std::vector<std::string> Environment(const std::vector<std::string>& additions) {
  std::vector<std::string> all = additions;
  for (char** variable = ::environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    const std::string_view name = text.substr(0, text.find('=') + 1);
    bool is_replaced = false;
    for (const std::string& addition : additions) is_replaced |= addition.starts_with(name);
    if (!is_replaced) all.emplace_back(text);
  }
  return all;
}

// What the child's first moments are to be like; gives back what the two need.
class SpawnSettings {
 public:
  explicit SpawnSettings(int input) {
    ::posix_spawn_file_actions_init(&actions);
    if (input >= 0) ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    ::posix_spawnattr_init(&attributes);
    sigset_t none, ours;
    sigemptyset(&none);
    sigemptyset(&ours);
    sigaddset(&ours, SIGPIPE);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &ours);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

}  // namespace

Result<ChildProcess> ChildProcess::Start(const std::vector<std::string>& arguments,
                                         const std::vector<std::string>& environment,
                                         std::optional<std::string_view> input) {
  UniqueFd file;
  if (input.has_value()) {
    Result<UniqueFd> made = FileWith(*input);
    if (!made.ok()) return made.status();
    file = std::move(*made);
  }
  const std::vector<std::string> variables = Environment(environment);
  const SpawnSettings settings(file.get());
  pid_t pid = -1;
  const int error =
      ::posix_spawnp(&pid, arguments[0].c_str(), &settings.actions, &settings.attributes,
                     Pointers(arguments).data(), Pointers(variables).data());
  if (error != 0) return Status::FromErrno(error, "run " + arguments[0]);
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd.valid()) return Status::FromErrno(errno, "watch " + arguments[0]);
  return ChildProcess(pid, std::move(pidfd));
}

void ChildProcess::Signal(int number) const { ::kill(pid_, number); }

int ChildProcess::Wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace roost
