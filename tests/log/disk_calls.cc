#include "tests/log/disk_calls.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <mutex>
#include <string_view>

#include "tests/log/ram_disk.h"

extern "C" ssize_t __real_pwrite(int fd, const void* bytes, size_t size, off_t offset);

namespace roost {
namespace {

using Kind = DiskCall::Kind;

struct OpenFile {
  std::string path;
  uint64_t inode = 0;
};

std::mutex table_mutex;
std::array<OpenFile, 1024> table;  // by descriptor; an empty path: not watched
std::string watched_directory;
std::atomic<DiskWatcher*> watcher = nullptr;
std::atomic<uint64_t> pretended_boot = 0;
thread_local bool unwatched = false;

bool IsWatched(std::string_view path) {
  return watcher.load() != nullptr && !unwatched && path.starts_with(watched_directory) &&
         (path.size() == watched_directory.size() || path[watched_directory.size()] == '/');
}

OpenFile FindFile(int fd) {
  if (watcher.load() == nullptr || unwatched || fd < 0 || fd >= static_cast<int>(table.size())) {
    return {};
  }
  const std::lock_guard lock(table_mutex);
  return table[static_cast<size_t>(fd)];
}

void Remember(int fd, const std::string& path) {
  struct stat info {};
  if (fd >= static_cast<int>(table.size()) || RamCalls::Fstat(fd, &info) != 0) return;
  const std::lock_guard lock(table_mutex);
  table[static_cast<size_t>(fd)] = {path, info.st_ino};
}

void Forget(int fd) {
  if (fd < 0 || fd >= static_cast<int>(table.size())) return;
  const std::lock_guard lock(table_mutex);
  table[static_cast<size_t>(fd)] = {};
}

// `run` does the whole call, or with a smaller size a part of it.
template <typename Run>
int64_t Watch(DiskCall call, const Run& run) {
  DiskWatcher* const watching = watcher.load();
  const int verdict = watching->Before(call);
  if (verdict > 0) {
    watching->AfterFailure(call);
    errno = verdict;
    return -1;
  }
  if (verdict == DiskWatcher::kShort) call.size /= 2;
  const int64_t result = run(call.size);
  if (result < 0) return result;
  if (call.kind == Kind::kOpen) call.inode = FindFile(static_cast<int>(result)).inode;
  const int error = errno;
  watching->After(call, result);
  errno = error;
  return result;
}

template <typename Run>
int64_t WatchFile(int fd, DiskCall call, const Run& run) {
  const OpenFile file = FindFile(fd);
  if (file.path.empty()) return run(call.size);
  call.path = file.path;
  call.inode = file.inode;
  return Watch(std::move(call), run);
}

template <typename Run>
int WatchOpen(const std::string& path, int flags, const Run& run) {
  if (!IsWatched(path)) return run();
  return static_cast<int>(
      Watch({.kind = Kind::kOpen, .path = path, .flags = flags}, [&](uint64_t) -> int64_t {
        const int fd = run();
        if (fd >= 0) Remember(fd, path);
        return fd;
      }));
}

std::string PathIn(int directory, const char* name) {
  const OpenFile file = FindFile(directory);
  return file.path.empty() ? std::string() : file.path + "/" + name;
}

int OpenPretendedBoot() {
  const std::string text = fmt::format("00000000-0000-0000-0000-{:012x}\n", pretended_boot.load());
  const int fd = ::memfd_create("boot_id", MFD_CLOEXEC);
  if (__real_pwrite(fd, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    return -1;
  return fd;
}

}  // namespace

bool DiskCall::Changes() const {
  switch (kind) {
    case Kind::kOpen:
      return (flags & (O_CREAT | O_TRUNC)) != 0;
    case Kind::kStat:
    case Kind::kList:
    case Kind::kRead:
      return false;
    default:
      return true;
  }
}

std::string Describe(const DiskCall& call) {
  static constexpr const char* kNames[] = {"open",   "fstat",     "opendir",   "pread",
                                           "pwrite", "ftruncate", "fallocate", "fdatasync",
                                           "fsync",  "rename",    "unlink",    "mkdir"};
  return fmt::format("{} {} (size {} at {}) {}", kNames[static_cast<int>(call.kind)], call.path,
                     call.size, call.offset, call.to);
}

WatchedDisk::WatchedDisk(const std::string& directory, DiskWatcher* of) {
  watched_directory = directory;
  watcher = of;
}
WatchedDisk::~WatchedDisk() { watcher = nullptr; }

UnwatchedCalls::UnwatchedCalls() : before_(unwatched) { unwatched = true; }
UnwatchedCalls::~UnwatchedCalls() { unwatched = before_; }

void PretendBoot(uint64_t number) { pretended_boot = number; }

}  // namespace roost

// ---- what the linker puts in place of the calls ----

using roost::DiskCall;
using roost::RamCalls;
using Kind = roost::DiskCall::Kind;

extern "C" {

int __wrap_open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  if (roost::pretended_boot != 0 && std::strcmp(path, "/proc/sys/kernel/random/boot_id") == 0) {
    return roost::OpenPretendedBoot();
  }
  return roost::WatchOpen(path, flags, [&] { return RamCalls::Open(path, flags, mode); });
}

int __wrap_openat(int directory, const char* name, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return roost::WatchOpen(roost::PathIn(directory, name), flags,
                          [&] { return RamCalls::OpenAt(directory, name, flags, mode); });
}

int __wrap_close(int fd) {
  roost::Forget(fd);
  return RamCalls::Close(fd);
}

int __wrap_fstat(int fd, struct stat* info) {
  return static_cast<int>(roost::WatchFile(
      fd, {.kind = Kind::kStat}, [&](uint64_t) -> int64_t { return RamCalls::Fstat(fd, info); }));
}

int __wrap_stat(const char* path, struct stat* info) {
  return RamCalls::Stat(path, info, /*follow=*/true);
}

int __wrap_lstat(const char* path, struct stat* info) {
  return RamCalls::Stat(path, info, /*follow=*/false);
}

int __wrap_fstatat(int directory, const char* name, struct stat* info, int flags) {
  return RamCalls::StatAt(directory, name, info, flags);
}

dirent* __wrap_readdir(DIR* listing) { return RamCalls::ReadDirectory(listing); }

int __wrap_closedir(DIR* listing) { return RamCalls::CloseDirectory(listing); }

DIR* __wrap_opendir(const char* path) {
  if (!roost::IsWatched(path)) return RamCalls::OpenDirectory(path);
  DIR* listing = nullptr;
  roost::Watch({.kind = Kind::kList, .path = path}, [&](uint64_t) -> int64_t {
    listing = RamCalls::OpenDirectory(path);
    return listing == nullptr ? -1 : 0;
  });
  return listing;
}

ssize_t __wrap_pread(int fd, void* to, size_t size, off_t offset) {
  return roost::WatchFile(
      fd, {.kind = Kind::kRead, .offset = static_cast<uint64_t>(offset), .size = size},
      [&](uint64_t part) -> int64_t { return RamCalls::Read(fd, to, part, offset); });
}

ssize_t __wrap_pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  return roost::WatchFile(
      fd,
      {.kind = Kind::kWrite,
       .offset = static_cast<uint64_t>(offset),
       .size = size,
       .bytes = static_cast<const std::byte*>(bytes)},
      [&](uint64_t part) -> int64_t { return RamCalls::Write(fd, bytes, part, offset); });
}

int __wrap_ftruncate(int fd, off_t size) {
  return static_cast<int>(
      roost::WatchFile(fd, {.kind = Kind::kTruncate, .size = static_cast<uint64_t>(size)},
                       [&](uint64_t) -> int64_t { return RamCalls::Truncate(fd, size); }));
}

int __wrap_fallocate(int fd, int mode, off_t offset, off_t size) {
  return static_cast<int>(roost::WatchFile(
      fd, {.kind = Kind::kAllocate, .size = static_cast<uint64_t>(offset + size)},
      [&](uint64_t) -> int64_t { return RamCalls::Allocate(fd, mode, offset, size); }));
}

int __wrap_fdatasync(int fd) {
  return static_cast<int>(roost::WatchFile(
      fd, {.kind = Kind::kSyncData}, [&](uint64_t) -> int64_t { return RamCalls::SyncData(fd); }));
}

int __wrap_fsync(int fd) {
  return static_cast<int>(roost::WatchFile(fd, {.kind = Kind::kSyncFile},
                                           [&](uint64_t) -> int64_t { return RamCalls::SyncFile(fd); }));
}

int __wrap_renameat(int from_directory, const char* from, int to_directory, const char* to) {
  const auto run = [&](uint64_t) -> int64_t {
    return RamCalls::Rename(from_directory, from, to_directory, to);
  };
  const std::string path = roost::PathIn(from_directory, from);
  if (path.empty()) return static_cast<int>(run(0));
  return static_cast<int>(roost::Watch(
      {.kind = Kind::kRename, .path = path, .to = roost::PathIn(to_directory, to)}, run));
}

int __wrap_unlinkat(int directory, const char* name, int flags) {
  const auto run = [&](uint64_t) -> int64_t { return RamCalls::Remove(directory, name, flags); };
  const std::string path = roost::PathIn(directory, name);
  if (path.empty()) return static_cast<int>(run(0));
  return static_cast<int>(roost::Watch({.kind = Kind::kRemove, .path = path}, run));
}

int __wrap_mkdir(const char* path, mode_t mode) {
  const auto run = [&](uint64_t) -> int64_t { return RamCalls::MakeDirectory(path, mode); };
  if (!roost::IsWatched(path)) return static_cast<int>(run(0));
  return static_cast<int>(roost::Watch({.kind = Kind::kMakeDirectory, .path = path}, run));
}

}  // extern "C"
