// AF_UNIX SOCK_SEQPACKET sockets: whole messages, descriptors passed along, the peer's credentials
// from the kernel. Every call is non-blocking and says so itself (MSG_DONTWAIT), because file status
// flags belong to whoever shares the open file. Any thread; one socket may be sent on by several
// threads, a message is never mixed with another.
#ifndef ROOST_BASE_UNIX_SOCKET_H_
#define ROOST_BASE_UNIX_SOCKET_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "base/unique_fd.h"

namespace roost {

struct PeerCredentials {
  uid_t uid = 0;
  gid_t gid = 0;
  pid_t pid = 0;  // as this process's pid namespace sees it; 0 if it does not
};

enum class SocketOutcome {
  kDone,
  kWouldBlock,  // nothing to receive, or no room to send
  kClosed,      // the peer has gone
  kMalformed,   // received: longer than the buffer, empty, or with more than one descriptor
};

// kNotFound: no socket there. kUnavailable: nobody listens (any more). kBusy: its backlog is full.
Result<UniqueFd> ConnectSeqpacket(const std::string& path);

// Binds and listens. The file must not exist. `mode` is set before anybody can connect.
Result<UniqueFd> ListenSeqpacket(const std::string& path, mode_t mode, int backlog);

// A connection, or kBusy when there is none, kExhausted when there are no descriptors.
Result<UniqueFd> AcceptSeqpacket(int listener);

Result<PeerCredentials> GetPeerCredentials(int socket);

// Sends one message, with a descriptor if `passed_fd` is one.
SocketOutcome SendSeqpacket(int socket, Bytes message, int passed_fd = -1);

struct Received {
  SocketOutcome outcome = SocketOutcome::kWouldBlock;
  size_t size = 0;  // of the message, which is at the front of the buffer
  UniqueFd fd;      // the descriptor that came with it, close-on-exec
};
// Descriptors of a malformed message are closed, which may wait for whoever made them (a socket that
// lingers, a file of somebody's file system), or moved to the end of `surplus`.
// An empty message with nothing attached looks like the end, unless the socket has SO_PASSCRED.
Received ReceiveSeqpacket(int socket, std::byte* buffer, size_t buffer_size,
                          std::vector<UniqueFd>* surplus = nullptr);

}  // namespace roost

#endif  // ROOST_BASE_UNIX_SOCKET_H_
