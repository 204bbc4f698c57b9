#include "tests/support/cutting_proxy.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <utility>
#include <vector>

#include "base/unix_socket.h"

namespace roost {
namespace {

constexpr size_t kMessageBytesMax = 256 << 10;
constexpr int kBacklog = 128;

// The receiver may be slow; the proxy waits for it as the kernel's own queue would have.
bool SendAll(int socket, Bytes message, int passed_fd) {
  while (true) {
    switch (SendSeqpacket(socket, message, passed_fd)) {
      case SocketOutcome::kDone:
        return true;
      case SocketOutcome::kWouldBlock:
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        break;
      case SocketOutcome::kClosed:
      case SocketOutcome::kMalformed:
        return false;
    }
  }
}

}  // namespace

CuttingProxy::CuttingProxy(std::string listen_path, std::string broker_path)
    : broker_path_(std::move(broker_path)), stop_(::eventfd(0, EFD_CLOEXEC)) {
  Result<UniqueFd> listener = ListenSeqpacket(listen_path, 0600, kBacklog);
  EXPECT_TRUE(listener.ok()) << listener.status().message();
  if (listener.ok()) listener_ = std::move(*listener);
  thread_ = std::thread([this] { Run(); });
}

CuttingProxy::~CuttingProxy() {
  const uint64_t one = 1;
  EXPECT_EQ(::write(stop_.get(), &one, sizeof(one)), static_cast<ssize_t>(sizeof(one)));
  thread_.join();
}

void CuttingProxy::Cut(Direction direction, uint64_t count, bool deliver) {
  const std::lock_guard lock(mutex_);
  plan_ = Plan{direction, count, deliver};
}

void CuttingProxy::SwallowReplies() {
  const std::lock_guard lock(mutex_);
  swallow_ = true;
}

void CuttingProxy::PassReplies() {
  const std::lock_guard lock(mutex_);
  swallow_ = false;
}

bool CuttingProxy::has_cut() const {
  const std::lock_guard lock(mutex_);
  return !plan_.has_value();
}

uint64_t CuttingProxy::swallowed() const {
  const std::lock_guard lock(mutex_);
  return swallowed_;
}

uint64_t CuttingProxy::messages(Direction direction) const {
  const std::lock_guard lock(mutex_);
  return passed_[direction == Direction::kToClient];
}

void CuttingProxy::Run() {
  while (true) {
    std::vector<pollfd> items = {{stop_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
    for (const Pipe& pipe : pipes_) {
      items.push_back({pipe.client.get(), POLLIN, 0});
      items.push_back({pipe.broker.get(), POLLIN, 0});
    }
    if (::poll(items.data(), items.size(), -1) < 0) continue;
    if (items[0].revents != 0) return;
    size_t index = 2;
    for (auto pipe = pipes_.begin(); pipe != pipes_.end(); index += 2) {
      bool alive = true;
      if (items[index].revents != 0) alive = Pass(&*pipe, Direction::kToBroker);
      if (alive && items[index + 1].revents != 0) alive = Pass(&*pipe, Direction::kToClient);
      pipe = alive ? std::next(pipe) : pipes_.erase(pipe);
    }
    if (items[1].revents != 0) Accept();
  }
}

void CuttingProxy::Accept() {
  Result<UniqueFd> client = AcceptSeqpacket(listener_.get());
  if (!client.ok()) return;
  Result<UniqueFd> broker = ConnectSeqpacket(broker_path_);
  if (!broker.ok()) return;  // the client sees a connection that ends at once
  pipes_.push_back({std::move(*client), std::move(*broker)});
}

bool CuttingProxy::Pass(Pipe* pipe, Direction direction) {
  const bool to_client = direction == Direction::kToClient;
  const int from = to_client ? pipe->broker.get() : pipe->client.get();
  const int to = to_client ? pipe->client.get() : pipe->broker.get();
  std::vector<std::byte> buffer(kMessageBytesMax);
  const Received received = ReceiveSeqpacket(from, buffer.data(), buffer.size());
  if (received.outcome == SocketOutcome::kWouldBlock) return true;
  if (received.outcome != SocketOutcome::kDone) return false;

  bool cut = false, deliver = true;
  {
    const std::lock_guard lock(mutex_);
    ++passed_[to_client];
    if (to_client && swallow_) {
      ++swallowed_;
      return true;
    }
    if (plan_ && plan_->direction == direction && --plan_->left == 0) {
      cut = true;
      deliver = plan_->deliver;
      plan_.reset();
    }
  }
  if (deliver && !SendAll(to, Bytes(buffer.data(), received.size), received.fd.get())) return false;
  return !cut;
}

}  // namespace roost
