// What comes of requests when commits fail and turns are full: attaching, appending and the broker's own
// events over a log that does as a test says.
#include <gtest/gtest.h>
#include <sodium.h>
#include <sys/socket.h>

#include <cstring>
#include <optional>

#include "broker/appender.h"
#include "broker/attacher.h"
#include "broker/coordination/coordinator.h"
#include "broker/own_event.h"
#include "ipc/messages.h"
#include "log/record.h"
#include "tests/broker/scripted_log.h"

namespace roost {
namespace {

using wire::RefusalCode;

class SequencingTest : public ::testing::Test {
 protected:
  static constexpr uint8_t kKey[32] = {};

  void SetUp() override {
    ASSERT_GE(sodium_init(), 0);
    Result<CountersWriter> made = CountersWriter::Create(path_, {kKey, Durability::kProcess, ""});
    ASSERT_TRUE(made.ok()) << made.status().message();
    counters_.emplace(*std::move(made));
    turn_.emplace(&log_, &ids_, &*counters_, &replies_);
    own_events_.emplace(&log_, &*turn_);
    coordinator_.emplace(&*turn_, &undo_, std::vector<Coordinator::Entry>{});
    presence_.emplace(&sessions_, &*own_events_);
    attacher_.emplace(Attacher::Parts{&log_, &sessions_, &*own_events_, &*turn_, &*counters_,
                                      &replies_, &*coordinator_, &*presence_},
                      3);
    appender_.emplace(&log_, &ids_, &*counters_, &*turn_);
  }
  ~SequencingTest() override { ::unlink(path_.c_str()); }

  // A connection; the test has the client's end.
  struct Connected {
    Peer peer;
    UniqueFd client;
    alignas(8) std::byte buffer[4096];

    // nullptr: nothing was sent.
    const wire::Reply* Receive() {
      const Received received = ReceiveSeqpacket(client.get(), buffer, sizeof(buffer));
      if (received.outcome != SocketOutcome::kDone) return nullptr;
      return DecodeReply(Bytes(buffer, received.size));
    }
    RefusalCode Refused() {
      const wire::Reply* reply = Receive();
      if (reply == nullptr || reply->body_as_Refused() == nullptr) {
        ADD_FAILURE() << "not refused";
        return RefusalCode::Invalid;
      }
      return reply->body_as_Refused()->code();
    }
  };

