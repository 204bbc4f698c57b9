// A broker played by the test, message by message, in the thread that also drives the Connection: what is
// sent when, and what is cut off when, is the test's to say.
#ifndef ROOST_TESTS_CLIENT_FAKE_BROKER_H_
#define ROOST_TESTS_CLIENT_FAKE_BROKER_H_

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/unix_socket.h"
#include "client/connection.h"
#include "ipc/protocol.h"
#include "schemas/control_generated.h"
#include "tests/log/log_fixture.h"

namespace roost {

// A request as it came, and the descriptor that came with it.
class GotRequest {
 public:
  GotRequest(Bytes bytes, UniqueFd fd) : words_((bytes.size() + 7) / 8), fd_(std::move(fd)) {
    std::memcpy(words_.data(), bytes.data(), bytes.size());
    flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t*>(words_.data()), bytes.size());
    valid_ = wire::VerifyRequestBuffer(verifier);
  }
  const wire::Request& operator*() const { return *wire::GetRequest(words_.data()); }
  const wire::Request* operator->() const { return wire::GetRequest(words_.data()); }
  bool valid() const { return valid_; }
  uint64_t number() const { return (**this).number(); }
  int fd() const { return fd_.get(); }

  // The stream of an append's first event.
  std::string stream() const {
    const wire::Append* append = (**this).body_as_Append();
    if (append == nullptr) return "no append";
    return append->events()->Get(0)->event_nested_root()->stream()->str();
  }

 private:
  std::vector<uint64_t> words_;
  UniqueFd fd_;
  bool valid_ = false;
};

class FakeBroker {
 public:
  FakeBroker() {
    directory_ = std::make_unique<ScratchDirectory>();
    socket_ = directory_->path() + "/fake.sock";
    NewLog();
  }

  const std::string& socket() const { return socket_; }
  LogWriter& log() { return *log_; }

  // As a broker with `memory` that starts anew.
  void NewLog() {
    LogOptions options;
    options.durability = Durability::kMemory;
    options.ring_bytes = 8 << 20;
    options.streams_max = 100;
    RecoveryReport report;
    log_ = LogWriter::Open(options, socket_, nullptr, &report).value();
  }
  void Listen() {
    auto listener = ListenSeqpacket(socket_, 0600, 16);
    ASSERT_TRUE(listener.ok()) << listener.status().message();
    listener_ = std::move(*listener);
  }
  // Nobody listens any more; the file stays, as after kill -9, unless `unlink`.
  void StopListening(bool unlink) {
    listener_.Reset();
    peer_.Reset();
    if (unlink) std::filesystem::remove(socket_);
  }
  void Cut() { peer_.Reset(); }

  bool TryAccept() {
    auto peer = AcceptSeqpacket(listener_.get());
    if (!peer.ok()) return false;
    peer_ = std::move(*peer);
    return true;
  }
  std::optional<GotRequest> TryReceive() {
    Received received = ReceiveSeqpacket(peer_.get(), reinterpret_cast<std::byte*>(buffer_.data()),
                                         buffer_.size() * sizeof(uint64_t));
    peer_closed_ = received.outcome == SocketOutcome::kClosed;
    if (received.outcome != SocketOutcome::kDone) return std::nullopt;
    return GotRequest({reinterpret_cast<std::byte*>(buffer_.data()), received.size},
                      std::move(received.fd));
  }
  bool PeerHasGone() {
    EXPECT_FALSE(TryReceive().has_value());
    return peer_closed_;
  }

  // ---- replies ----

