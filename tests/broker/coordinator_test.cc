// The ground on which the rooms stand, with a room that only counts: what a failed commit takes back, when answers are
// sent, what is repeated, and in which order events come.
#include "broker/coordination/coordinator.h"

#include <gtest/gtest.h>

#include <list>

#include "broker/coordination/own_streams.h"
#include "broker/leases/lease_replies.h"
#include "broker/logging.h"
#include "tests/broker/coordination_fixture.h"

namespace roost {
namespace {

using wire::RefusalCode;
using wire::ReplyBody;

// A claim adds one to a number, and a release of another token than the number is answered with no. A claim with
// wait_ms waits until the number is even.
class CountingRoom : public CoordinationRoom {
 public:
  explicit CountingRoom(ChangeWriter* changes) : changes_(changes) {}

  TryOutcome Try(const Asked& asked, const wire::Request& request) override {
    ++tries;
    if (const wire::Release* release = request.body_as_Release()) {
      changes_->Answer(asked, replies_.Released(asked.number, release->token() == count));
      return TryOutcome::kDone;
    }
    if (request.body_as_Claim()->wait_ms() > 0 && count % 2 != 0) {
      queue.push_back(asked);
      return TryOutcome::kDone;
    }
    return Count(asked);
  }

  TryOutcome Count(const Asked& asked) {
    const std::string data = std::to_string(count + 1);
    BatchPlace place;
    switch (changes_->Stage(asked, Change{kLeasesStream, kLeaseGrantedType, data}, &place)) {
      case ChangeWriter::Outcome::kTurnFull:
        return TryOutcome::kTurnFull;
      case ChangeWriter::Outcome::kRefused:
        return TryOutcome::kDone;
      case ChangeWriter::Outcome::kStaged:
        break;
    }
    changes_->undo()->Add([this, before = count] { undone.push_back(count = before); });
    ++count;
    KeptAnswer answer;
    answer.kind = KeptAnswer::Kind::kGranted;
    answer.first = place.first;
    changes_->AnswerStaged(asked, std::move(answer));
    return TryOutcome::kDone;
  }

  Bytes ReplyTo(const KeptAnswer& answer) override {
    return replies_.Granted(answer.number, answer.first, 1);
  }
  void OnSessionEnded(Session& session, std::string_view reason) override {
    changes_->Add(kLeasesStream, kLeaseReleasedType, std::string(reason), session.number);
    count += 10;
  }
  void DropWaiting(Session&) override { queue.clear(); }
  void Cancel(Session&, uint64_t number) override { cancelled = number; }
  void OnSessionBack(Session& session) override { back = session.number; }
  void ServeWaiting() override {
    ++serves;
    if (queue.empty() || count % 2 != 0) return;
    const Asked asked = queue.front();
    if (Count(asked) == TryOutcome::kDone) queue.pop_front();
  }
  uint64_t NextTimerNs() const override { return timer_ns; }
  void OnTimer(uint64_t) override {
    timer_ns = UINT64_MAX;
    changes_->Add(kLeasesStream, kLeaseExpiredType, "{}", 0);
  }

  uint64_t count = 0;
  int tries = 0;
  int serves = 0;
  std::vector<uint64_t> undone;
  std::list<Asked> queue;
  uint64_t cancelled = 0;
  uint64_t back = 0;
  uint64_t timer_ns = UINT64_MAX;

 private:
  ChangeWriter* const changes_;
  LeaseReplies replies_;
};

class CoordinatorTest : public CoordinationFixture {
 protected:
  using enum ReplyBody;
  using Answered = std::pair<uint64_t, ReplyBody>;

  void SetUp() override {
    SetLogLevel(LogLevel::kError);
    CoordinationFixture::SetUp();
    room_.emplace(&*changes_);
    MakeCoordinator({{&*room_,
                      {wire::RequestBody::Claim, wire::RequestBody::Release},
                      {KeptAnswer::Kind::kGranted}}});
    alice_ = Join(1, "alice");
    bob_ = Join(2, "bob");
  }

  void Count(Member& member, uint64_t number, uint32_t wait_ms = 0) {
    Ask(member, ClaimBytes(number, {.keys = {"k"}, .wait_ms = wait_ms}));
  }

