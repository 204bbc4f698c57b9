#include "log/data_directory.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <span>

#include <fmt/core.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/own_file.h"
#include "log/file_io.h"

namespace roost {
namespace {

constexpr std::string_view kLockName = "lock";
constexpr std::string_view kIdentityName = "identity";

// Makes each missing directory of the path, for the owner alone.
Status MakeDirectories(const std::string& path) {
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (!part.empty() && ::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) {
      // An unwritable parent that is there is no obstacle; that the directory is missing is.
      struct stat info {};
      const int error = errno;
      if (::stat(part.c_str(), &info) != 0) {
        return Status::FromErrno(error, "make data directory " + part);
      }
    }
    if (end == std::string::npos) return {};
  }
}

// Only we may write here: whoever else could put files in could make us read or overwrite others.
Status CheckOwner(int fd, const std::string& path) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return Status::FromErrno(errno, "stat " + path);
  if (info.st_uid != ::geteuid()) {
    return {
        StatusCode::kPermissionDenied,
        fmt::format("data directory {} belongs to uid {}, this is uid {}: run the broker as its "
                    "owner or choose another --data",
                    path, info.st_uid, ::geteuid())};
  }
  if ((info.st_mode & 0022) != 0) {
    return {StatusCode::kPermissionDenied,
            fmt::format("data directory {} can be written by others (mode {:04o}): chmod 0700 it",
                        path, info.st_mode & 07777)};
  }
  return {};
}

bool IsAll(const uint8_t (&id)[16], uint8_t value) {
  return std::all_of(std::begin(id), std::end(id), [=](uint8_t byte) { return byte == value; });
}

uint32_t IdentityChecksum(const IdentityFile& identity) {
  const auto* bytes = reinterpret_cast<const std::byte*>(&identity);
  return Crc32c(0, Bytes(bytes, offsetof(IdentityFile, crc32c)));
}

std::string ReadSmallFile(int fd) {
  std::array<std::byte, 1024> text;
  auto got = ReadAt(fd, text, 0, kLockName);
  return got.ok() ? std::string(AsText(Bytes(text).first(*got))) : std::string();
}

std::string Line(const std::string& text, int number) {
  size_t begin = 0;
  for (; number > 0; --number) {
    begin = text.find('\n', begin);
    if (begin == std::string::npos) return {};
    ++begin;
  }
  const size_t end = text.find('\n', begin);
  return end == std::string::npos ? std::string() : text.substr(begin, end - begin);
}

// The lock file's text as a sentence's part, or "".
std::string DescribeLock(const std::string& text) {
  const std::string pid = Line(text, 0);
  const std::string socket = Line(text, 1);
  if (pid.empty() || pid.find_first_not_of("0123456789") != std::string::npos) return {};
  return fmt::format("pid {}, socket {}", pid, socket.empty() ? "unknown" : socket);
}

}  // namespace

