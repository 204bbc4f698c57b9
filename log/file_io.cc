#include "log/file_io.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

namespace roost {
namespace {

Status Failed(const char* what, std::string_view name) {
  const int error = errno;
  return Status::FromErrno(error, std::string(what) + " " + std::string(name));
}

Status SyncFailed(const char* what, std::string_view name) {
  return {StatusCode::kIoError, Failed(what, name).message()};
}

// File systems without fallocate: zeros, so that later writes find the space taken.
Status WriteZeros(int fd, uint64_t from, uint64_t to, std::string_view name) {
  const std::vector<std::byte> zeros(std::min<uint64_t>(to - from, 1 << 20));
  while (from < to) {
    const auto size = static_cast<size_t>(std::min<uint64_t>(to - from, zeros.size()));
    ROOST_RETURN_IF_ERROR(WriteAt(fd, Bytes(zeros).first(size), from, name));
    from += size;
  }
  return {};
}

}  // namespace

Result<size_t> ReadAt(int fd, std::span<std::byte> to, uint64_t offset, std::string_view name) {
  size_t done = 0;
  while (done < to.size()) {
    const ssize_t got =
        ::pread(fd, to.data() + done, to.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed("read", name);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

Status WriteAt(int fd, Bytes bytes, uint64_t offset, std::string_view name, size_t* written) {
  size_t done = 0;
  Status status;
  while (done < bytes.size()) {
    const ssize_t put =
        ::pwrite(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (put < 0 && errno == EINTR) continue;
    if (put == 0) errno = ENOSPC;  // not known to happen; going round for ever would be worse
    if (put <= 0) {
      status = Failed("write", name);
      break;
    }
    done += static_cast<size_t>(put);
  }
  if (written != nullptr) *written = done;
  return status;
}

Status Preallocate(int fd, uint64_t size, std::string_view name) {
  int result;
  do {
    result = ::fallocate(fd, 0, 0, static_cast<off_t>(size));
  } while (result != 0 && errno == EINTR);
  if (result == 0) return {};
  if (errno == EOPNOTSUPP || errno == ENOSYS) {
    auto present = FileSize(fd, name);
    if (!present.ok()) return present.status();
    return *present < size ? WriteZeros(fd, *present, size, name) : Status();
  }
  return Failed("reserve space for", name);
}

Status SyncData(int fd, std::string_view name) {
  return ::fdatasync(fd) == 0 ? Status() : SyncFailed("fdatasync", name);
}

Status SyncFile(int fd, std::string_view name) {
  return ::fsync(fd) == 0 ? Status() : SyncFailed("fsync", name);
}

Result<uint64_t> FileSize(int fd, std::string_view name) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return Failed("stat", name);
  return static_cast<uint64_t>(info.st_size);
}

}  // namespace roost
