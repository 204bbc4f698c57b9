#include "client/mcp/autostart.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>

#include "base/clock.h"
#include "base/unix_socket.h"
#include "ipc/socket_path.h"

namespace roost {
namespace {

std::string BrokerLog(const std::string& socket) { return DirectoryOf(socket) + "/roostd.log"; }

// The roostd in the folder of this program; empty if there is none.
std::string BrokerBesideUs() {
  char path[PATH_MAX];
  const ssize_t size = ::readlink("/proc/self/exe", path, sizeof(path));
  if (size <= 0 || static_cast<size_t>(size) >= sizeof(path)) return "";
  std::string broker = DirectoryOf(std::string(path, static_cast<size_t>(size))) + "/roostd";
  return ::access(broker.c_str(), X_OK) == 0 ? broker : "";
}

// posix_spawn's two property objects, with their lifetime.
class SpawnSettings {
 public:
  explicit SpawnSettings(const std::string& log) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions_, 1, "/dev/null", O_WRONLY, 0);
    // A pipe in the log's place is no log: it would be waited for.
    constexpr int kAppend = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK;
    ::posix_spawn_file_actions_addopen(&actions_, 2, log.c_str(), kAppend, 0600);
    // Whatever else the client left open is none of the broker's business.
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, 3);
    ::posix_spawnattr_init(&attributes_);
    sigset_t all;
    sigset_t none;
    ::sigfillset(&all);
    ::sigemptyset(&none);
    // What this program ignores would stay ignored.
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setflags(&attributes_,
                               POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

}  // namespace

bool Autostart::BrokerAnswers() const {
  const auto connection = ConnectSeqpacket(socket_);
  // A full backlog is a broker, too.
  return connection.ok() || connection.status().code() == StatusCode::kBusy;
}

void Autostart::Ensure(Done done) {
  if (timer_ns_ == UINT64_MAX) {
    if (BrokerAnswers()) return done(Status());
    if (!place_.MayStart()) return done({StatusCode::kUnavailable, NoBrokerMessage(socket_)});
    deadline_ns_ = MonotonicNs() + kWaitNs;
    timer_ns_ = MonotonicNs();
  }
  waiting_.push_back(std::move(done));
}

void Autostart::OnTimer() {
  timer_ns_ = MonotonicNs() + kLookAgainNs;
  if (BrokerAnswers()) return Finish({});
  std::string why;
  if (HasEnded(&why)) return Finish({StatusCode::kUnavailable, why});
  if (MonotonicNs() >= deadline_ns_) {
    return Finish({StatusCode::kUnavailable,
                   fmt::format("roostd was started but does not answer at {}; see {}", socket_,
                               BrokerLog(socket_))});
  }
  if (lock_.valid()) return;
  bool taken = false;
  if (const Status status = TakeLock(&taken); !status.ok()) return Finish(status);
  if (!taken) return;
  // Whoever held the lock before may have started one since we looked.
  if (BrokerAnswers()) return Finish({});
  if (const Status status = Spawn(); !status.ok()) return Finish(status);
}

Status Autostart::TakeLock(bool* taken) {
  Result<UniqueFd> lock = place_.OpenLock();
  if (!lock.ok()) return lock.status();
  if (::flock(lock->get(), LOCK_EX | LOCK_NB) == 0) {
    lock_ = std::move(*lock);
    *taken = true;
  } else if (errno != EWOULDBLOCK && errno != EINTR) {
    return Status::FromErrno(errno, "lock the file beside " + socket_);
  }
  return {};
}

Status Autostart::Spawn() {
  std::string broker = BrokerBesideUs();
  if (broker.empty()) broker = "roostd";
  std::string option = "--socket";
  char* const arguments[] = {broker.data(), option.data(), socket_.data(), nullptr};
  const SpawnSettings settings(BrokerLog(socket_));
  const int error = ::posix_spawnp(&child_, broker.c_str(), settings.actions(),
                                   settings.attributes(), arguments, environ);
  if (error == 0) return {};
  child_ = -1;
  return Status::FromErrno(error, "start " + broker);
}

bool Autostart::HasEnded(std::string* why) {
  int how = 0;
  if (child_ < 0 || ::waitpid(child_, &how, WNOHANG) != child_) return false;
  child_ = -1;
  *why = fmt::format("roostd was started but ended at once ({} {}); see {}",
                     WIFEXITED(how) ? "status" : "signal",
                     WIFEXITED(how) ? WEXITSTATUS(how) : WTERMSIG(how), BrokerLog(socket_));
  return true;
}

void Autostart::Finish(const Status& status) {
  timer_ns_ = UINT64_MAX;
  lock_.Reset();
  const std::vector<Done> waiting = std::move(waiting_);
  waiting_.clear();
  for (const Done& done : waiting) done(status);
}

}  // namespace roost