Result<DataDirectory> DataDirectory::Open(const std::string& path, const std::string& socket) {
  if (path.empty()) return {StatusCode::kInvalidArgument, "the data directory has no name"};
  DataDirectory directory;
  directory.path_ = path;
  while (directory.path_.size() > 1 && directory.path_.back() == '/') directory.path_.pop_back();
  directory.socket_ = socket;
  ROOST_RETURN_IF_ERROR(MakeDirectories(directory.path_));
  directory.fd_.Reset(
      ::open(directory.path_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory.fd_.valid()) {
    if (errno == ENOTDIR || errno == ELOOP) {
      return {
          StatusCode::kPermissionDenied,
          fmt::format("data directory {} is a symbolic link or no directory: name the directory "
                      "itself",
                      directory.path_)};
    }
    return Status::FromErrno(errno, "open data directory " + directory.path_);
  }
  ROOST_RETURN_IF_ERROR(CheckOwner(directory.fd_.get(), directory.path_));
  ROOST_RETURN_IF_ERROR(directory.Lock());
  // Once in the life of a log: its identity comes after.
  const auto identity = directory.ReadIdentity();
  if (!identity.ok() || !*identity) ROOST_RETURN_IF_ERROR(directory.SyncParents());
  return directory;
}

// A directory that was made is there after a power cut only if the one that it is in was synced.
Status DataDirectory::SyncParents() const {
  std::string path = path_;
  while (path.find_first_not_of("./") != std::string::npos) {
    const size_t slash = path.rfind('/');
    path = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
    const UniqueFd parent(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // One that we may not open is not one that we made.
    if (!parent.valid() && (errno == EACCES || errno == EPERM)) continue;
    if (!parent.valid()) return Status::FromErrno(errno, "open " + path);
    // EINVAL: a file system that has nothing to sync.
    if (::fsync(parent.get()) != 0 && errno != EINVAL && errno != EROFS) {
      return {StatusCode::kIoError, Status::FromErrno(errno, "fsync " + path).message()};
    }
  }
  return {};
}

std::string DataDirectory::PathOf(std::string_view file) const {
  return path_ + "/" + std::string(file);
}

Result<UniqueFd> DataDirectory::OpenFile(std::string_view name, int flags) const {
  const std::string file(name);
  // What is only read was looked at when the broker started.
  if ((flags & O_ACCMODE) != O_RDONLY) {
    ROOST_RETURN_IF_ERROR(CheckOwnFileAt(fd_.get(), file, PathOf(name)));
  }
  return OpenPlainFileAt(fd_.get(), file, PathOf(name), flags);
}

Status DataDirectory::Rename(std::string_view from, std::string_view to) const {
  const std::string old_name(from);
  const std::string new_name(to);
  if (::renameat(fd_.get(), old_name.c_str(), fd_.get(), new_name.c_str()) == 0) return {};
  return Status::FromErrno(errno, "rename " + PathOf(from) + " to " + new_name);
}

Status DataDirectory::Remove(std::string_view name) const {
  const std::string file(name);
  if (::unlinkat(fd_.get(), file.c_str(), 0) == 0 || errno == ENOENT) return {};
  return Status::FromErrno(errno, "remove " + PathOf(name));
}

Status DataDirectory::RemoveLeftover(std::string_view name) const {
  ROOST_RETURN_IF_ERROR(CheckOwnFileAt(fd_.get(), std::string(name), PathOf(name)));
  return Remove(name);
}

Status DataDirectory::Sync() const { return SyncFile(fd_.get(), path_); }

Status DataDirectory::Lock() {
  auto file = OpenFile(kLockName, O_RDWR | O_CREAT);
  if (!file.ok()) return file.status();
  if (::flock(file->get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Status::FromErrno(errno, "lock " + PathOf(kLockName));
    const std::string holder = DescribeLock(ReadSmallFile(file->get()));
    return {
        StatusCode::kAlreadyExists,
        fmt::format("data directory {} is in use by another broker ({}): use that one, or stop it "
                    "first",
                    path_, holder.empty() ? "which is just starting" : holder)};
  }
  lock_ = std::move(*file);
  return WriteLockText("");
}

Status DataDirectory::WriteLockText(std::string_view log_id) const {
  const std::string text = fmt::format("{}\n{}\n{}\n", ::getpid(), socket_, log_id);
  ROOST_RETURN_IF_ERROR(WriteAt(lock_.get(), AsBytes(text), 0, PathOf(kLockName)));
  if (::ftruncate(lock_.get(), static_cast<off_t>(text.size())) != 0) {
    return Status::FromErrno(errno, "cut " + PathOf(kLockName));
  }
  return {};
}

Result<std::optional<IdentityFile>> DataDirectory::ReadIdentity() const {
  const std::string path = PathOf(kIdentityName);
  ROOST_RETURN_IF_ERROR(CheckOwnFileAt(AT_FDCWD, path, path));
  return ReadIdentityFile(path);
}

Result<std::optional<IdentityFile>> ReadIdentityFile(const std::string& path) {
  const auto file = OpenPlainFile(path, O_RDONLY);
  if (file.status().code() == StatusCode::kNotFound) return std::optional<IdentityFile>();
  if (!file.ok()) return file.status();
  IdentityFile identity;
  auto got =
      ReadAt(file->get(), std::as_writable_bytes(std::span<IdentityFile, 1>(&identity, 1)), 0, path);
  if (!got.ok()) return got.status();
  if (*got != sizeof(identity) || identity.magic != kIdentityMagic ||
      identity.crc32c != IdentityChecksum(identity)) {
    return {StatusCode::kCorruption, fmt::format("{} at offset 0: this is no identity file", path)};
  }
  if (identity.version != kSegmentVersion) {
    return {StatusCode::kIncompatible, fmt::format("{}: version {}, this program knows {}", path,
                                                   identity.version, kSegmentVersion)};
  }
  return std::optional(identity);
}

Status DataDirectory::WriteIdentity(IdentityFile identity) {
  identity.magic = kIdentityMagic;
  identity.version = kSegmentVersion;
  identity.crc32c = IdentityChecksum(identity);
  auto file = OpenFile(kNewIdentityName, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file.ok()) return file.status();
  const std::string name = PathOf(kNewIdentityName);
  ROOST_RETURN_IF_ERROR(
      WriteAt(file->get(), std::as_bytes(std::span<const IdentityFile, 1>(&identity, 1)), 0, name));
  ROOST_RETURN_IF_ERROR(SyncFile(file->get(), name));
  ROOST_RETURN_IF_ERROR(Rename(kNewIdentityName, kIdentityName));
  ROOST_RETURN_IF_ERROR(Sync());
  return WriteLockText(FormatLogId(identity.log_id));
}

std::string DescribeLockHolder(const std::string& directory) {
  const std::string path = directory + "/" + std::string(kLockName);
  const auto file = OpenPlainFile(path, O_RDONLY);
  return file.ok() ? DescribeLock(ReadSmallFile(file->get())) : std::string();
}

IdentityFile NewIdentity() {
  IdentityFile identity{};
  randombytes_buf(identity.log_id, sizeof(identity.log_id));
  randombytes_buf(identity.session_key, sizeof(identity.session_key));
  identity.epoch = 1;
  return identity;
}

void ReadBootId(uint8_t (&boot_id)[16]) {
  std::memset(boot_id, 0xff, sizeof(boot_id));
  const UniqueFd file(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return;
  std::string text = ReadSmallFile(file.get());
  std::erase_if(text, [](char c) { return c == '-' || c == '\n'; });
  size_t length = 0;
  if (sodium_hex2bin(boot_id, sizeof(boot_id), text.data(), text.size(), nullptr, &length,
                     nullptr) != 0) {
    std::memset(boot_id, 0xff, sizeof(boot_id));
  }
}

bool WasClosed(const IdentityFile& identity) { return IsAll(identity.boot_id, 0); }

bool WasClosedOrSameBoot(const IdentityFile& identity) {
  if (WasClosed(identity)) return true;
  uint8_t now[16];
  ReadBootId(now);
  return !IsAll(now, 0xff) && std::memcmp(identity.boot_id, now, sizeof(now)) == 0;
}

std::string FormatLogId(const uint8_t (&log_id)[16]) {
  std::string text;
  for (const uint8_t byte : log_id) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace roost
