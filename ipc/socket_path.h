// Where the control socket is, and what lies beside it. A process chooses once. Any thread (getenv: not
// while another thread changes the environment).
#ifndef ROOST_IPC_SOCKET_PATH_H_
#define ROOST_IPC_SOCKET_PATH_H_

#include <string>

#include "base/status.h"

namespace roost {

// `given`, else $ROOST_SOCKET, else /run/roost/roost.sock if the directory /run/roost exists or we are
// root, else /tmp/roost-<uid>/roost.sock. Nothing is created.
// kPermissionDenied: the directory under /tmp is not one that only we can have made (a symbolic link,
// another's, or writable for others), so whatever listens in it may be anybody.
Result<std::string> ChooseSocketPath(const std::string& given);

// The check that ChooseSocketPath makes of the directory under /tmp: fine if there is none.
Status CheckPrivateDirectory(const std::string& directory);

// "x.sock" -> "x.counters"; without ".sock" at the end it is appended.
std::string CountersPath(const std::string& socket);

// Held by the broker that serves the socket.
std::string LockPath(const std::string& socket);

// One sentence or two for whoever found nobody behind `socket`: how to start a broker, and what to do
// if it runs where this process can't see it.
std::string NoBrokerMessage(const std::string& socket);

}  // namespace roost

#endif  // ROOST_IPC_SOCKET_PATH_H_
