// Loaded into roostd by failing_disk_test: as long as the file that ROOST_FAILING_SYNC names is there, no
// sync succeeds.
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace {

int Sync(long call, int fd) {
  const char* const trigger = std::getenv("ROOST_FAILING_SYNC");
  if (trigger != nullptr && ::access(trigger, F_OK) == 0) {
    errno = EIO;
    return -1;
  }
  return static_cast<int>(::syscall(call, fd));
}

}  // namespace

extern "C" {
int fdatasync(int fd) { return Sync(SYS_fdatasync, fd); }
int fsync(int fd) { return Sync(SYS_fsync, fd); }
}
