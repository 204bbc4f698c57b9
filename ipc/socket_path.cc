#include "ipc/socket_path.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>

namespace roost {
namespace {

constexpr std::string_view kSystemDirectory = "/run/roost";

bool IsDirectory(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

}  // namespace

Result<std::string> ChooseSocketPath(const std::string& given) {
  if (!given.empty()) return given;
  if (const char* from_environment = std::getenv("ROOST_SOCKET");
      from_environment != nullptr && *from_environment != '\0') {
    return std::string(from_environment);
  }
  const std::string system_directory(kSystemDirectory);
  if (::geteuid() == 0 || IsDirectory(system_directory)) return system_directory + "/roost.sock";
  const std::string directory = fmt::format("/tmp/roost-{}", ::geteuid());
  ROOST_RETURN_IF_ERROR(CheckPrivateDirectory(directory));
  return directory + "/roost.sock";
}

Status CheckPrivateDirectory(const std::string& directory) {
  struct stat info {};
  if (::lstat(directory.c_str(), &info) != 0) {
    if (errno == ENOENT) return {};
    return Status::FromErrno(errno, "look at " + directory);
  }
  std::string trouble;
  if (S_ISLNK(info.st_mode)) {
    trouble = "is a symbolic link";
  } else if (!S_ISDIR(info.st_mode)) {
    trouble = "is no directory";
  } else if (info.st_uid != ::geteuid()) {
    trouble = fmt::format("belongs to uid {}, not to us (uid {})", info.st_uid, ::geteuid());
  } else if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    trouble =
        fmt::format("can be written by others (mode {:o}, should be 700)", info.st_mode & 07777);
  } else {
    return {};
  }
  return {
      StatusCode::kPermissionDenied,
      fmt::format("{} {}, so its socket can't be trusted; remove it, or name another socket with "
                  "--socket or ROOST_SOCKET",
                  directory, trouble)};
}

std::string CountersPath(const std::string& socket) {
  constexpr std::string_view kSuffix = ".sock";
  std::string_view stem = socket;
  if (stem.ends_with(kSuffix)) stem.remove_suffix(kSuffix.size());
  return std::string(stem) + ".counters";
}

std::string LockPath(const std::string& socket) { return socket + ".lock"; }

std::string NoBrokerMessage(const std::string& socket) {
  std::string message =
      fmt::format("no broker at {}; start one with: roostd --socket {}", socket, socket);
  if (socket.starts_with("/tmp/")) {
    message +=
        " (if one runs already, this process may have a private /tmp: share the socket's directory "
        "with it, or choose a path outside /tmp with --socket or ROOST_SOCKET)";
  } else {
    message +=
        " (if one runs already, share the socket's directory with this process, e.g. as a mount of "
        "its container)";
  }
  return message;
}

}  // namespace roost
