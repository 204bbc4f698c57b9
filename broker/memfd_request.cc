#include "broker/memfd_request.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "ipc/protocol.h"

namespace roost {

Result<Bytes> MemfdRequest::Read(int fd, uint64_t length) {
  if (length == 0 || length > kRequestBytesMax) {
    return {StatusCode::kTooLarge,
            fmt::format("a request may have 1 to {} bytes and has {}", kRequestBytesMax, length)};
  }
  struct stat info {};
  // Only a memfd has seals: other files may lie where reading them waits for somebody.
  if (fd < 0 || ::fcntl(fd, F_GET_SEALS) < 0 || ::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    return {StatusCode::kInvalidArgument, "a request over 64 KiB must come in a memfd"};
  }
  if (words_.size() * 8 < length) words_.resize(AlignUp(length, 8) / 8);
  auto* to = reinterpret_cast<std::byte*>(words_.data());
  uint64_t done = 0;
  while (done < length) {
    const ssize_t size = ::pread(fd, to + done, length - done, static_cast<off_t>(done));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return Status::FromErrno(errno, "read a request's memfd");
    if (size == 0) {
      return {StatusCode::kInvalidArgument,
              fmt::format("a request's memfd has {} bytes, the request says {}", done, length)};
    }
    done += static_cast<uint64_t>(size);
  }
  return Bytes(to, length);
}

}  // namespace roost
