#include "tools/dashboard/peer_user.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cstring>

#include "base/unique_fd.h"

namespace roost {
namespace {

struct SocketQuestion {
  nlmsghdr header;
  inet_diag_req_v2 request;
};

// An IPv6 socket may carry an IPv4 connection, which the kernel keeps under its IPv4 addresses.
bool Put(const sockaddr_storage& address, uint8_t* family, __be16* port, __be32 (*bytes)[4]) {
  if (address.ss_family == AF_INET) {
    sockaddr_in ipv4;
    std::memcpy(&ipv4, &address, sizeof(ipv4));
    *family = AF_INET;
    *port = ipv4.sin_port;
    std::memcpy(*bytes, &ipv4.sin_addr, sizeof(ipv4.sin_addr));
    return true;
  }
  if (address.ss_family != AF_INET6) return false;
  sockaddr_in6 ipv6;
  std::memcpy(&ipv6, &address, sizeof(ipv6));
  *port = ipv6.sin6_port;
  if (IN6_IS_ADDR_V4MAPPED(&ipv6.sin6_addr)) {
    *family = AF_INET;
    std::memcpy(*bytes, &ipv6.sin6_addr.s6_addr[12], 4);
  } else {
    *family = AF_INET6;
    std::memcpy(*bytes, &ipv6.sin6_addr, sizeof(ipv6.sin6_addr));
  }
  return true;
}

}  // namespace

std::optional<uid_t> UserOfPeer(int socket) {
  sockaddr_storage local{}, remote{};
  socklen_t local_bytes = sizeof(local), remote_bytes = sizeof(remote);
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&local), &local_bytes) != 0 ||
      ::getpeername(socket, reinterpret_cast<sockaddr*>(&remote), &remote_bytes) != 0) {
    return std::nullopt;
  }
  SocketQuestion question{};
  question.header.nlmsg_len = sizeof(question);
  question.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  question.header.nlmsg_flags = NLM_F_REQUEST;
  inet_diag_req_v2& request = question.request;
  request.sdiag_protocol = IPPROTO_TCP;
  request.idiag_states = 1U << TCP_ESTABLISHED;
  // The peer's socket: what is remote to us is its own end.
  uint8_t family = 0;
  if (!Put(remote, &family, &request.id.idiag_sport, &request.id.idiag_src) ||
      !Put(local, &request.sdiag_family, &request.id.idiag_dport, &request.id.idiag_dst) ||
      family != request.sdiag_family) {
    return std::nullopt;
  }
  request.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
  request.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;

  const UniqueFd netlink(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!netlink.valid()) return std::nullopt;
  if (::send(netlink.get(), &question, sizeof(question), 0) != sizeof(question)) {
    return std::nullopt;
  }
  // The kernel answers before send() returns.
  alignas(nlmsghdr) std::array<char, 4096> answer;
  const ssize_t bytes = ::recv(netlink.get(), answer.data(), answer.size(), MSG_DONTWAIT);
  if (bytes < static_cast<ssize_t>(NLMSG_LENGTH(sizeof(inet_diag_msg)))) return std::nullopt;
  nlmsghdr header;
  std::memcpy(&header, answer.data(), sizeof(header));
  if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY) return std::nullopt;
  inet_diag_msg found;
  std::memcpy(&found, answer.data() + NLMSG_HDRLEN, sizeof(found));
  // A listener would be found in the place of a connection that has gone.
  if (found.id.idiag_sport != request.id.idiag_sport ||
      found.id.idiag_dport != request.id.idiag_dport) {
    return std::nullopt;
  }
  return found.idiag_uid;
}

}  // namespace roost
