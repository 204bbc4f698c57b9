#include "base/own_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>

namespace roost {
namespace {

const char* KindName(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return "a plain file";
    case S_IFSOCK:
      return "a socket";
    case S_IFLNK:
      return "a symbolic link";
    case S_IFIFO:
      return "a fifo";
    case S_IFDIR:
      return "a directory";
    default:
      return "a device";
  }
}

Status CheckPlain(const struct stat& info, const std::string& path) {
  if (S_ISREG(info.st_mode)) return {};
  return {StatusCode::kInvalidArgument,
          fmt::format("{} is {}, where a plain file belongs", path, KindName(info.st_mode))};
}

Status CheckPlainAt(int directory, const std::string& name, const std::string& path) {
  struct stat info {};
  if (::fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
    return CheckPlain(info, path);
  }
  return errno == ENOENT ? Status() : Status::FromErrno(errno, "look at " + path);
}

}  // namespace

Status CheckOwnFile(const struct stat& info, const std::string& path, mode_t kind) {
  std::string trouble;
  if ((info.st_mode & S_IFMT) != kind) {
    trouble = fmt::format("is {}, where {} belongs", KindName(info.st_mode), KindName(kind));
  } else if (info.st_uid != ::geteuid()) {
    trouble = fmt::format("belongs to uid {}, not to us (uid {})", info.st_uid, ::geteuid());
  } else if (kind == S_IFREG && info.st_nlink > 1) {
    trouble = fmt::format("is a file with {} names (hard links), which would all be written",
                          info.st_nlink);
  } else {
    return {};
  }
  return {StatusCode::kPermissionDenied,
          fmt::format("{} {}; it was left as it is: remove it, or choose another place", path,
                      trouble)};
}

Status CheckOwnFileAt(int directory, const std::string& name, const std::string& path,
                      mode_t kind) {
  struct stat info {};
  if (::fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return {};
    return Status::FromErrno(errno, "look at " + path);
  }
  return CheckOwnFile(info, path, kind);
}

Status CheckPlainFile(const std::string& path) { return CheckPlainAt(AT_FDCWD, path, path); }

Result<UniqueFd> OpenPlainFileAt(int directory, const std::string& name, const std::string& path,
                                 int flags) {
  ROOST_RETURN_IF_ERROR(CheckPlainAt(directory, name, path));
  UniqueFd fd;
  do {
    fd.Reset(::openat(directory, name.c_str(),
                      flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600));
  } while (!fd.valid() && errno == EINTR);
  if (!fd.valid() && errno == EWOULDBLOCK) {
    return {StatusCode::kBusy,
            fmt::format("open {}: another program has a lease on it, which the kernel ends within "
                        "a minute: try again",
                        path)};
  }
  if (!fd.valid() && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
    return {StatusCode::kBusy, Status::FromErrno(errno, "open " + path).message() +
                                   ": try again when others have closed some or ended"};
  }
  if (!fd.valid()) return Status::FromErrno(errno, "open " + path);
  // It may have been exchanged meanwhile.
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return Status::FromErrno(errno, "stat " + path);
  ROOST_RETURN_IF_ERROR(CheckPlain(info, path));
  return fd;
}

Result<UniqueFd> OpenPlainFile(const std::string& path, int flags) {
  return OpenPlainFileAt(AT_FDCWD, path, path, flags);
}

}  // namespace roost
