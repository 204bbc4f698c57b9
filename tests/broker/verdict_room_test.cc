// The room of questions over a log that does as a test says, and a clock that the test moves.
#include "broker/verdicts/verdict_room.h"

#include <gtest/gtest.h>
#include <sodium.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <optional>

#include "broker/coordination/coordinator.h"
#include "broker/verdicts/policy_file.h"
#include "ipc/messages.h"
#include "log/record.h"
#include "tests/broker/scripted_log.h"

namespace roost {
namespace {

uint64_t test_now_ns = 0;

class VerdictRoomTest : public ::testing::Test {
 protected:
  static constexpr uint8_t kKey[32] = {};

  // A client: the broker's end of its connection, and its own.
  struct Client {
    Peer peer;
    Session* session = nullptr;
    UniqueFd fd;
    alignas(8) std::byte buffer[8192];

    // nullptr: nothing was sent.
    const wire::Reply* Receive() {
      const Received received = ReceiveSeqpacket(fd.get(), buffer, sizeof(buffer));
      return received.outcome == SocketOutcome::kDone ? DecodeReply(Bytes(buffer, received.size))
                                                      : nullptr;
    }
    const wire::Answer* Answer() {
      const wire::Reply* reply = Receive();
      if (reply == nullptr || reply->body_as_Validated() == nullptr) return nullptr;
      return reply->body_as_Validated()->answers()->Get(0);
    }
  };

  void SetUp() override {
    ASSERT_GE(sodium_init(), 0);
    test_now_ns = 1'000;
    Result<CountersWriter> made = CountersWriter::Create(path_, {kKey, Durability::kProcess, ""});
    ASSERT_TRUE(made.ok()) << made.status().message();
    counters_.emplace(*std::move(made));
    turn_.emplace(&log_, &ids_, &*counters_, &replies_);
    own_events_.emplace(&log_, &*turn_);
    changes_.emplace(&log_, &*own_events_, &*turn_, &undo_);
    room_.emplace(VerdictRoom::Parts{&table_, &sessions_, &*changes_, &*turn_, &waiting_,
                                     &publisher_, &examiner_, nullptr, [] { return test_now_ns; }},
                  Policy::None());
    coordinator_.emplace(
        &*turn_, &undo_,
        std::vector<Coordinator::Entry>{{&*room_,
                                         {wire::RequestBody::Validate, wire::RequestBody::Decide},
                                         {KeptAnswer::Kind::kDecided}}});
  }
  ~VerdictRoomTest() override { ::unlink(path_.c_str()); }

