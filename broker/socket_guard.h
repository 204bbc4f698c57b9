// The broker's claim on its socket: one broker a socket, held by a lock on a file beside it which the kernel
// drops with the process. A socket file that a dead broker left is therefore simply taken over.
//
// One thread. The socket file goes with the guard; the lock file stays, since removing a lock file while
// somebody else may be opening it lets two hold "the" lock.
#ifndef ROOST_BROKER_SOCKET_GUARD_H_
#define ROOST_BROKER_SOCKET_GUARD_H_

#include <sys/types.h>

#include <string>

#include "base/status.h"
#include "base/unique_fd.h"

namespace roost {

class SocketGuard {
 public:
  // Makes the directory (0700) if only that is missing, checks it where it is the usual one under /tmp, and
  // takes the lock. Nobody can connect yet. kAlreadyExists: another broker serves the socket (message with its pid).
  // kPermissionDenied: directory or lock file are not ours to trust (base/own_file.h).
  static Result<SocketGuard> Claim(const std::string& path);

  SocketGuard(SocketGuard&& other) noexcept;
  SocketGuard& operator=(SocketGuard&&) = delete;
  ~SocketGuard();

  const std::string& path() const { return path_; }

  // Writes down who holds the lock, for whoever is refused.
  Status WriteHolder(const uint8_t* log_id);

  // From here on clients connect. `inherited`: the socket that a service manager has opened, if it has.
  Status Listen(mode_t mode, UniqueFd inherited);
  int listener() const { return listener_.get(); }

 private:
  SocketGuard(std::string path, UniqueFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  UniqueFd lock_;
  UniqueFd listener_;
  bool owns_file_ = false;  // bound it itself
};

}  // namespace roost

#endif  // ROOST_BROKER_SOCKET_GUARD_H_
