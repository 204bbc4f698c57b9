// Whose process is at the other end of a TCP connection over the loopback interface: the kernel knows, as it does for local
// sockets, but has to be asked by netlink. Any thread; some 20 us.
#ifndef ROOST_TOOLS_DASHBOARD_PEER_USER_H_
#define ROOST_TOOLS_DASHBOARD_PEER_USER_H_

#include <sys/types.h>

#include <optional>

namespace roost {

// Of the socket's peer; nullopt: it is not of this host, or of another network namespace, or has hung up.
std::optional<uid_t> UserOfPeer(int socket);

}  // namespace roost

#endif  // ROOST_TOOLS_DASHBOARD_PEER_USER_H_
