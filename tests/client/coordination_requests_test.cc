// Requests about claims, groups and verdicts: those that wait in the broker, and what becomes of them when the
// connection or the patience ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "tests/client/connection_fixture.h"

namespace roost {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr milliseconds kWait{50'000};

class CoordinationRequestsTest : public ConnectionTest {
 protected:
  uint64_t Claim(const std::string& key, milliseconds wait = {}, uint64_t deadline_ns = kNever) {
    return connection_.Claim({.keys = {key}, .wait = wait}, deadline_ns,
                             [this](const Result<ClaimResult>& result) {
                               ++claims_;
                               claim_status_ = result.status();
                               if (result.ok()) claim_ = *result;
                             });
  }
  bool Claimed(int count = 1) {
    return Until([&] { return claims_ >= count; });
  }
  // A claim that the broker has in its queue; returns its number there.
  uint64_t QueueClaim(const std::string& key, uint64_t deadline_ns = kNever) {
    ticket_ = Claim(key, kWait, deadline_ns);
    const uint64_t number = Receive().number();
    broker_.ReplyQueued(number);
    // An answer to a later request shows that Queued was seen.
    Ping();
    return number;
  }
  void Ping() {
    const int before = answers_;
    Append(OneEvent("ping"));
    broker_.ReplyAppended(Receive().number(), 1);
    ASSERT_TRUE(Answered(before + 1));
  }
  // A granted claim.
  void Hold(const std::string& key, uint64_t token) {
    const int before = claims_;
    Claim(key);
    broker_.ReplyGranted(Receive().number(), token);
    ASSERT_TRUE(Claimed(before + 1));
  }
  // The number of the request that is given up.
  uint64_t ReceiveCancelled() {
    const GotRequest request = Receive();
    const wire::CancelRequest* cancel = request->body_as_CancelRequest();
    return cancel == nullptr ? 0 : cancel->number();
  }
  std::vector<EndedLease> Ended() {
    std::vector<EndedLease> ended;
    Until([&] { return !(ended = connection_.TakeEndedLeases()).empty(); });
    return ended;
  }

