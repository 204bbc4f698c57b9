#include "broker/acceptor.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/unix_socket.h"
#include "broker/logging.h"
#include "broker/reply_builder.h"

namespace roost {
namespace {

// Numbers are given out from the lowest on, so one says how many are in use.
bool IsOfTheReserved(int fd) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  return static_cast<rlim_t>(fd) + Acceptor::kReserved >= limit.rlim_cur;
}

UniqueFd OpenSpare() { return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

}  // namespace

void SendBusy(int socket, const char* why) {
  ReplyBuilder replies;
  // It is closed next; whether the client gets to know why does not matter.
  (void)SendSeqpacket(socket, replies.Refused(0, {wire::RefusalCode::Busy, why}));
}

Acceptor::Acceptor(int listener) : listener_(listener), spare_(OpenSpare()) {}

Acceptor::Outcome Acceptor::Accept(std::shared_ptr<PeerSocket>* socket) {
  if (!spare_.valid()) spare_ = OpenSpare();
  Result<UniqueFd> fd = AcceptSeqpacket(listener_);
  if (!fd.ok()) {
    switch (fd.status().code()) {
      case StatusCode::kExhausted:
        return AcceptWithSpare(socket);
      case StatusCode::kBusy:
        return Outcome::kNone;
      default:
        // The client went away while it waited, say. Those behind it are not to suffer.
        Log(LogLevel::kDebug, "{}", fd.status().message());
        return Outcome::kNone;
    }
  }
  if (IsOfTheReserved(fd->get())) {
    *socket = TurnAway(*std::move(fd));
    return Outcome::kRefused;
  }
  const Result<PeerCredentials> credentials = GetPeerCredentials(fd->get());
  if (!credentials.ok()) {
    Log(LogLevel::kWarning, "{}", credentials.status().message());
    *socket = std::make_shared<PeerSocket>(*std::move(fd), PeerCredentials());
    return Outcome::kRefused;
  }
  *socket = std::make_shared<PeerSocket>(*std::move(fd), *credentials);
  return Outcome::kAccepted;
}

Acceptor::Outcome Acceptor::AcceptWithSpare(std::shared_ptr<PeerSocket>* socket) {
  if (!spare_.valid()) return Outcome::kExhausted;
  spare_.Reset();
  Result<UniqueFd> fd = AcceptSeqpacket(listener_);
  if (fd.ok()) {
    *socket = TurnAway(*std::move(fd));
    return Outcome::kRefused;
  }
  spare_ = OpenSpare();
  // The kernel asks for a descriptor before it looks whether anybody waits.
  return fd.status().code() == StatusCode::kExhausted ? Outcome::kExhausted : Outcome::kNone;
}

std::shared_ptr<PeerSocket> Acceptor::TurnAway(UniqueFd fd) {
  SendBusy(fd.get(), "the broker has no descriptors left; raise its LimitNOFILE");
  Log(LogLevel::kWarning, "no descriptors left: clients are turned away");
  return std::make_shared<PeerSocket>(std::move(fd), PeerCredentials());
}

}  // namespace roost
