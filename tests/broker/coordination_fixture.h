// The ground of coordination over a log that does as a test says: sessions that are attached through socketpairs, turns
// that the test ends. The rooms are the test's. One thread.
#ifndef ROOST_TESTS_BROKER_COORDINATION_FIXTURE_H_
#define ROOST_TESTS_BROKER_COORDINATION_FIXTURE_H_

#include <gtest/gtest.h>
#include <sodium.h>
#include <sys/socket.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/coordination/coordinator.h"
#include "broker/coordination/waiting_budget.h"
#include "ipc/messages.h"
#include "log/record.h"
#include "tests/broker/coordination_requests.h"
#include "tests/broker/scripted_log.h"

namespace roost {

// A session and its connection; the test has the client's end.
struct Member {
  Peer peer;
  Session* session = nullptr;
  UniqueFd client;
  alignas(8) std::byte buffer[kReplyBytesMax];

  // nullptr: nothing was sent. Valid until the next call.
  const wire::Reply* Receive() {
    const Received received = ReceiveSeqpacket(client.get(), buffer, sizeof(buffer));
    if (received.outcome != SocketOutcome::kDone) return nullptr;
    return DecodeReply(Bytes(buffer, received.size));
  }
  // What kind of reply came with which number; {0, NONE}: nothing.
  std::pair<uint64_t, wire::ReplyBody> Next() {
    const wire::Reply* reply = Receive();
    if (reply == nullptr) return {0, wire::ReplyBody::NONE};
    return {reply->number(), reply->body_type()};
  }
};

class CoordinationFixture : public ::testing::Test {
 protected:
  static constexpr uint8_t kKey[32] = {};

  void SetUp() override {
    ASSERT_GE(sodium_init(), 0);
    Result<CountersWriter> made = CountersWriter::Create(path_, {kKey, Durability::kProcess, ""});
    ASSERT_TRUE(made.ok()) << made.status().message();
    counters_.emplace(*std::move(made));
    turn_.emplace(&log_, &ids_, &*counters_, &replies_);
    own_events_.emplace(&log_, &*turn_);
    changes_.emplace(&log_, &*own_events_, &*turn_, &undo_);
  }
  ~CoordinationFixture() override { ::unlink(path_.c_str()); }

  void MakeCoordinator(std::vector<Coordinator::Entry> entries) {
    coordinator_.emplace(&*turn_, &undo_, std::move(entries));
  }

  std::unique_ptr<Member> Join(uint64_t number, const std::string& agent) {
    auto member = std::make_unique<Member>();
    int pair[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    member->client.Reset(pair[1]);
    member->peer.socket = std::make_shared<PeerSocket>(UniqueFd(pair[0]), PeerCredentials{7, 8, 9});
    member->session = &sessions_.Add(number);
    member->session->counters_row = counters_->sessions().Begin({number, 0, 0, 0, ""});
    member->session->agent = agent;
    member->session->peer = &member->peer;
    member->peer.session = member->session;
    return member;
  }

  void Ask(Member& member, const RequestBytes& bytes) {
    const wire::Request* request = wire::GetRequest(static_cast<Bytes>(bytes).data());
    EXPECT_TRUE(
        coordinator_->Handle({member.peer, *member.session, request->number(), 1}, *request));
  }
  // As at the end of a turn of the sequencer.
  void EndTurn() {
    turn_->Finish();
    coordinator_->ServeWaiting();
  }

  // Of all events in the log.
  std::vector<std::string> Types() const {
    std::vector<std::string> types;
    for (const ScriptedLog::Event& event : log_.events()) {
      types.push_back(DecodeEventBody(AsBytes(event.body))->type()->str());
    }
    return types;
  }

  const Status full_{StatusCode::kExhausted, "no space left"};
  const std::string path_ =
      ::testing::TempDir() + "/coordination_test." + std::to_string(::getpid());
  ScriptedLog log_;
  IdTable ids_;
  SessionTable sessions_{kKey, 1};
  ReplyBuilder replies_;
  UndoLog undo_;
  WaitingBudget waiting_;
  std::optional<CountersWriter> counters_;
  std::optional<SequencerTurn> turn_;
  std::optional<OwnEvents> own_events_;
  std::optional<ChangeWriter> changes_;
  std::optional<Coordinator> coordinator_;
};

}  // namespace roost

#endif  // ROOST_TESTS_BROKER_COORDINATION_FIXTURE_H_