  int claims_ = 0;
  uint64_t ticket_ = 0;
  Status claim_status_;
  ClaimResult claim_;
};

// ---- answers ----

TEST_F(CoordinationRequestsTest, SendsAClaimWithAllThatItSays) {
  AttachFully();
  connection_.Claim({.keys = {"a", "b/*"}, .ttl = milliseconds(5000), .wait = kWait, .note = "why"},
                    kNever, [](const Result<ClaimResult>&) {});
  const GotRequest request = Receive();
  const wire::Claim* claim = request->body_as_Claim();
  ASSERT_NE(claim, nullptr);
  ASSERT_EQ(claim->keys()->size(), 2u);
  EXPECT_EQ(claim->keys()->Get(1)->string_view(), "b/*");
  EXPECT_EQ(claim->ttl_ms(), 5000u);
  EXPECT_GT(claim->wait_ms(), 0u);
  EXPECT_LE(claim->wait_ms(), 50'000u);
  EXPECT_EQ(claim->note()->string_view(), "why");
}

TEST_F(CoordinationRequestsTest, TellsWhoHoldsAKey) {
  AttachFully();
  Claim("a");
  broker_.ReplyHeld(Receive().number(), "a", "other");
  ASSERT_TRUE(Claimed());
  ASSERT_TRUE(claim_status_.ok());
  EXPECT_FALSE(claim_.granted);
  ASSERT_EQ(claim_.held.size(), 1u);
  EXPECT_EQ(claim_.held[0].by, "other");
  EXPECT_EQ(claim_.held[0].expires_in_ms, 1000u);
}

TEST_F(CoordinationRequestsTest, RefusesWhatNoBrokerTakesWithoutAskingIt) {
  AttachFully();
  const std::vector<ClaimRequest> wrong = {
      {},
      {.keys = {""}},
      {.keys = {std::string(256, 'k')}},
      {.keys = std::vector<std::string>(65, "k")},
      {.keys = {"k"}, .ttl = milliseconds(99)},
      {.keys = {"k"}, .ttl = std::chrono::hours(25)},
      {.keys = {"k"}, .wait = milliseconds(-1)},
      {.keys = {"k"}, .wait = milliseconds(50'001)},
      {.keys = {"k"}, .note = std::string(1025, 'n')},
  };
  for (const ClaimRequest& request : wrong) {
    Status why;
    EXPECT_EQ(connection_.Claim(request, kNever,
                                [&](const Result<ClaimResult>& result) { why = result.status(); }),
              0u);
    EXPECT_FALSE(why.ok());
  }
  EXPECT_EQ(connection_.unanswered(), 0u);
}

TEST_F(CoordinationRequestsTest, GivesTakenEventsTheirTokens) {
  AttachFully();
  TakeResult taken;
  connection_.Take({.stream = "s", .group = "g", .from_head = true, .max = 3}, kNever,
                   [&](const Result<TakeResult>& result) { taken = result.value(); });
  const GotRequest request = Receive();
  const wire::Take* take = request->body_as_Take();
  ASSERT_NE(take, nullptr);
  EXPECT_TRUE(take->from_head());
  EXPECT_EQ(take->max(), 3u);
  EXPECT_EQ(take->lease_ms(), 30'000u);
  broker_.ReplyTaken(request.number(), 40, {7, 9});
  ASSERT_TRUE(Until([&] { return !taken.items.empty(); }));
  ASSERT_EQ(taken.items.size(), 2u);
  EXPECT_EQ(taken.items[1].token, (ItemToken{40, 1}));
  EXPECT_EQ(taken.items[1].revision, 9u);
  EXPECT_EQ(taken.parked, 2u);
}

TEST_F(CoordinationRequestsTest, TakesMoreEventsThanAskedForAsAnError) {
  AttachFully();
  Status why;
  connection_.Take({.stream = "s", .group = "g", .max = 1}, kNever,
                   [&](const Result<TakeResult>& result) { why = result.status(); });
  broker_.ReplyTaken(Receive().number(), 40, {7, 9});
  ASSERT_TRUE(Until([&] { return !why.ok(); }));
  EXPECT_EQ(why.code(), StatusCode::kCorruption);
}

TEST_F(CoordinationRequestsTest, SettlesEachToken) {
  AttachFully();
  std::vector<bool> settled;
  const std::vector<ItemToken> tokens = {{40, 0}, {40, 1}};
  connection_.Settle(tokens, Outcome::kPark, "broken", kNever,
                     [&](const Result<std::vector<bool>>& result) { settled = result.value(); });
  const GotRequest request = Receive();
  const wire::Settle* settle = request->body_as_Settle();
  ASSERT_NE(settle, nullptr);
  EXPECT_EQ(settle->outcome(), wire::Outcome::Park);
  ASSERT_EQ(settle->tokens()->size(), 2u);
  EXPECT_EQ(settle->tokens()->Get(1)->index(), 1u);
  broker_.ReplySettled(request.number(), {1, 0});
  ASSERT_TRUE(Until([&] { return !settled.empty(); }));
  EXPECT_THAT(settled, ElementsAre(true, false));
}

TEST_F(CoordinationRequestsTest, TakesAnswersThatAreTooFewOrMadeUpAsErrors) {
  AttachFully();
  const std::vector<Question> questions = {{"k", "1"}, {"k", "2"}};
  const std::vector<std::vector<FakeBroker::AnswerFields>> wrong = {
      {{}},
      {{}, {.verdict = static_cast<wire::Verdict>(9)}},
      {{}, {.key_bytes = 31}},
      {{}, {.key_bytes = 0}},
  };
  for (const auto& answers : wrong) {
    Status why;
    connection_.Validate(questions, {}, kNever,
                         [&](const Result<std::vector<Answer>>& result) { why = result.status(); });
    broker_.ReplyValidated(Receive().number(), answers);
    ASSERT_TRUE(Until([&] { return !why.ok(); }));
    EXPECT_EQ(why.code(), StatusCode::kCorruption);
  }
}

TEST_F(CoordinationRequestsTest, GivesEachQuestionItsAnswer) {
  AttachFully();
  std::vector<Answer> answers;
  const std::vector<Question> questions = {{"k", "1"}, {"k", "oops"}};
  connection_.Validate(
      questions, {}, kNever,
      [&](const Result<std::vector<Answer>>& result) { answers = result.value(); },
      Asking::kOnlyKnown);
  const GotRequest request = Receive();
  EXPECT_TRUE(request->body_as_Validate()->only_known());
  broker_.ReplyValidated(
      request.number(),
      {{.verdict = wire::Verdict::Deny},
       {.verdict = wire::Verdict::Undecided, .key_bytes = 0, .error = "no JSON"}});
  ASSERT_TRUE(Until([&] { return answers.size() == 2; }));
  EXPECT_EQ(answers[0].verdict, Verdict::kDeny);
  EXPECT_EQ(answers[0].key[31], 0xab);
  EXPECT_EQ(answers[0].by, "someone");
  EXPECT_EQ(answers[1].error, "no JSON");
}

TEST_F(CoordinationRequestsTest, ListsAllClaimsPageByPage) {
  AttachFully();
  std::vector<uint64_t> tokens;
  connection_.ListLeases("p/", kNever, [&](const Result<std::vector<LeaseInfo>>& leases) {
    for (const LeaseInfo& lease : leases.value()) tokens.push_back(lease.token);
  });
  const GotRequest first = Receive();
  EXPECT_EQ(first->body_as_ListLeases()->prefix()->string_view(), "p/");
  broker_.ReplyLeases(first.number(), {{3, 11}, {5, 11}}, /*more=*/true);
  const GotRequest second = Receive();
  EXPECT_EQ(second->body_as_ListLeases()->after(), 5u);
  broker_.ReplyLeases(second.number(), {{8, 11}}, /*more=*/false);
  ASSERT_TRUE(Until([&] { return !tokens.empty(); }));
  EXPECT_THAT(tokens, ElementsAre(3, 5, 8));
}

TEST_F(CoordinationRequestsTest, EndsAListThatGoesInCircles) {
  AttachFully();
  Status why;
  connection_.ListGroups(
      "", kNever, [&](const Result<std::vector<GroupInfo>>& groups) { why = groups.status(); });
  broker_.ReplyGroups(Receive().number(), {{"s", "a"}, {"s", "b"}}, /*more=*/true);
  const GotRequest second = Receive();
  EXPECT_EQ(second->body_as_ListGroups()->after_group()->string_view(), "b");
  broker_.ReplyGroups(second.number(), {{"s", "a"}}, /*more=*/true);
  ASSERT_TRUE(Until([&] { return !why.ok(); }));
  EXPECT_EQ(why.code(), StatusCode::kCorruption);
}

// ---- waiting ----

TEST_F(CoordinationRequestsTest, GetsALateAnswerUnderItsNumber) {
  AttachFully();
  const uint64_t number = QueueClaim("a");
  EXPECT_EQ(claims_, 0);
  EXPECT_EQ(connection_.unanswered(), 1u);
  broker_.ReplyGranted(number, 77);
  ASSERT_TRUE(Claimed());
  EXPECT_EQ(claim_.token, 77u);
  EXPECT_EQ(connection_.unanswered(), 0u);
}

TEST_F(CoordinationRequestsTest, TakesNoPlaceAmongTheUnansweredWhileItWaits) {
  AttachFully();
  const uint64_t number = QueueClaim("a");
  for (int i = 0; i < 100; ++i) Ping();
  for (int i = 0; i < 64; ++i) Append(OneEvent("a"));
  EXPECT_FALSE(connection_.CanSubmit());
  EXPECT_EQ(answers_, 101);
  for (int i = 0; i < 64; ++i) broker_.ReplyAppended(Receive().number(), 1);
  ASSERT_TRUE(Answered(165));
  broker_.ReplyGranted(number, 77);
  ASSERT_TRUE(Claimed());
  EXPECT_EQ(claim_.token, 77u);
}

TEST_F(CoordinationRequestsTest, AsksAgainUnderItsNumberWithTheWaitThatIsLeft) {
  AttachFully();
  const uint64_t number = QueueClaim("a");
  const uint64_t begin_ns = MonotonicNs();
  ASSERT_TRUE(Until([&] { return MonotonicNs() > begin_ns + 2 * kNsPerMs; }));
  broker_.Cut();
  TakeAttach(/*resumed=*/true);
  const GotRequest again = Receive();
  EXPECT_EQ(again.number(), number);
  ASSERT_NE(again->body_as_Claim(), nullptr);
  EXPECT_LT(again->body_as_Claim()->wait_ms(), 50'000u);
  EXPECT_GT(again->body_as_Claim()->wait_ms(), 0u);
  broker_.ReplyQueued(number);
  broker_.ReplyGranted(number, 78);
  ASSERT_TRUE(Claimed());
  EXPECT_EQ(claim_.token, 78u);
  EXPECT_EQ(claims_, 1);
}

TEST_F(CoordinationRequestsTest, AsksAgainUnderANewNumberWhenItsOwnIsTooOld) {
  AttachFully();
  const uint64_t number = QueueClaim("a");
  for (int i = 0; i < 64; ++i) Ping();
  broker_.Cut();
  TakeAttach(/*resumed=*/true);
  EXPECT_EQ(ReceiveCancelled(), number);  // what was granted to it must not be in the way
  const GotRequest again = Receive();
  EXPECT_GT(again.number(), number + 64);
  ASSERT_NE(again->body_as_Claim(), nullptr);
  broker_.ReplyGranted(number, 1);  // nothing has this number any more
  broker_.ReplyGranted(again.number(), 78);
  ASSERT_TRUE(Claimed());
  EXPECT_EQ(claim_.token, 78u);
}

TEST_F(CoordinationRequestsTest, AsksAgainUnderANewNumberWhenTheBrokerSaysTooOld) {
  AttachFully();
  const uint64_t number = QueueClaim("a");
  broker_.Cut();
  TakeAttach(/*resumed=*/true);
  EXPECT_EQ(Receive().number(), number);
  broker_.ReplyRefused(number, wire::RefusalCode::TooOld, "too old");
  EXPECT_EQ(ReceiveCancelled(), number);
  const GotRequest again = Receive();
  EXPECT_GT(again.number(), number);
  broker_.ReplyGranted(again.number(), 79);
  ASSERT_TRUE(Claimed());
  EXPECT_EQ(claim_.token, 79u);
}

TEST_F(CoordinationRequestsTest, AsksAgainInANewSession) {
  AttachFully();
  QueueClaim("a");
  broker_.Cut();
  TakeAttach(/*resumed=*/false, /*session=*/12);
  const GotRequest again = Receive();
  ASSERT_NE(again->body_as_Claim(), nullptr);
  EXPECT_EQ(again.number(), 1u);
  broker_.ReplyQueued(1);
  Ping();
  broker_.ReplyGranted(1, 80);
  ASSERT_TRUE(Claimed());
  EXPECT_EQ(claim_.token, 80u);
}

TEST_F(CoordinationRequestsTest, DoesNotTakeQueuedForAnAnswerToAnAppend) {
  AttachFully();
  Append(OneEvent("a"));
  broker_.ReplyQueued(Receive().number());
  ASSERT_TRUE(Answered());
  EXPECT_EQ(answer_.code(), StatusCode::kCorruption);
}

TEST_F(CoordinationRequestsTest, RefusesMoreWaitingRequestsThanABrokerTakes) {
  AttachFully();
  for (uint32_t i = 0; i < kWaitingRequestsMax; ++i) QueueClaim("a");
  EXPECT_EQ(Claim("a", kWait), 0u);
  EXPECT_EQ(claim_status_.code(), StatusCode::kBusy);
  EXPECT_NE(Claim("a"), 0u);  // one that does not wait
}

// ---- what nobody waits for any more ----

TEST_F(CoordinationRequestsTest, ReleasesWhatIsGrantedToACancelledClaim) {
  AttachFully();
  const uint64_t number = QueueClaim("a");
  connection_.Cancel(ticket_);
  const GotRequest cancel = Receive();
  ASSERT_NE(cancel->body_as_CancelRequest(), nullptr);
  EXPECT_EQ(cancel->body_as_CancelRequest()->number(), number);
  broker_.ReplyGranted(number, 81);  // was under way
  const GotRequest release = Receive();
  ASSERT_NE(release->body_as_Release(), nullptr);
  EXPECT_EQ(release->body_as_Release()->token(), 81u);
  broker_.ReplyReleased(release.number(), true);
  Ping();
  EXPECT_EQ(claims_, 0);
  EXPECT_EQ(connection_.unanswered(), 0u);
}

TEST_F(CoordinationRequestsTest, ReleasesWhatIsGrantedToAClaimCancelledBeforeItsFirstAnswer) {
  AttachFully();
  const uint64_t ticket = Claim("a", kWait);
  const uint64_t number = Receive().number();
  connection_.Cancel(ticket);
  EXPECT_EQ(Receive()->body_as_CancelRequest()->number(), number);
  broker_.ReplyQueued(number);
  Ping();
  EXPECT_TRUE(connection_.CanSubmit());
  broker_.ReplyGranted(number, 82);
  EXPECT_EQ(Receive()->body_as_Release()->token(), 82u);
  EXPECT_EQ(claims_, 0);
}

TEST_F(CoordinationRequestsTest, GivesEventsBackThatComeTooLate) {
  AttachFully();
  Status why;
  connection_.Take({.stream = "s", .group = "g", .max = 2, .wait = kWait},
                   MonotonicNs() + 20 * kNsPerMs,
                   [&](const Result<TakeResult>& result) { why = result.status(); });
  const uint64_t number = Receive().number();
  broker_.ReplyQueued(number);
  ASSERT_TRUE(Until([&] { return !why.ok(); }));
  EXPECT_EQ(why.code(), StatusCode::kTimedOut);
  EXPECT_NE(Receive()->body_as_CancelRequest(), nullptr);
  broker_.ReplyTaken(number, 90, {1, 2});
  const GotRequest settle = Receive();
  ASSERT_NE(settle->body_as_Settle(), nullptr);
  EXPECT_EQ(settle->body_as_Settle()->outcome(), wire::Outcome::Retry);
  EXPECT_EQ(settle->body_as_Settle()->tokens()->size(), 2u);
}

TEST_F(CoordinationRequestsTest, GivesUpAnewOverEachConnectionWhatTheBrokerMayHaveGranted) {
  AttachFully();
  const uint64_t waiting = QueueClaim("a");
  connection_.Cancel(ticket_);
  EXPECT_EQ(ReceiveCancelled(), waiting);
  int late = 0;
  connection_.Take({.stream = "s", .group = "g"}, MonotonicNs() + 2 * kNsPerMs,
                   [&](const Result<TakeResult>& result) { late += result.ok() ? 0 : 1; });
  const uint64_t taking = Receive().number();
  ASSERT_TRUE(Until([&] { return late == 1; }));
  EXPECT_EQ(ReceiveCancelled(), taking);
  for (int connections = 0; connections < 2; ++connections) {
    broker_.Cut();
    TakeAttach(/*resumed=*/true);
    std::set<uint64_t> cancelled = {ReceiveCancelled()};
    cancelled.insert(ReceiveCancelled());
    EXPECT_THAT(cancelled, ElementsAre(waiting, taking));
  }
  // A session of which nothing is held has nothing to give up.
  broker_.Cut();
  TakeAttach(/*resumed=*/false, /*session=*/12);
  Ping();
}

TEST_F(CoordinationRequestsTest, ReleasesNothingThatItNeverAskedFor) {
  AttachFully();
  broker_.ReplyGranted(500, 83);
  Ping();
  EXPECT_EQ(connection_.unanswered(), 0u);
  EXPECT_FALSE(broker_.TryReceive().has_value());
}

TEST_F(CoordinationRequestsTest, AsksNoMoreForWhatWasCancelledWhileTheBrokerWasAway) {
  AttachFully();
  const uint64_t number = QueueClaim("a");
  broker_.Cut();
  ASSERT_TRUE(Until([this] { return !connection_.attached(); }));
  connection_.Cancel(ticket_);
  TakeAttach(/*resumed=*/true);
  EXPECT_EQ(ReceiveCancelled(), number);  // it may have been granted before
  Ping();                                 // the next that comes
  EXPECT_EQ(claims_, 0);
}

// ---- claims that end ----

TEST_F(CoordinationRequestsTest, TellsOfAClaimThatEndedByItself) {
  AttachFully();
  Hold("a", 91);
  broker_.SendLeaseEnded(91, {"a"}, "expired");
  const std::vector<EndedLease> ended = Ended();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].token, 91u);
  EXPECT_THAT(ended[0].keys, ElementsAre("a"));
  EXPECT_EQ(ended[0].reason, "expired");
  EXPECT_TRUE(connection_.TakeEndedLeases().empty());
}

TEST_F(CoordinationRequestsTest, KeepsTheNewest64ThatEnded) {
  AttachFully();
  for (uint64_t token = 1; token <= 70; ++token) broker_.SendLeaseEnded(token, {"a"}, "expired");
  Ping();
  const std::vector<EndedLease> ended = connection_.TakeEndedLeases();
  ASSERT_EQ(ended.size(), 64u);
  EXPECT_EQ(ended.front().token, 7u);
  EXPECT_EQ(ended.back().token, 70u);
}

TEST_F(CoordinationRequestsTest, TellsThatAllClaimsEndedWithTheSession) {
  AttachFully();
  Hold("a", 91);
  Hold("b", 92);
  connection_.Release(91, "", kNever, [](const Result<bool>&) {});
  broker_.ReplyReleased(Receive().number(), true);
  Ping();
  broker_.Cut();
  TakeAttach(/*resumed=*/false, /*session=*/12);
  const std::vector<EndedLease> ended = Ended();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].token, 92u);
  EXPECT_EQ(ended[0].reason, "connection lost");
}

TEST_F(CoordinationRequestsTest, AsksWhichClaimsAreLeftWhenTheSessionCameBack) {
  AttachFully();
  Hold("a", 91);
  Hold("b", 95);
  broker_.Cut();
  TakeAttach(/*resumed=*/true);
  const GotRequest first = Receive();
  ASSERT_NE(first->body_as_ListLeases(), nullptr);
  EXPECT_EQ(first->body_as_ListLeases()->after(), 90u);
  broker_.ReplyLeases(first.number(), {{93, 11}}, /*more=*/true);  // another's
  const GotRequest second = Receive();
  EXPECT_EQ(second->body_as_ListLeases()->after(), 94u);
  broker_.ReplyLeases(second.number(), {{95, 11}}, /*more=*/false);
  Ping();
  const std::vector<EndedLease> ended = connection_.TakeEndedLeases();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].token, 91u);
  EXPECT_THAT(ended[0].keys, ElementsAre("a"));
}

TEST_F(CoordinationRequestsTest, KnowsThatAClaimOfTheSameKeyRenewsIt) {
  AttachFully();
  Hold("a", 91);
  Hold("a", 92);
  broker_.Cut();
  TakeAttach(/*resumed=*/false, /*session=*/12);
  const std::vector<EndedLease> ended = Ended();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].token, 92u);
}

