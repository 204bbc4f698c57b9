#include "base/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

namespace roost {
namespace {

constexpr size_t kDescriptorsMax = 253;  // SCM_MAX_FD of the kernel

Result<sockaddr_un> AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return Status(StatusCode::kInvalidArgument,
                  "socket path '" + path + "' must have 1 to 107 bytes; choose a shorter one");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Result<UniqueFd> NewSocket() {
  UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return Status::FromErrno(errno, "socket");
  return fd;
}

}  // namespace

Result<UniqueFd> ConnectSeqpacket(const std::string& path) {
  Result<sockaddr_un> address = AddressOf(path);
  if (!address.ok()) return address.status();
  Result<UniqueFd> fd = NewSocket();
  if (!fd.ok()) return fd;
  if (::connect(fd->get(), reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) != 0) {
    return Status::FromErrno(errno, "connect to " + path);
  }
  return fd;
}

Result<UniqueFd> ListenSeqpacket(const std::string& path, mode_t mode, int backlog) {
  Result<sockaddr_un> address = AddressOf(path);
  if (!address.ok()) return address.status();
  Result<UniqueFd> fd = NewSocket();
  if (!fd.ok()) return fd;
  // No connection is possible before listen, so the mode is in force before anybody can use it.
  if (::bind(fd->get(), reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) != 0) {
    return Status::FromErrno(errno, "bind " + path);
  }
  if (::chmod(path.c_str(), mode) != 0) return Status::FromErrno(errno, "chmod " + path);
  if (::listen(fd->get(), backlog) != 0) return Status::FromErrno(errno, "listen on " + path);
  return fd;
}

Result<UniqueFd> AcceptSeqpacket(int listener) {
  UniqueFd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd.valid()) return Status::FromErrno(errno, "accept");
  return fd;
}

Result<PeerCredentials> GetPeerCredentials(int socket) {
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return Status::FromErrno(errno, "ask for the peer's credentials");
  }
  return PeerCredentials{credentials.uid, credentials.gid, credentials.pid};
}

SocketOutcome SendSeqpacket(int socket, Bytes message, int passed_fd) {
  iovec piece{const_cast<std::byte*>(message.data()), message.size()};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  if (passed_fd >= 0) {
    header.msg_control = control;
    header.msg_controllen = sizeof(control);
    cmsghdr* item = CMSG_FIRSTHDR(&header);
    item->cmsg_level = SOL_SOCKET;
    item->cmsg_type = SCM_RIGHTS;
    item->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(item), &passed_fd, sizeof(int));
  }
  while (true) {
    if (::sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return SocketOutcome::kDone;
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS || errno == ENOMEM) {
      return SocketOutcome::kWouldBlock;
    }
    return SocketOutcome::kClosed;
  }
}

Received ReceiveSeqpacket(int socket, std::byte* buffer, size_t buffer_size,
                          std::vector<UniqueFd>* surplus) {
  Received received;
  iovec piece{buffer, buffer_size};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  // Room for all that can come with one message: descriptors that do not fit the kernel would close.
  alignas(
      cmsghdr) char control[CMSG_SPACE(kDescriptorsMax * sizeof(int)) + CMSG_SPACE(sizeof(ucred))];
  header.msg_control = control;
  header.msg_controllen = sizeof(control);
  ssize_t size;
  do {
    size = ::recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (size < 0) {
    received.outcome = errno == EAGAIN ? SocketOutcome::kWouldBlock : SocketOutcome::kClosed;
    return received;
  }
  bool several = false;
  const auto drop = [&] {
    if (surplus != nullptr && received.fd.valid()) surplus->push_back(std::move(received.fd));
    received.fd.Reset();
  };
  for (cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr; item = CMSG_NXTHDR(&header, item)) {
    if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(item) + i * sizeof(int), sizeof(int));
      several = several || received.fd.valid();
      drop();
      received.fd.Reset(fd);
    }
  }
  received.size = static_cast<size_t>(size);
  if (several || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    drop();
    received.outcome = SocketOutcome::kMalformed;
  } else if (size == 0) {
    // No Roost message is empty. Only a message has anything with it, the end has not.
    drop();
    received.outcome =
        header.msg_controllen > 0 ? SocketOutcome::kMalformed : SocketOutcome::kClosed;
  } else {
    received.outcome = SocketOutcome::kDone;
  }
  return received;
}

}  // namespace roost