  std::optional<CountingRoom> room_;
  std::unique_ptr<Member> alice_, bob_;
};

TEST_F(CoordinatorTest, LeavesRequestsOfNoRoomToOthers) {
  const RequestBytes bytes = ListLeasesBytes(1, "");
  EXPECT_FALSE(coordinator_->Handle({alice_->peer, *alice_->session, 1, 1},
                                    *wire::GetRequest(static_cast<Bytes>(bytes).data())));
}

TEST_F(CoordinatorTest, RefusesARequestWithoutANumber) {
  Count(*alice_, 0);
  EXPECT_EQ(alice_->Next(), Answered(0, Refused));
  EXPECT_EQ(room_->tries, 0);
}

TEST_F(CoordinatorTest, AnswersWhenTheChangeIsCommitted) {
  Count(*alice_, 1);
  EXPECT_EQ(alice_->Receive(), nullptr);
  EndTurn();
  EXPECT_EQ(alice_->Next(), Answered(1, Granted));
  EXPECT_EQ(Types(), std::vector<std::string>{"lease.granted"});
}

TEST_F(CoordinatorTest, TakesAllBackNewestFirstWhenTheCommitFails) {
  Count(*alice_, 1);
  Count(*bob_, 1);
  Count(*alice_, 2);
  EXPECT_EQ(room_->count, 3u);
  log_.next_commit = full_;
  EndTurn();
  EXPECT_EQ(room_->undone, (std::vector<uint64_t>{2, 1, 0}));
  EXPECT_EQ(room_->count, 0u);
  for (Member* member : {alice_.get(), bob_.get()}) EXPECT_EQ(member->Next(), Answered(1, Refused));
  // Not done, so it can be asked again.
  log_.next_commit = {};
  Count(*alice_, 1);
  EndTurn();
  EXPECT_EQ(alice_->Next(), Answered(2, Refused));
  EXPECT_EQ(alice_->Next(), Answered(1, Granted));
  EXPECT_EQ(room_->count, 1u);
}

TEST_F(CoordinatorTest, SendsWhatRestsOnAnUncommittedChangeWithTheCommit) {
  Ask(*bob_, ReleaseBytes(1, 0));
  EXPECT_EQ(bob_->Next(), Answered(1, Released));  // at once
  Count(*alice_, 1);
  Ask(*bob_, ReleaseBytes(2, 1));
  EXPECT_EQ(bob_->Receive(), nullptr);
  log_.next_commit = full_;
  EndTurn();
  EXPECT_EQ(bob_->Next(), Answered(2, Refused));
  log_.next_commit = {};
  Count(*alice_, 2);
  Ask(*bob_, ReleaseBytes(3, 1));
  EndTurn();
  EXPECT_EQ(bob_->Next(), Answered(3, Released));
}

TEST_F(CoordinatorTest, RepeatsAKeptAnswerAndDoesNothingTwice) {
  Count(*alice_, 1);
  Count(*alice_, 1);  // pending: decided first
  EXPECT_EQ(alice_->Next(), Answered(1, Granted));
  EXPECT_EQ(alice_->Next(), Answered(1, Granted));
  Count(*alice_, 1);
  EXPECT_EQ(alice_->Next(), Answered(1, Granted));
  EXPECT_EQ(room_->count, 1u);
  EXPECT_EQ(Types().size(), 1u);
}

TEST_F(CoordinatorTest, RefusesARequestThatIsTooOldToKnow) {
  for (uint64_t number = 1; number <= 65; ++number) Count(*alice_, number);
  EndTurn();
  for (uint64_t number = 1; number <= 65; ++number) {
    EXPECT_EQ(alice_->Next(), Answered(number, Granted));
  }
  Count(*alice_, 1);
  const wire::Reply* reply = alice_->Receive();
  ASSERT_NE(reply->body_as_Refused(), nullptr);
  EXPECT_EQ(reply->body_as_Refused()->code(), RefusalCode::TooOld);
}

TEST_F(CoordinatorTest, AnswersWhoWaitedForLongerThanAnswersAreKept) {
  Count(*alice_, 1);
  EndTurn();
  Count(*bob_, 1, 1000);
  for (uint64_t number = 2; number <= 100; ++number) Ask(*bob_, ReleaseBytes(number, 0));
  for (uint64_t number = 2; number <= 100; ++number) {
    EXPECT_EQ(bob_->Next(), Answered(number, Released));
  }
  for (uint64_t number = 101; number <= 201; number += 2) {
    Count(*bob_, number);
    room_->count = 1;
  }
  EndTurn();
  while (bob_->Receive() != nullptr) {
  }
  room_->count = 2;
  EndTurn();
  EXPECT_EQ(bob_->Next(), Answered(1, Granted));
}

TEST_F(CoordinatorTest, FinishesAFullTurnAndTriesAgain) {
  log_.staged_max = 1;
  Count(*alice_, 1);
  Count(*bob_, 1);
  EXPECT_EQ(alice_->Next(), Answered(1, Granted));
  EXPECT_EQ(bob_->Receive(), nullptr);
  EndTurn();
  EXPECT_EQ(bob_->Next(), Answered(1, Granted));
  EXPECT_EQ(room_->tries, 3);
}

TEST_F(CoordinatorTest, FinishesATurnThatOwesTooMuch) {
  for (size_t i = 0; i < SequencerTurn::kOwedMax; ++i) {
    Count(i % 2 == 0 ? *alice_ : *bob_, i / 2 + 1);
    if (i % 64 == 63) {
      EXPECT_EQ(log_.commits, 0);
    }
  }
  Count(*alice_, 1 << 20);
  EXPECT_EQ(log_.commits, 1);
}

TEST_F(CoordinatorTest, DecidesRequestsBeforeTheBrokerDoesSomethingByItself) {
  Count(*alice_, 1);
  log_.next_commit = full_;
  coordinator_->OnSessionEnded(*bob_->session, "left");
  // Alice's was taken back by itself; what followed from bob's end was not.
  EXPECT_EQ(room_->undone, std::vector<uint64_t>{0});
  EXPECT_EQ(room_->count, 10u);
  log_.next_commit = {};
  EndTurn();
  EXPECT_EQ(Types(), std::vector<std::string>{"lease.released"});
  Count(*alice_, 2);
  room_->timer_ns = 5;
  EXPECT_EQ(coordinator_->NextTimerNs(), 5u);
  coordinator_->OnTimer(4);
  EXPECT_EQ(Types().size(), 1u);
  coordinator_->OnTimer(5);
  EXPECT_EQ(Types().size(), 2u);
  EndTurn();
  EXPECT_EQ(Types().back(), "lease.expired");
}

TEST_F(CoordinatorTest, KeepsTheBrokersOwnEventsInOrderBeforeAllThatComesLater) {
  log_.next_commit = full_;
  changes_->Add(kLeasesStream, kLeaseExpiredType, "{}", 1);
  changes_->Add(kLeasesStream, kLeaseReleasedType, "{}", 1);
  EndTurn();
  log_.next_commit = {};
  // They wait, so that nothing may overtake them.
  Count(*alice_, 1);
  const wire::Reply* reply = alice_->Receive();
  ASSERT_NE(reply, nullptr);
  ASSERT_NE(reply->body_as_Refused(), nullptr);
  EXPECT_EQ(reply->body_as_Refused()->code(), RefusalCode::Full);
  while (own_events_->HasWaiting()) own_events_->StageWaiting();
  Count(*alice_, 2);
  EndTurn();
  EXPECT_EQ(Types(),
            (std::vector<std::string>{"lease.expired", "lease.released", "lease.granted"}));
}

TEST_F(CoordinatorTest, RefusesChangesOfWhomTheLogDoesNotKnow) {
  auto stranger = Join(sessions_.NextUnlogged(), "stranger");
  Count(*stranger, 1);
  EXPECT_EQ(stranger->Next(), Answered(1, Refused));
  // Else it would be refused for ever, also when there is room: only with a new session the log knows it.
  EXPECT_TRUE(stranger->peer.socket->hung_up());
  EXPECT_FALSE(alice_->peer.socket->hung_up());
  log_.is_degraded = true;
  Count(*alice_, 1);
  const wire::Reply* reply = alice_->Receive();
  ASSERT_NE(reply->body_as_Refused(), nullptr);
  EXPECT_EQ(reply->body_as_Refused()->code(), RefusalCode::Degraded);
}

TEST_F(CoordinatorTest, ServesAgainWhileServingChangesSomething) {
  Count(*alice_, 1);
  Count(*bob_, 1, 1000);
  EndTurn();
  EXPECT_EQ(bob_->Receive(), nullptr);
  room_->count = 2;
  room_->serves = 0;
  EndTurn();
  EXPECT_EQ(bob_->Next(), Answered(1, Granted));
  EXPECT_EQ(room_->serves, 2);
  EXPECT_FALSE(turn_->HasWork());
}

TEST_F(CoordinatorTest, ServesTheNextWhenTheCommitOfOneFailed) {
  Count(*alice_, 1);
  for (uint64_t number = 1; number <= 8; ++number) Count(*bob_, number, 1000);
  EndTurn();
  room_->count = 2;
  log_.next_commit = full_;
  EndTurn();
  for (uint64_t number = 1; number <= 4; ++number)
    EXPECT_EQ(bob_->Next(), Answered(number, Refused));
  EXPECT_EQ(bob_->Receive(), nullptr);
  // The others have their turn at once.
  EXPECT_EQ(coordinator_->NextTimerNs(), 0u);
  log_.next_commit = {};
  EndTurn();
  EXPECT_EQ(bob_->Next(), Answered(5, Granted));
  EXPECT_EQ(coordinator_->NextTimerNs(), UINT64_MAX);
}

TEST_F(CoordinatorTest, PassesOnWhatHappensToSessions) {
  coordinator_->Cancel(*alice_->session, 7);
  EXPECT_EQ(room_->cancelled, 7u);
  Count(*alice_, 1);
  Count(*bob_, 1, 1000);
  coordinator_->OnSessionMoved(*bob_->session);
  EXPECT_TRUE(room_->queue.empty());
  coordinator_->OnSessionBack(*bob_->session);
  EXPECT_EQ(room_->back, 2u);
}

TEST(WaitingBudgetTest, IsSpentBySessionAndInAll) {
  WaitingBudget budget;
  std::vector<Session> sessions(WaitingBudget::kMax / WaitingBudget::kPerSessionMax + 1);
  for (size_t i = 0; i + 1 < sessions.size(); ++i) {
    for (uint32_t j = 0; j < WaitingBudget::kPerSessionMax; ++j) {
      ASSERT_FALSE(budget.Spend(sessions[i]).has_value());
    }
    EXPECT_TRUE(budget.Spend(sessions[i]).has_value());
  }
  EXPECT_TRUE(budget.Spend(sessions.back()).has_value());
  budget.GiveBack(sessions.front());
  EXPECT_FALSE(budget.Spend(sessions.back()).has_value());
}

}  // namespace
}  // namespace roost