  std::unique_ptr<Client> Join(uint64_t number) {
    auto client = std::make_unique<Client>();
    int pair[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    client->fd.Reset(pair[1]);
    client->peer.socket = std::make_shared<PeerSocket>(UniqueFd(pair[0]), PeerCredentials{7, 8, 9});
    client->session = &sessions_.Add(number);
    client->session->counters_row = counters_->sessions().Begin({number, 0, 0, 0, ""});
    client->session->agent = "a" + std::to_string(number);
    client->session->uid = 7;
    client->session->peer = &client->peer;
    client->peer.session = client->session;
    return client;
  }

  void Ask(Client& client, uint64_t number, uint32_t wait_ms = 0) {
    const RequestEncoder::QuestionFields question{"k", "1"};
    Handle(client, number, encoder_.Validate(number, std::span(&question, 1), wait_ms, false));
  }
  // The same question and another one.
  void AskBoth(Client& client, uint64_t number, uint32_t wait_ms) {
    const RequestEncoder::QuestionFields questions[] = {{"k", "1"}, {"k", "2"}};
    Handle(client, number, encoder_.Validate(number, questions, wait_ms, false));
  }
  void Decide(Client& client, uint64_t number, uint64_t token, uint64_t ttl_ms = 0) {
    const VerdictKey key = *QuestionKey("k", "1");
    RequestEncoder::DecideFields decision{key, {token, 0}, wire::Verdict::Allow};
    decision.ttl_ms = ttl_ms;
    Handle(client, number, encoder_.Decide(number, decision));
  }
  void Handle(Client& client, uint64_t number, Bytes message) {
    words_.assign(message.size() / 8 + 1, 0);
    std::memcpy(words_.data(), message.data(), message.size());
    const Bytes copy = std::as_bytes(std::span(words_)).first(message.size());
    EXPECT_TRUE(
        coordinator_->Handle({client.peer, *client.session, number, 1}, *DecodeRequest(copy, 10)));
  }
  void EndTurn() {
    coordinator_->OnTimer(test_now_ns);
    turn_->Finish();
    coordinator_->ServeWaiting();
  }
  std::vector<std::string> Types() {
    std::vector<std::string> types;
    for (const ScriptedLog::Event& event : log_.events()) {
      types.push_back(DecodeEventBody(AsBytes(event.body))->type()->str());
    }
    return types;
  }

  using Texts = std::vector<std::string>;

  const std::string path_ =
      ::testing::TempDir() + "/verdict_room_test." + std::to_string(::getpid());
  ScriptedLog log_;
  IdTable ids_;
  SessionTable sessions_{kKey, 1};
  std::optional<CountersWriter> counters_;
  ReplyBuilder replies_;
  std::optional<SequencerTurn> turn_;
  std::optional<OwnEvents> own_events_;
  UndoLog undo_;
  WaitingBudget waiting_;
  std::optional<ChangeWriter> changes_;
  QuestionTable table_;
  VerdictPublisher publisher_{&log_, &table_, nullptr};
  Examiner examiner_;
  std::optional<VerdictRoom> room_;
  std::optional<Coordinator> coordinator_;
  RequestEncoder encoder_;
  std::vector<uint64_t> words_;
};

TEST_F(VerdictRoomTest, TellsTheNextWhenTheDecidersTimeIsOver) {
  const auto alice = Join(1);
  const auto bob = Join(2);
  Ask(*alice, 1);
  EndTurn();
  const uint64_t token = alice->Answer()->token();
  Ask(*bob, 1, 50'000);
  EndTurn();
  ASSERT_NE(bob->Receive()->body_as_Queued(), nullptr);
  test_now_ns += 30 * kNsPerSecond;
  EndTurn();
  EXPECT_EQ(bob->Receive(), nullptr);
  Ask(*bob, 2, 50'000);
  EndTurn();
  ASSERT_NE(bob->Receive()->body_as_Queued(), nullptr);
  // The first of bob's requests has waited for long enough, then alice for too long.
  test_now_ns += 20 * kNsPerSecond;
  EndTurn();
  EXPECT_FALSE(bob->Answer()->you_decide());
  test_now_ns += 10 * kNsPerSecond;
  EndTurn();
  const wire::Answer* answer = bob->Answer();
  ASSERT_NE(answer, nullptr);
  EXPECT_TRUE(answer->you_decide());
  EXPECT_GT(answer->token(), token);
  Decide(*alice, 2, token);
  EXPECT_FALSE(alice->Receive()->body_as_Decided()->recorded());
  EXPECT_EQ(Types(), (Texts{"question.asked", "question.reassigned"}));
  EXPECT_EQ(waiting_.waiting(), 0u);
}

TEST_F(VerdictRoomTest, TakesALateDecisionAsLongAsNobodyElseWasTold) {
  const auto alice = Join(1);
  Ask(*alice, 1);
  EndTurn();
  const uint64_t token = alice->Answer()->token();
  test_now_ns += QuestionTable::kLeaseNs;
  EndTurn();
  turn_->Finish();
  EXPECT_EQ(Types(), (Texts{"question.asked", "question.abandoned"}));
  Decide(*alice, 2, token);
  EndTurn();
  EXPECT_TRUE(alice->Receive()->body_as_Decided()->recorded());
}

TEST_F(VerdictRoomTest, TakesAllBackWhenItsEventsAreNotWritten) {
  const auto alice = Join(1);
  const auto bob = Join(2);
  log_.next_commit = {StatusCode::kExhausted, "no space left"};
  Ask(*alice, 1);
  Ask(*bob, 1, 50'000);
  EndTurn();
  EXPECT_NE(alice->Receive()->body_as_Refused(), nullptr);
  EXPECT_NE(bob->Receive()->body_as_Refused(), nullptr);
  EXPECT_EQ(bob->Receive(), nullptr);
  EXPECT_TRUE(table_.open().empty());
  EXPECT_EQ(waiting_.waiting(), 0u);

  log_.next_commit = {};
  Ask(*bob, 2);
  EndTurn();
  const uint64_t token = bob->Answer()->token();
  Ask(*alice, 2, 50'000);
  EndTurn();
  ASSERT_NE(alice->Receive()->body_as_Queued(), nullptr);
  // A decision that is not written is none: alice waits on.
  log_.next_commit = {StatusCode::kExhausted, "no space left"};
  Decide(*bob, 3, token);
  EndTurn();
  EXPECT_NE(bob->Receive()->body_as_Refused(), nullptr);
  EXPECT_EQ(alice->Receive(), nullptr);
  log_.next_commit = {};
  Decide(*bob, 3, token);
  EndTurn();
  EXPECT_TRUE(bob->Receive()->body_as_Decided()->recorded());
  EXPECT_EQ(alice->Answer()->verdict(), wire::Verdict::Allow);
}

TEST_F(VerdictRoomTest, GivesNoAnswerThatEndedWhileOthersWereWaitedFor) {
  const auto alice = Join(1);
  const auto bob = Join(2);
  Ask(*alice, 1);
  EndTurn();
  Decide(*alice, 2, alice->Answer()->token(), 1'000);
  EndTurn();
  ASSERT_TRUE(alice->Receive()->body_as_Decided()->recorded());
  AskBoth(*alice, 3, 0);
  EndTurn();
  ASSERT_EQ(alice->Answer()->verdict(), wire::Verdict::Allow);
  AskBoth(*bob, 1, 2'000);
  EndTurn();
  ASSERT_NE(bob->Receive()->body_as_Queued(), nullptr);
  test_now_ns += 2 * kNsPerSecond;
  EndTurn();
  const wire::Answer* answer = bob->Answer();
  ASSERT_NE(answer, nullptr);
  EXPECT_EQ(answer->verdict(), wire::Verdict::Undecided);
}

TEST_F(VerdictRoomTest, GivesNoAnswerOfThePolicyBefore) {
  const auto alice = Join(1);
  const auto bob = Join(2);
  Ask(*alice, 1);
  EndTurn();
  Decide(*alice, 2, alice->Answer()->token());
  EndTurn();
  ASSERT_TRUE(alice->Receive()->body_as_Decided()->recorded());
  AskBoth(*alice, 3, 0);
  EndTurn();
  ASSERT_EQ(alice->Answer()->verdict(), wire::Verdict::Allow);
  AskBoth(*bob, 1, 50'000);
  EndTurn();
  ASSERT_NE(bob->Receive()->body_as_Queued(), nullptr);
  const auto policy = ParsePolicy("agents_decide = [\"k\"]\n", "policy.toml");
  ASSERT_TRUE(policy.ok()) << policy.status().message();
  room_->SetPolicy(*policy);
  const wire::Reply* reply = bob->Receive();
  ASSERT_NE(reply, nullptr);
  for (const wire::Answer* answer : *reply->body_as_Validated()->answers()) {
    EXPECT_EQ(answer->verdict(), wire::Verdict::Undecided);
    EXPECT_NE(answer->key(), nullptr);
  }
}

TEST_F(VerdictRoomTest, LetsThoseWaitOnWhenThePolicyIsReadAgainAndIsTheSame) {
  const auto policy = ParsePolicy("agents_decide = [\"k\"]\n", "policy.toml");
  ASSERT_TRUE(policy.ok()) << policy.status().message();
  room_->SetPolicy(*policy);
  const auto alice = Join(1);
  const auto bob = Join(2);
  AskBoth(*alice, 1, 0);
  EndTurn();
  ASSERT_TRUE(alice->Answer()->you_decide());
  Ask(*bob, 1, 50'000);
  EndTurn();
  ASSERT_NE(bob->Receive()->body_as_Queued(), nullptr);
  room_->SetPolicy(*ParsePolicy("agents_decide = [\"k\"]\n", "policy.toml"));
  EXPECT_EQ(bob->Receive(), nullptr);
  room_->SetPolicy(*ParsePolicy("agents_decide = [\"k\", \"l\"]\n", "policy.toml"));
  EXPECT_NE(bob->Receive(), nullptr);
}

TEST_F(VerdictRoomTest, LetsRulesAnswerWhileNothingCanBeWritten) {
  const auto policy = ParsePolicy(
      "agents_decide = [\"k\"]\n"
      "[[rule]]\nkind = \"k\"\nequals = \"1\"\nverdict = \"deny\"\n",
      "policy.toml");
  ASSERT_TRUE(policy.ok()) << policy.status().message();
  room_->SetPolicy(*policy);
  const auto alice = Join(1);
  log_.next_commit = {StatusCode::kExhausted, "no space left"};
  for (uint64_t number = 1; number <= 2; ++number) {
    Ask(*alice, number);
    EndTurn();
    const wire::Answer* answer = alice->Answer();
    ASSERT_NE(answer, nullptr);
    EXPECT_EQ(answer->verdict(), wire::Verdict::Deny);
    EXPECT_EQ(answer->sequence(), 0u);
  }
  // Also beside a question that has to be written down first.
  AskBoth(*alice, 3, 50'000);
  EndTurn();
  const wire::Reply* reply = alice->Receive();
  ASSERT_NE(reply, nullptr);
  ASSERT_NE(reply->body_as_Validated(), nullptr);
  EXPECT_EQ(reply->body_as_Validated()->answers()->Get(0)->verdict(), wire::Verdict::Deny);
  EXPECT_EQ(reply->body_as_Validated()->answers()->Get(1)->verdict(), wire::Verdict::Undecided);
  EXPECT_FALSE(reply->body_as_Validated()->answers()->Get(1)->you_decide());
  EXPECT_TRUE(table_.verdicts().empty());
  EXPECT_TRUE(table_.open().empty());
  EXPECT_EQ(waiting_.waiting(), 0u);

  log_.next_commit = {};
  Ask(*alice, 4);
  EndTurn();
  EXPECT_NE(alice->Answer()->sequence(), 0u);
  EXPECT_EQ(Types(), Texts{"verdict.ruled"});
}

TEST_F(VerdictRoomTest, AnswersWhatNeedsNoWriteBesideWhatCanNotBeWritten) {
  const auto alice = Join(1);
  Ask(*alice, 1);
  EndTurn();
  Decide(*alice, 2, alice->Answer()->token());
  EndTurn();
  ASSERT_TRUE(alice->Receive()->body_as_Decided()->recorded());
  const auto expect_half = [](Client& client, const char* why) {
    const wire::Reply* reply = client.Receive();
    ASSERT_NE(reply, nullptr);
    const wire::Validated* validated = reply->body_as_Validated();
    ASSERT_NE(validated, nullptr) << wire::EnumNameReplyBody(reply->body_type());
    EXPECT_EQ(validated->answers()->Get(0)->verdict(), wire::Verdict::Allow);
    EXPECT_EQ(validated->answers()->Get(1)->verdict(), wire::Verdict::Undecided);
    EXPECT_FALSE(validated->answers()->Get(1)->you_decide());
    EXPECT_NE(validated->answers()->Get(1)->reason()->str().find(why), std::string::npos);
  };
  // Who could not be written down itself; and who finds the disk full only at the commit.
  const auto unlogged = Join(kUnloggedSessions + 1);
  AskBoth(*unlogged, 1, 50'000);
  expect_half(*unlogged, "no room for the journal");
  log_.next_commit = {StatusCode::kExhausted, "no space left"};
  for (const uint32_t wait_ms : {0, 50'000}) {
    AskBoth(*alice, 3 + wait_ms, wait_ms);
    EndTurn();
    expect_half(*alice, "no room for the journal");
  }
  log_.next_commit = {};
  log_.full_stream = "$questions";
  AskBoth(*alice, 60'000, 0);
  expect_half(*alice, "no room for another stream");
  EXPECT_EQ(waiting_.waiting(), 0u);
  // Alone it is refused.
  const RequestEncoder::QuestionFields second{"k", "2"};
  Handle(*alice, 60'001, encoder_.Validate(60'001, std::span(&second, 1), 0, false));
  const wire::Reply* reply = alice->Receive();
  ASSERT_NE(reply->body_as_Refused(), nullptr);
  EXPECT_EQ(reply->body_as_Refused()->code(), wire::RefusalCode::TooManyStreams);
}

TEST_F(VerdictRoomTest, LetsRulesAnswerWhereTheirStreamHasNoRoom) {
  const auto policy =
      ParsePolicy("[[rule]]\nkind = \"k\"\nequals = \"1\"\nverdict = \"deny\"\n", "policy.toml");
  ASSERT_TRUE(policy.ok()) << policy.status().message();
  room_->SetPolicy(*policy);
  log_.full_stream = "$verdicts";
  const auto alice = Join(1);
  Ask(*alice, 1);
  const wire::Answer* answer = alice->Answer();
  ASSERT_NE(answer, nullptr);
  EXPECT_EQ(answer->verdict(), wire::Verdict::Deny);
  EXPECT_EQ(answer->sequence(), 0u);
}

TEST_F(VerdictRoomTest, GivesTheTurnUpWhenItIsFull) {
  const auto alice = Join(1);
  log_.staged_max = 1;
  const RequestEncoder::QuestionFields questions[] = {{"k", "1"}, {"k", "2"}};
  Handle(*alice, 1, encoder_.Validate(1, questions, 0, false));
  EndTurn();
  EXPECT_TRUE(alice->Answer()->you_decide());
  EXPECT_EQ(Types(), (Texts{"question.asked", "question.asked"}));
}

}  // namespace
}  // namespace roost
