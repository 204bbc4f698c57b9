#include "tools/stop_signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

namespace roost {

Result<StopSignals> StopSignals::Catch() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  if (::sigprocmask(SIG_BLOCK, &signals, nullptr) != 0) {
    return Status::FromErrno(errno, "block signals");
  }
  UniqueFd fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.valid()) return Status::FromErrno(errno, "make a signalfd");
  return StopSignals(std::move(fd));
}

bool StopSignals::Came() {
  signalfd_siginfo info;
  if (!came_ && ::read(fd_.get(), &info, sizeof(info)) == sizeof(info)) came_ = true;
  return came_;
}

}  // namespace roost