TEST_F(CoordinationRequestsTest, TellsOfAGrantThatHadEndedWhenItCame) {
  AttachFully();
  Claim("a");
  broker_.ReplyGranted(Receive().number(), 93, /*expires_in_ms=*/0);
  ASSERT_TRUE(Claimed());
  EXPECT_EQ(Ended().front().token, 93u);
}

// ---- sessions ----

TEST_F(CoordinationRequestsTest, DoesNotSettleAgainInAnotherSession) {
  AttachFully();
  Status why;
  const std::vector<ItemToken> tokens = {{40, 0}};
  connection_.Settle(tokens, Outcome::kDone, "", kNever,
                     [&](const Result<std::vector<bool>>& result) { why = result.status(); });
  Receive();
  broker_.Cut();
  TakeAttach(/*resumed=*/false, /*session=*/12);
  ASSERT_TRUE(Until([&] { return !why.ok(); }));
  EXPECT_EQ(why.code(), StatusCode::kUnknownOutcome);
  EXPECT_THAT(why.message(), HasSubstr("may have been done"));
}

TEST_F(CoordinationRequestsTest, SaysNothingOfActivityWhenItJustSpoke) {
  AttachFully();
  connection_.NoteActivity();
  Ping();  // the next message is the append, not Active
}

TEST_F(CoordinationRequestsTest, SaysThatItIsActiveWhenItWasSilentForLong) {
  broker_.Listen();
  Connection connection(
      {.socket = broker_.socket(), .agent = "tester", .program = "test/1", .activity_ns = 1});
  const auto turn_until = [&](auto predicate) {
    const uint64_t patience_ns = MonotonicNs() + 30 * kNsPerSecond;
    while (!predicate() && MonotonicNs() < patience_ns) {
      pollfd polled{connection.fd(), connection.events(), 0};
      if (::poll(&polled, 1, 2) > 0) connection.OnReady();
    }
  };
  connection.NoteActivity();  // says nothing, and attaches for no such thing
  EXPECT_EQ(connection.fd(), -1);
  connection.Attach(kNever, [](const Status&) {});
  turn_until([&] { return broker_.TryAccept(); });
  turn_until([&] { return broker_.TryReceive().has_value(); });
  broker_.ReplyAttached();
  turn_until([&] { return connection.attached(); });
  connection.NoteActivity();
  std::optional<GotRequest> request;
  turn_until([&] { return (request = broker_.TryReceive()).has_value(); });
  ASSERT_TRUE(request.has_value());
  EXPECT_NE((*request)->body_as_Active(), nullptr);
}

}  // namespace
}  // namespace roost
