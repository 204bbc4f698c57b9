#include "tools/top/terminal_rescue.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/unique_fd.h"

namespace roost {
namespace {

constexpr int kCrashSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

// All that the handler of a crash may use: it calls nothing but what is safe in one.
struct Rescue {
  int terminal = -1;
  termios modes{};
  std::array<char, 512> leave{};
  size_t leave_size = 0;
  int errors = -1;   // the true stderr
  int kept = -1;     // a memfd that stands in for it
  bool began = false;
};
Rescue rescue;

void WriteAll(int fd, const char* text, size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(fd, text, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text += written;
    size -= static_cast<size_t>(written);
  }
}

void GiveErrorsBack() {
  if (rescue.kept < 0) return;
  std::array<char, 4096> text;
  off_t at = 0;
  for (ssize_t size; (size = ::pread(rescue.kept, text.data(), text.size(), at)) > 0; at += size) {
    WriteAll(rescue.errors, text.data(), static_cast<size_t>(size));
  }
  ::dup2(rescue.errors, STDERR_FILENO);
}

void OnCrash(int number) {
  WriteAll(rescue.terminal, rescue.leave.data(), rescue.leave_size);
  ::tcsetattr(rescue.terminal, TCSANOW, &rescue.modes);
  GiveErrorsBack();
  ::raise(number);  // SA_RESETHAND: now it ends the process
}

Status KeepErrors() {
#ifndef ROOST_SANITIZED  // a sanitizer ends the process in its own way, and must be heard
  rescue.errors = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  rescue.kept = ::memfd_create("roost-errors", MFD_CLOEXEC);
  if (rescue.errors < 0 || rescue.kept < 0 || ::dup2(rescue.kept, STDERR_FILENO) < 0) {
    return Status::FromErrno(errno, "keep standard error back");
  }
#endif
  return {};
}

}  // namespace

Status BeginTerminalRescue(int fd, std::string_view leave) {
  rescue = {};
  rescue.terminal = fd;
  rescue.leave_size = leave.copy(rescue.leave.data(), rescue.leave.size());
  if (::tcgetattr(fd, &rescue.modes) != 0) return Status::FromErrno(errno, "look at the terminal");
  if (const Status kept = KeepErrors(); !kept.ok()) return kept;
  struct sigaction action {};
  action.sa_handler = OnCrash;
  action.sa_flags = SA_RESETHAND | SA_NODEFER;
  for (const int number : kCrashSignals) ::sigaction(number, &action, nullptr);
  rescue.began = true;
  return {};
}

void EndTerminalRescue() {
  if (!rescue.began) return;
  for (const int number : kCrashSignals) ::signal(number, SIG_DFL);
  GiveErrorsBack();
  for (const int fd : {rescue.errors, rescue.kept}) {
    if (fd >= 0) ::close(fd);
  }
  rescue = {};
}

}  // namespace roost
