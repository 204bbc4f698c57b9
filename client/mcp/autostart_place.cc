#include "client/mcp/autostart_place.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "ipc/socket_path.h"

namespace roost {
namespace {

constexpr const char* kLockEnding = ".autostart";

UniqueFd Open(const std::string& path, int flags) {
  return UniqueFd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600));
}

bool IsOurFile(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == ::geteuid();
}

}  // namespace

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

AutostartPlace::AutostartPlace(std::string socket, std::string system_directory)
    : socket_(std::move(socket)),
      directory_(DirectoryOf(socket_)),
      system_directory_(std::move(system_directory)) {}

std::string AutostartPlace::LockPathIn(const std::string& directory) const {
  return directory + '/' + socket_.substr(socket_.rfind('/') + 1) + kLockEnding;
}

bool AutostartPlace::MayStart() const {
  struct stat info {};
  if (::lstat(system_directory_.c_str(), &info) != 0) return errno == ENOENT;
  // Whoever's socket is elsewhere asks after the one that is there by default.
  return IsOurFile(directory_ == system_directory_
                       ? LockPathIn(directory_)
                       : system_directory_ + "/roost.sock" + kLockEnding);
}

Result<UniqueFd> AutostartPlace::OpenLock() const {
  const bool is_system = directory_ == system_directory_;
  if (is_system) {
    ROOST_RETURN_IF_ERROR(MakeSystemDirectory());
  } else if (::mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST) {
    return Status::FromErrno(errno, "make " + directory_ + " for the broker's socket");
  }
  if (directory_.starts_with("/tmp/roost-")) {
    ROOST_RETURN_IF_ERROR(CheckPrivateDirectory(directory_));
  }
  if (!MayStart()) return Status(StatusCode::kUnavailable, NoBrokerMessage(socket_));
  // In the system directory it came with it.
  const std::string path = LockPathIn(directory_);
  UniqueFd lock = Open(path, is_system ? 0 : O_CREAT);
  if (!lock.valid()) return Status::FromErrno(errno, "open " + path);
  return lock;
}

Status AutostartPlace::MakeSystemDirectory() const {
  struct stat info {};
  if (::lstat(system_directory_.c_str(), &info) == 0) return {};
  std::string made = system_directory_ + ".XXXXXX";
  if (::mkdtemp(made.data()) == nullptr) {
    return Status::FromErrno(errno, "make " + system_directory_ + " for the broker's socket");
  }
  const std::string lock = LockPathIn(made);
  int error = Open(lock, O_CREAT | O_EXCL).valid() ? 0 : errno;
  // An empty one of somebody else's would be replaced otherwise.
  if (error == 0 && ::renameat2(AT_FDCWD, made.c_str(), AT_FDCWD, system_directory_.c_str(),
                                RENAME_NOREPLACE) != 0) {
    error = errno;
  }
  if (error == 0) return {};
  ::unlink(lock.c_str());
  ::rmdir(made.c_str());
  if (error == EEXIST || error == ENOTEMPTY) return {};  // somebody was faster
  return Status::FromErrno(error, "make " + system_directory_ + " for the broker's socket");
}

}  // namespace roost