  std::unique_ptr<Connected> Connect() {
    auto connected = std::make_unique<Connected>();
    int pair[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    connected->client.Reset(pair[1]);
    connected->peer.socket =
        std::make_shared<PeerSocket>(UniqueFd(pair[0]), PeerCredentials{7, 8, 9});
    return connected;
  }

  Bytes Copy(Bytes message) {
    words_.assign(message.size() / 8 + 1, 0);
    std::memcpy(words_.data(), message.data(), message.size());
    return std::as_bytes(std::span(words_)).first(message.size());
  }

  void Attach(Connected& connected, uint64_t session = 0, Bytes secret = {}) {
    const Bytes message = Copy(encoder_.Attach("alice", "test", session, secret));
    attacher_->Handle(connected.peer, *DecodeRequest(message, 10)->body_as_Attach());
  }
  // Attached, with its answer taken.
  std::unique_ptr<Connected> NewSession() {
    auto connected = Connect();
    Attach(*connected);
    turn_->Finish();
    EXPECT_NE(connected->Receive()->body_as_Attached(), nullptr);
    return connected;
  }

  void Append(Connected& connected, uint64_t number, std::string_view id = "",
              std::optional<uint64_t> expect = {}, std::string_view data = "1") {
    encoder_.BeginAppend();
    encoder_.AddEvent({.stream = "s", .type = "t", .agent = "alice", .id = id, .data = data});
    if (expect.has_value()) encoder_.AddCondition("s", *expect);
    const Bytes message = Copy(encoder_.FinishAppend(number));
    appender_->Handle(connected.peer, number, *DecodeRequest(message, 10)->body_as_Append(), 1);
  }

  std::vector<std::string> Types() {
    std::vector<std::string> types;
    for (const ScriptedLog::Event& event : log_.events()) {
      types.push_back(DecodeEventBody(AsBytes(event.body))->type()->str());
    }
    return types;
  }

  const Status full_{StatusCode::kExhausted, "no space left"};
  const std::string path_ = ::testing::TempDir() + "/sequencing_test." + std::to_string(::getpid());
  ScriptedLog log_;
  IdTable ids_;
  SessionTable sessions_{kKey, 1};
  ReplyBuilder replies_;
  RequestEncoder encoder_;
  std::vector<uint64_t> words_;
  std::optional<CountersWriter> counters_;
  std::optional<SequencerTurn> turn_;
  std::optional<OwnEvents> own_events_;
  UndoLog undo_;
  std::optional<Coordinator> coordinator_;
  std::optional<Presence> presence_;
  std::optional<Attacher> attacher_;
  std::optional<Appender> appender_;
};

TEST_F(SequencingTest, AnswersNobodyBeforeTheCommit) {
  auto alice = NewSession();
  Append(*alice, 1);
  EXPECT_EQ(alice->Receive(), nullptr);
  EXPECT_TRUE(turn_->Finish());
  EXPECT_NE(alice->Receive()->body_as_Appended(), nullptr);
}

TEST_F(SequencingTest, CommitsOnceForManyAppends) {
  auto alice = NewSession();
  const int before = log_.commits;
  for (uint64_t number = 1; number <= 10; ++number) Append(*alice, number);
  turn_->Finish();
  EXPECT_EQ(log_.commits, before + 1);
  EXPECT_EQ(counters_->Get(Latency::kAppend).Count(), 10u);
  EXPECT_GT(turn_->answered_ns(), 0u);
  EXPECT_FALSE(turn_->Finish());
  EXPECT_EQ(turn_->answered_ns(), 0u);
  EXPECT_EQ(log_.commits, before + 1);
}

TEST_F(SequencingTest, RefusesTheWholeTurnWhenItsCommitFails) {
  auto alice = NewSession();
  auto bob = NewSession();
  log_.next_commit = full_;
  Append(*alice, 1);
  Append(*bob, 1, "", /*expect=*/0);  // a conflict with what is only staged
  EXPECT_FALSE(turn_->Finish());
  EXPECT_EQ(alice->Refused(), RefusalCode::Full);
  EXPECT_EQ(bob->Refused(), RefusalCode::Full);
}

TEST_F(SequencingTest, DoesARequestThatWasRefusedForWantOfRoomWhenAskedAgain) {
  auto alice = NewSession();
  log_.next_commit = full_;
  Append(*alice, 1, "id");
  turn_->Finish();
  EXPECT_EQ(alice->Refused(), RefusalCode::Full);
  log_.next_commit = {};
  Append(*alice, 1, "id");
  turn_->Finish();
  const wire::Appended* appended = alice->Receive()->body_as_Appended();
  ASSERT_NE(appended, nullptr);
  EXPECT_FALSE(appended->duplicate());
  EXPECT_EQ(appended->revision(), 1u);
}

TEST_F(SequencingTest, AnswersAConflictWithAStagedEventOnlyOnceItIsCommitted) {
  auto alice = NewSession();
  Append(*alice, 1);
  Append(*alice, 2, "", /*expect=*/0);
  EXPECT_EQ(alice->Receive(), nullptr);
  turn_->Finish();
  EXPECT_NE(alice->Receive()->body_as_Appended(), nullptr);
  const wire::Conflict* conflict = alice->Receive()->body_as_Conflict();
  ASSERT_NE(conflict, nullptr);
  EXPECT_EQ(conflict->stream()->str(), "s");
  EXPECT_EQ(conflict->revision(), 1u);
}

TEST_F(SequencingTest, AppendsAnIdOnceThatComesTwiceInATurn) {
  auto alice = NewSession();
  auto bob = NewSession();
  const size_t before = log_.events().size();
  Append(*alice, 1, "id");
  Append(*bob, 1, "id");
  turn_->Finish();
  EXPECT_FALSE(alice->Receive()->body_as_Appended()->duplicate());
  EXPECT_TRUE(bob->Receive()->body_as_Appended()->duplicate());
  EXPECT_EQ(log_.events().size(), before + 1);
}

// The first use of the id vanished with the commit, so the other content is the first now.
TEST_F(SequencingTest, DoesNotHoldAnIdAgainstAnybodyWhoseFirstUseVanished) {
  auto alice = NewSession();
  auto bob = NewSession();
  Append(*alice, 1, "id", {}, "1");
  log_.next_commit = full_;
  Append(*bob, 1, "id", {}, "2");
  turn_->Finish();
  EXPECT_EQ(alice->Refused(), RefusalCode::Full);
  EXPECT_EQ(bob->Refused(), RefusalCode::Full);
}

TEST_F(SequencingTest, FinishesAFullTurnAndGoesOn) {
  auto alice = NewSession();
  log_.staged_max = 2;
  for (uint64_t number = 1; number <= 5; ++number) Append(*alice, number);
  turn_->Finish();
  for (uint64_t number = 1; number <= 5; ++number) {
    const wire::Reply* reply = alice->Receive();
    ASSERT_NE(reply, nullptr);
    EXPECT_EQ(reply->number(), number);
    ASSERT_NE(reply->body_as_Appended(), nullptr);
    EXPECT_EQ(reply->body_as_Appended()->revision(), number);
  }
}

TEST_F(SequencingTest, SaysThatItIsDegradedAndStillRepeatsAnswers) {
  auto alice = NewSession();
  Append(*alice, 1);
  turn_->Finish();
  EXPECT_NE(alice->Receive()->body_as_Appended(), nullptr);
  log_.is_degraded = true;
  Append(*alice, 2);
  EXPECT_EQ(alice->Refused(), RefusalCode::Degraded);
  Append(*alice, 1);
  EXPECT_NE(alice->Receive()->body_as_Appended(), nullptr);
}

TEST_F(SequencingTest, LetsReadersInWhenTheLogTakesNoEvents) {
  log_.next_commit = full_;
  auto alice = Connect();
  Attach(*alice);
  turn_->Finish();
  const wire::Attached* attached = alice->Receive()->body_as_Attached();
  ASSERT_NE(attached, nullptr);
  EXPECT_GE(attached->session(), kUnloggedSessions);
  // An append ends the session, so that the client gets one that the log knows.
  log_.next_commit = {};
  Append(*alice, 1);
  EXPECT_EQ(alice->Refused(), RefusalCode::Full);
  EXPECT_TRUE(alice->peer.socket->hung_up());
  attacher_->Leave(alice->peer);
  turn_->Finish();
  EXPECT_TRUE(log_.events().empty());
}

TEST_F(SequencingTest, LetsReadersInWhenDegraded) {
  log_.is_degraded = true;
  auto alice = Connect();
  Attach(*alice);
  ASSERT_NE(alice->Receive()->body_as_Attached(), nullptr);
  Append(*alice, 1);
  EXPECT_EQ(alice->Refused(), RefusalCode::Degraded);
  EXPECT_FALSE(alice->peer.socket->hung_up());
}

TEST_F(SequencingTest, WritesDownLaterWhoLeftWhileThereWasNoRoom) {
  auto alice = NewSession();
  log_.next_commit = full_;
  attacher_->Leave(alice->peer);
  turn_->Finish();
  EXPECT_EQ(Types(), (std::vector<std::string>{"agent.joined"}));
  EXPECT_NE(own_events_->NextTryNs(), UINT64_MAX);
  log_.next_commit = {};
  while (own_events_->NextTryNs() != UINT64_MAX) {
    own_events_->StageWaiting();
    turn_->Finish();
  }
  EXPECT_EQ(Types(), (std::vector<std::string>{"agent.joined", "agent.left"}));
}

TEST_F(SequencingTest, TakesNobodyUpAgainWhoseLeavingIsNotWrittenDown) {
  auto alice = NewSession();
  const uint64_t session = alice->peer.session->number;
  const SessionSecret secret = sessions_.SecretOf(session, alice->peer.socket->credentials().uid);
  const auto come_back = [&](Connected& connected) {
    Attach(connected, session, std::as_bytes(std::span(secret)));
  };
  log_.next_commit = full_;
  attacher_->Leave(alice->peer);
  turn_->Finish();
  auto again = Connect();
  come_back(*again);
  EXPECT_EQ(again->Refused(), RefusalCode::Busy);
  log_.next_commit = {};
  while (own_events_->NextTryNs() != UINT64_MAX) {
    own_events_->StageWaiting();
    turn_->Finish();
  }
  come_back(*again);
  const wire::Attached* attached = again->Receive()->body_as_Attached();
  ASSERT_NE(attached, nullptr);
  EXPECT_EQ(attached->session(), session);
}

TEST_F(SequencingTest, WritesDownMoreLeaversThanATurnHolds) {
  std::vector<std::unique_ptr<Connected>> peers;
  for (int i = 0; i < 3; ++i) peers.push_back(NewSession());
  log_.staged_max = 2;
  for (auto& peer : peers) attacher_->Leave(peer->peer);
  turn_->Finish();
  EXPECT_EQ(Types().size(), 6u);
  EXPECT_EQ(own_events_->NextTryNs(), UINT64_MAX);
}

TEST_F(SequencingTest, CountsWhoIsStillJoiningAgainstTheLimit) {
  std::vector<std::unique_ptr<Connected>> peers;
  for (int i = 0; i < 4; ++i) {
    peers.push_back(Connect());
    Attach(*peers.back());
  }
  EXPECT_EQ(peers.back()->Refused(), RefusalCode::Busy);
  turn_->Finish();
  EXPECT_EQ(sessions_.attached(), 3u);
}

TEST(OwnEventTest, QuotesLabelsAndFindsTheIdentityAgain) {
  EXPECT_EQ(JsonString(R"(a"b\c)"), R"("a\"b\\c")");
  const std::string identity = SessionIdentity(R"(x","agent":"y)", "c", {1, 2, 3});
  EXPECT_EQ(IdentityIn(JoinedData(identity)), identity);
  EXPECT_EQ(IdentityIn(SessionData(5, identity, "because")), identity);
  EXPECT_EQ(IdentityIn("garbage"), "");
}

}  // namespace
}  // namespace roost
