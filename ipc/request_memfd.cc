#include "ipc/request_memfd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

namespace roost {

Result<UniqueFd> MakeRequestMemfd(Bytes request) {
  UniqueFd fd(::memfd_create("roost-request", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.valid()) return Status::FromErrno(errno, "make a memfd for a large request");
  size_t done = 0;
  while (done < request.size()) {
    const ssize_t written = ::write(fd.get(), request.data() + done, request.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Status::FromErrno(errno, "fill the memfd of a large request");
    done += static_cast<size_t>(written);
  }
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) !=
      0) {
    return Status::FromErrno(errno, "seal the memfd of a large request");
  }
  return fd;
}

}  // namespace roost
