// A client as bytes: sends what a test wants, well-formed or not, and waits for replies. One thread.
#ifndef ROOST_TESTS_BROKER_CONTROL_PEER_H_
#define ROOST_TESTS_BROKER_CONTROL_PEER_H_

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/unix_socket.h"
#include "ipc/messages.h"
#include "ipc/protocol.h"

namespace roost {

struct AppendOptions {
  std::string id = {};
  std::vector<std::pair<std::string, uint64_t>> conditions = {};
};

class ControlPeer {
 public:
  static constexpr int kPatienceMs = 20'000;

  explicit ControlPeer(const std::string& socket) {
    Result<UniqueFd> fd = ConnectSeqpacket(socket);
    EXPECT_TRUE(fd.ok()) << fd.status().message();
    if (fd.ok()) fd_ = *std::move(fd);
  }
  // A peer that is attached already.
  ControlPeer(const std::string& socket, const std::string& agent) : ControlPeer(socket) {
    EXPECT_TRUE(Attach(agent));
  }

  int fd() const { return fd_.get(); }
  void HangUp() { fd_.Reset(); }

  bool Send(Bytes message, int passed_fd = -1) {
    return SendSeqpacket(fd_.get(), message, passed_fd) == SocketOutcome::kDone;
  }

  // The next reply; nullptr: the connection has ended, or nothing came. Valid until the next call.
  const wire::Reply* Receive(int patience_ms = kPatienceMs) {
    pollfd waited{fd_.get(), POLLIN, 0};
    if (::poll(&waited, 1, patience_ms) <= 0) return nullptr;
    Received received = ReceiveSeqpacket(fd_.get(), buffer_, sizeof(buffer_));
    ended_ = received.outcome == SocketOutcome::kClosed;
    if (received.outcome != SocketOutcome::kDone) return nullptr;
    received_fd_ = std::move(received.fd);
    const wire::Reply* reply = DecodeReply(Bytes(buffer_, received.size));
    EXPECT_NE(reply, nullptr) << "the broker sent what is no reply";
    return reply;
  }
  // Nothing came, although it had the chance: everything the broker owes for earlier messages has been sent
  // when it answers a later one.
  bool HasNothing() { return Receive(0) == nullptr && !ended_; }
  bool Ends() {
    while (Receive() != nullptr) {
    }
    return ended_;
  }

  bool Attach(const std::string& agent, uint64_t session = 0, Bytes secret = {}) {
    Send(encoder_.Attach(agent, "test 1", session, secret));
    const wire::Reply* reply = Receive();
    if (reply == nullptr || reply->body_as_Attached() == nullptr) return false;
    const wire::Attached& attached = *reply->body_as_Attached();
    agent_ = agent;
    session_ = attached.session();
    resumed_ = attached.resumed();
    answered_ = attached.requests_answered();
    secret_.assign(attached.secret()->begin(), attached.secret()->end());
    ring_ = std::move(received_fd_);
    return true;
  }

  using Texts = std::vector<std::pair<std::string, std::string>>;  // stream, data

  Bytes AppendMessage(uint64_t number, const Texts& events, const AppendOptions& options) {
    encoder_.BeginAppend();
    for (const auto& [stream, data] : events) {
      EventFields fields{.stream = stream, .type = "t", .agent = agent_, .data = data};
      if (&stream == &events.front().first) fields.id = options.id;
      encoder_.AddEvent(fields);
    }
    for (const auto& [stream, expect] : options.conditions) encoder_.AddCondition(stream, expect);
    return encoder_.FinishAppend(number);
  }
  Bytes AppendMessage(uint64_t number, const std::string& stream) {
    return AppendMessage(number, {{stream, "{}"}}, {});
  }
  // Sends it and waits for the answer.
  const wire::Reply* Append(uint64_t number, const Texts& events,
                            const AppendOptions& options = {}) {
    EXPECT_TRUE(Send(AppendMessage(number, events, options)));
    return Receive();
  }
  const wire::Reply* Append(uint64_t number, const std::string& stream) {
    return Append(number, {{stream, "{}"}});
  }

  RequestEncoder& encoder() { return encoder_; }
  uint64_t session() const { return session_; }
  bool resumed() const { return resumed_; }
  uint64_t answered() const { return answered_; }
  Bytes secret() const { return std::as_bytes(std::span(secret_)); }
  const UniqueFd& ring() const { return ring_; }
  UniqueFd& received_fd() { return received_fd_; }

 private:
  UniqueFd fd_;
  RequestEncoder encoder_;
  alignas(8) std::byte buffer_[kReplyBytesMax];
  UniqueFd received_fd_;
  UniqueFd ring_;
  std::string agent_;
  uint64_t session_ = 0;
  uint64_t answered_ = 0;
  bool resumed_ = false;
  bool ended_ = false;
  std::vector<uint8_t> secret_;
};

inline UniqueFd MakeMemfd(Bytes content) {
  UniqueFd fd(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_EQ(::pwrite(fd.get(), content.data(), content.size(), 0),
            static_cast<ssize_t>(content.size()));
  return fd;
}

}  // namespace roost

#endif  // ROOST_TESTS_BROKER_CONTROL_PEER_H_
