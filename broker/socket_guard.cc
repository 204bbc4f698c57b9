#include "broker/socket_guard.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/own_file.h"
#include "base/unix_socket.h"
#include "ipc/socket_path.h"

namespace roost {
namespace {

constexpr int kBacklog = 1024;
constexpr mode_t kPrivateDirectoryMode = 0700;
// Who may open a file, if only to read, may also lock it, and keep every broker from starting.
constexpr mode_t kLockMode = 0600;

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status PrepareDirectory(const std::string& directory) {
  if (::mkdir(directory.c_str(), kPrivateDirectoryMode) != 0 && errno != EEXIST) {
    return Status::FromErrno(errno, "create the socket's directory " + directory);
  }
  // Clients go there without being told, so it must be nobody else's. Elsewhere the operator has chosen.
  if (directory == fmt::format("/tmp/roost-{}", ::geteuid())) {
    return CheckPrivateDirectory(directory);
  }
  struct stat info {};
  if (::stat(directory.c_str(), &info) != 0) {
    return Status::FromErrno(errno, "the socket's directory " + directory);
  }
  if (!S_ISDIR(info.st_mode)) {
    return {StatusCode::kInvalidArgument, directory + " is no directory"};
  }
  return {};
}

// "pid 17" from the first line of a lock file, as far as it can be read.
std::string HolderOf(int lock) {
  char text[32] = {};
  if (::pread(lock, text, sizeof(text) - 1, 0) <= 0) return "of unknown pid";
  return fmt::format("with pid {}", std::strtoul(text, nullptr, 10));
}

}  // namespace

Result<SocketGuard> SocketGuard::Claim(const std::string& path) {
  ROOST_RETURN_IF_ERROR(PrepareDirectory(DirectoryOf(path)));
  const std::string lock_path = LockPath(path);
  // Before it is opened, so that the message says what it is; and after it, for who is quick.
  ROOST_RETURN_IF_ERROR(CheckOwnFileAt(AT_FDCWD, lock_path, lock_path));
  UniqueFd lock(
      ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, kLockMode));
  if (!lock.valid()) return Status::FromErrno(errno, "open " + lock_path);
  struct stat info {};
  if (::fstat(lock.get(), &info) != 0) return Status::FromErrno(errno, "look at " + lock_path);
  ROOST_RETURN_IF_ERROR(CheckOwnFile(info, lock_path));
  if (::fchmod(lock.get(), kLockMode) != 0) return Status::FromErrno(errno, "chmod " + lock_path);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Status::FromErrno(errno, "lock " + lock_path);
    return {StatusCode::kAlreadyExists,
            fmt::format("a broker {} serves {} already; stop it or choose another socket with "
                        "--socket",
                        HolderOf(lock.get()), path)};
  }
  SocketGuard guard(path, std::move(lock));
  ROOST_RETURN_IF_ERROR(guard.WriteHolder(nullptr));
  return guard;
}

SocketGuard::SocketGuard(SocketGuard&& other) noexcept
    : path_(std::move(other.path_)),
      lock_(std::move(other.lock_)),
      listener_(std::move(other.listener_)),
      owns_file_(std::exchange(other.owns_file_, false)) {}

SocketGuard::~SocketGuard() {
  if (owns_file_) ::unlink(path_.c_str());
}

Status SocketGuard::WriteHolder(const uint8_t* log_id) {
  std::string text = fmt::format("{}\n{}\n", ::getpid(), path_);
  for (size_t i = 0; log_id != nullptr && i < 16; ++i) text += fmt::format("{:02x}", log_id[i]);
  text += '\n';
  if (::ftruncate(lock_.get(), 0) != 0 ||
      ::pwrite(lock_.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    return Status::FromErrno(errno, "write " + LockPath(path_));
  }
  return {};
}

Status SocketGuard::Listen(mode_t mode, UniqueFd inherited) {
  if (inherited.valid()) {
    // A client that gives up between epoll_wait and accept must not stop the broker there.
    if (::fcntl(inherited.get(), F_SETFL, O_NONBLOCK) != 0) {
      return Status::FromErrno(errno, "make the inherited socket non-blocking");
    }
    listener_ = std::move(inherited);
    return {};
  }
  ROOST_RETURN_IF_ERROR(CheckOwnFileAt(AT_FDCWD, path_, path_, S_IFSOCK));
  // Whoever bound it does not hold the lock, so it is dead.
  if (::unlink(path_.c_str()) != 0 && errno != ENOENT) {
    return Status::FromErrno(errno, "remove " + path_);
  }
  Result<UniqueFd> listener = ListenSeqpacket(path_, mode, kBacklog);
  if (!listener.ok()) return listener.status();
  listener_ = *std::move(listener);
  owns_file_ = true;
  return {};
}

}  // namespace roost