  struct AttachedFields {
    uint64_t session = 11;
    bool resumed = false;
    size_t secret_bytes = kSessionSecretBytes;
    bool with_ring = true;
  };
  void ReplyAttached() { ReplyAttached(AttachedFields()); }
  void ReplyAttached(const AttachedFields& fields) {
    const std::vector<uint8_t> secret(fields.secret_bytes, 0x5e);
    const std::vector<uint8_t> log_id(log_->log_id(), log_->log_id() + 16);
    Send(0, wire::ReplyBody::Attached,
         wire::CreateAttachedDirect(builder_, fields.session, &secret, fields.resumed, 0, &log_id,
                                    log_->epoch(), static_cast<uint32_t>(::getpid()), "test",
                                    nullptr, fields.with_ring),
         fields.with_ring ? log_->ring_fd() : -1);
  }
  void ReplyAppended(uint64_t number, uint64_t sequence) {
    Send(number, wire::ReplyBody::Appended,
         wire::CreateAppended(builder_, sequence, sequence, 1, 1, false, sequence));
  }
  void ReplyConflict(uint64_t number, const std::string& stream, uint64_t expect,
                     uint64_t revision) {
    Send(number, wire::ReplyBody::Conflict,
         wire::CreateConflictDirect(builder_, stream.c_str(), expect, revision, 99));
  }
  void ReplyRefused(uint64_t number, wire::RefusalCode code, const std::string& message,
                    uint64_t registration = 0) {
    Send(number, wire::ReplyBody::Refused,
         wire::CreateRefusedDirect(builder_, code, message.c_str(), registration));
  }
  void ReplyWoken(uint64_t registration) {
    Send(0, wire::ReplyBody::Woken, wire::CreateWoken(builder_, registration));
  }
  void ReplyGone(uint64_t number, uint64_t oldest) {
    Send(number, wire::ReplyBody::Gone, wire::CreateGone(builder_, oldest));
  }
  void ReplySegment(uint64_t number, uint64_t base_sequence, uint64_t base_position, int fd) {
    Send(number, wire::ReplyBody::Segment,
         wire::CreateSegment(builder_, base_sequence, base_position), fd);
  }
  void ReplySessions(uint64_t number, const std::vector<uint64_t>& sessions, bool more) {
    std::vector<flatbuffers::Offset<wire::SessionInfo>> infos;
    for (const uint64_t session : sessions) {
      infos.push_back(wire::CreateSessionInfoDirect(builder_, session, "agent", "client", 1, 2));
    }
    Send(number, wire::ReplyBody::Sessions, wire::CreateSessionsDirect(builder_, &infos, more));
  }
  void ReplyQueued(uint64_t number) {
    Send(number, wire::ReplyBody::Queued, wire::CreateQueued(builder_));
  }
  void ReplyGranted(uint64_t number, uint64_t token, uint32_t expires_in_ms = 60'000) {
    Send(number, wire::ReplyBody::Granted, wire::CreateGranted(builder_, token, expires_in_ms));
  }
  void ReplyHeld(uint64_t number, const std::string& key, const std::string& by) {
    const std::vector<flatbuffers::Offset<wire::Holder>> holders = {
        wire::CreateHolderDirect(builder_, key.c_str(), key.c_str(), by.c_str(), 7, 1000)};
    Send(number, wire::ReplyBody::Held, wire::CreateHeldDirect(builder_, &holders));
  }
  void ReplyReleased(uint64_t number, bool released) {
    Send(number, wire::ReplyBody::Released, wire::CreateReleased(builder_, released));
  }
  void ReplyTaken(uint64_t number, uint64_t lease, const std::vector<uint64_t>& revisions) {
    std::vector<wire::TakenItem> items;
    for (const uint64_t revision : revisions) items.emplace_back(revision, 1);
    Send(number, wire::ReplyBody::Taken,
         wire::CreateTakenDirect(builder_, lease, &items, /*parked=*/2));
  }
  void ReplySettled(uint64_t number, const std::vector<uint8_t>& settled) {
    Send(number, wire::ReplyBody::Settled, wire::CreateSettledDirect(builder_, &settled));
  }
  void ReplyParked(uint64_t number, const std::vector<uint64_t>& revisions, bool more) {
    std::vector<wire::TakenItem> items;
    for (const uint64_t revision : revisions) items.emplace_back(revision, 5);
    Send(number, wire::ReplyBody::Parked, wire::CreateParkedDirect(builder_, &items, more));
  }
  struct AnswerFields {
    wire::Verdict verdict = wire::Verdict::Allow;
    size_t key_bytes = 32;
    std::string error = {};
  };
  void ReplyValidated(uint64_t number, const std::vector<AnswerFields>& fields) {
    std::vector<flatbuffers::Offset<wire::Answer>> answers;
    for (const AnswerFields& field : fields) {
      const std::vector<uint8_t> key(field.key_bytes, 0xab);
      answers.push_back(wire::CreateAnswerDirect(
          builder_, field.verdict, /*you_decide=*/false, 0, &key, "because", "someone", 5, 6, true,
          field.error.empty() ? nullptr : field.error.c_str()));
    }
    Send(number, wire::ReplyBody::Validated, wire::CreateValidatedDirect(builder_, &answers));
  }
  void SendLeaseEnded(uint64_t token, const std::vector<std::string>& keys,
                      const std::string& reason) {
    std::vector<flatbuffers::Offset<flatbuffers::String>> texts;
    for (const std::string& key : keys) texts.push_back(builder_.CreateString(key));
    Send(0, wire::ReplyBody::LeaseEnded,
         wire::CreateLeaseEndedDirect(builder_, token, &texts, reason.c_str()));
  }
  // Each lease with its token and session.
  void ReplyLeases(uint64_t number, const std::vector<std::pair<uint64_t, uint64_t>>& leases,
                   bool more) {
    std::vector<flatbuffers::Offset<wire::Lease>> all;
    for (const auto& [token, session] : leases) {
      const std::vector<flatbuffers::Offset<flatbuffers::String>> keys = {
          builder_.CreateString("key")};
      all.push_back(
          wire::CreateLeaseDirect(builder_, token, &keys, "agent", session, 60'000, 1000));
    }
    Send(number, wire::ReplyBody::Leases, wire::CreateLeasesDirect(builder_, &all, more));
  }
  void ReplyGroups(uint64_t number, const std::vector<std::pair<std::string, std::string>>& names,
                   bool more) {
    std::vector<flatbuffers::Offset<wire::Group>> groups;
    for (const auto& [stream, group] : names) {
      groups.push_back(wire::CreateGroupDirect(builder_, stream.c_str(), group.c_str(), 1));
    }
    Send(number, wire::ReplyBody::Groups, wire::CreateGroupsDirect(builder_, &groups, more));
  }
  void SendBytes(Bytes bytes) {
    EXPECT_EQ(SendSeqpacket(peer_.get(), bytes), SocketOutcome::kDone);
  }

 private:
  template <typename Body>
  void Send(uint64_t number, wire::ReplyBody type, flatbuffers::Offset<Body> body, int fd = -1) {
    builder_.Finish(wire::CreateReply(builder_, number, type, body.Union()));
    const Bytes bytes(reinterpret_cast<const std::byte*>(builder_.GetBufferPointer()),
                      builder_.GetSize());
    EXPECT_EQ(SendSeqpacket(peer_.get(), bytes, fd), SocketOutcome::kDone);
    builder_.Clear();
  }

  std::unique_ptr<ScratchDirectory> directory_;
  std::string socket_;
  std::unique_ptr<LogWriter> log_;
  UniqueFd listener_;
  UniqueFd peer_;
  bool peer_closed_ = false;
  std::array<uint64_t, kInlineRequestBytesMax / 8> buffer_;
  flatbuffers::FlatBufferBuilder builder_;
};

}  // namespace roost

#endif  // ROOST_TESTS_CLIENT_FAKE_BROKER_H_
