#include "tests/simulation/simulated_network.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/check.h"
#include "ipc/protocol.h"
#include "tests/simulation/kernel_calls.h"

namespace roost {
namespace {

constexpr size_t kMessageBytesMax = kInlineRequestBytesMax;
static_assert(kMessageBytesMax >= kReplyBytesMax);
constexpr int kType = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;

}  // namespace

SimulatedNetwork::SimulatedNetwork() : buffer_(new std::byte[kMessageBytesMax]) {}

int SimulatedNetwork::Connect(int socket, const std::string& path) {
  if (refusing_) return ECONNREFUSED;
  UniqueFd broker_side(::socket(AF_UNIX, kType, 0));
  if (const int error = ReallyConnect(broker_side.get(), path); error != 0) return error;
  int pair[2];
  ROOST_CHECK(::socketpair(AF_UNIX, kType, 0, pair) == 0, "errno={}", errno);
  const UniqueFd client_end(pair[0]);
  UniqueFd client_side(pair[1]);
  // The client goes on with the descriptor that it has.
  ROOST_CHECK(::dup3(client_end.get(), socket, O_CLOEXEC) == socket, "errno={}", errno);
  links_.push_back({std::move(client_side), std::move(broker_side), {}, {}});
  return 0;
}

int SimulatedNetwork::SourceOf(size_t link, Direction direction) const {
  const Link& at = links_[link];
  return direction == Direction::kToBroker ? at.client_side.get() : at.broker_side.get();
}

size_t SimulatedNetwork::Deliver(size_t link, Direction direction) {
  Link& at = links_[link];
  const bool to_broker = direction == Direction::kToBroker;
  const UniqueFd& from = to_broker ? at.client_side : at.broker_side;
  const UniqueFd& to = to_broker ? at.broker_side : at.client_side;
  std::optional<Message>& kept = to_broker ? at.to_broker : at.to_client;
  if (!kept.has_value()) {
    Received received = ReceiveSeqpacket(from.get(), buffer_.get(), kMessageBytesMax);
    if (received.outcome == SocketOutcome::kWouldBlock) return 0;
    if (received.outcome != SocketOutcome::kDone) {
      // What lies there unread would take what was delivered to the other side with it.
      while (ReceiveSeqpacket(to.get(), buffer_.get(), kMessageBytesMax).outcome ==
             SocketOutcome::kDone) {
      }
      HangUp(link);
      return 0;
    }
    kept.emplace(Message{{buffer_.get(), buffer_.get() + received.size}, std::move(received.fd)});
  }
  switch (SendSeqpacket(to.get(), kept->bytes, kept->fd.get())) {
    case SocketOutcome::kDone: {
      const size_t size = kept->bytes.size();
      kept.reset();
      return size;
    }
    case SocketOutcome::kWouldBlock:
      return 0;
    default:
      HangUp(link);
      return 0;
  }
}

void SimulatedNetwork::HangUp(size_t link) { links_[link] = {}; }

void SimulatedNetwork::Sweep() {
  std::erase_if(links_, [](const Link& link) { return !link.client_side.valid(); });
}

}  // namespace roost
