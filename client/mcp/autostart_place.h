// Where a shim may start a broker, and the lock by which one of many shims does. Never in a system directory
// (/run/roost) that somebody else has made, because a broker there is the operator's business. One that autostart
// itself makes has a lock file in it from the moment on at which it is there: `<socket>.autostart`, of the user who
// made it, so that no other shim takes it for the operator's.
//
// Any thread; any number of processes at once.
#ifndef ROOST_CLIENT_MCP_AUTOSTART_PLACE_H_
#define ROOST_CLIENT_MCP_AUTOSTART_PLACE_H_

#include <string>

#include "base/status.h"
#include "base/unique_fd.h"

namespace roost {

// "a/b" -> "a"; "b" -> ".".
std::string DirectoryOf(const std::string& path);

class AutostartPlace {
 public:
  static constexpr const char* kSystemDirectory = "/run/roost";

  explicit AutostartPlace(std::string socket, std::string system_directory = kSystemDirectory);

  const std::string& socket() const { return socket_; }
  const std::string& directory() const { return directory_; }  // of the socket

  // False: there is a system directory that is not autostart's own.
  bool MayStart() const;

  // The lock file, in its directory, which is made if it isn't there; not locked yet.
  // kUnavailable: the directory was made by somebody else meanwhile.
  Result<UniqueFd> OpenLock() const;

 private:
  std::string LockPathIn(const std::string& directory) const;
  // With the lock file in it, or not at all. Fine if there is one already.
  Status MakeSystemDirectory() const;

  const std::string socket_;
  const std::string directory_;
  const std::string system_directory_;
};

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_AUTOSTART_PLACE_H_
