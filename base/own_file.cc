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

Status CheckPlainFile(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return {};
    return Status::FromErrno(errno, "look at " + path);
  }
  if (S_ISREG(info.st_mode)) return {};
  return {StatusCode::kInvalidArgument,
          fmt::format("{} is {}, where a plain file belongs", path, KindName(info.st_mode))};
}

}  // namespace roost
