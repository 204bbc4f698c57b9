#include "broker/acceptor.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/unix_socket.h"
#include "broker/logging.h"
#include "broker/reply_builder.h"

namespace roost {
namespace {

// What a client has sent and nobody read, when its connection is closed, takes from it what it was told. After the
// shutdown nothing more comes.
void DropUnread(int socket) {
  ::shutdown(socket, SHUT_RDWR);
  char byte;
  while (::recv(socket, &byte, sizeof(byte), MSG_DONTWAIT) > 0) {
  }
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
        return RefuseOne();
      case StatusCode::kBusy:
        return Outcome::kNone;
      default:
        // The client went away while it waited, say. Those behind it are not to suffer.
        Log(LogLevel::kDebug, "{}", fd.status().message());
        return Outcome::kNone;
    }
  }
  const Result<PeerCredentials> credentials = GetPeerCredentials(fd->get());
  if (!credentials.ok()) {
    Log(LogLevel::kWarning, "{}", credentials.status().message());
    return Outcome::kRefused;
  }
  *socket = std::make_shared<PeerSocket>(*std::move(fd), *credentials);
  return Outcome::kAccepted;
}

Acceptor::Outcome Acceptor::RefuseOne() {
  if (!spare_.valid()) return Outcome::kExhausted;
  spare_.Reset();
  const Result<UniqueFd> fd = AcceptSeqpacket(listener_);
  // The kernel asks for a descriptor before it looks whether anybody waits.
  Outcome outcome = Outcome::kNone;
  if (fd.ok()) {
    SendBusy(fd->get(), "the broker has no descriptors left; raise its LimitNOFILE");
    DropUnread(fd->get());
    outcome = Outcome::kRefused;
    if (const uint64_t now_ns = MonotonicNs(); now_ns >= next_complaint_ns_) {
      next_complaint_ns_ = now_ns + kComplaintNs;
      Log(LogLevel::kWarning, "no descriptors left: clients are turned away");
    }
  } else if (fd.status().code() == StatusCode::kExhausted) {
    outcome = Outcome::kExhausted;
  }
  spare_ = OpenSpare();
  return outcome;
}

}  // namespace roost
