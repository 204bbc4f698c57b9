// Questions, decisions and the policy, over the socket of a whole broker.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/signalfd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "base/clock.h"
#include "broker/own_event.h"
#include "log/ring_reader.h"
#include "log/verdict_reader.h"
#include "tests/broker/running_broker.h"
#include "tests/broker/verdict_peer.h"

namespace roost {
namespace {

using ::testing::HasSubstr;
using wire::Verdict;

constexpr uint32_t kLong = 50'000;

constexpr char kPolicy[] = R"(
agents_decide = ["review.*", "k"]
[[rule]]
name = "no-rm"
kind = "tool.Bash"
pointer = "/command"
regex = "rm -rf"
verdict = "deny"
reason = "never"
[[rule]]
kind = "tool.Bash"
pointer = "/command"
equals = "ls"
verdict = "allow"
ttl = "1h"
[[rule]]
name = "slow"
kind = "tool.Slow"
regex = "[ab]*a[ab]{1000}[ab]{400}c$"
verdict = "deny"
)";

class ValidationTest : public ::testing::Test {
 protected:
  void Start(const char* policy = nullptr) {
    if (policy != nullptr) {
      WritePolicy(policy);
      broker_.options().policy = policy_path();
    }
    broker_.Start();
    alice_.emplace(broker_.socket(), "alice");
    bob_.emplace(broker_.socket(), "bob");
    ring_ = OpenRing();
  }
  std::string policy_path() const { return broker_.directory() + "/policy.toml"; }
  void WritePolicy(std::string_view text) { std::ofstream(policy_path()) << text; }

  std::optional<RingReader> OpenRing() {
    auto ring = RingReader::Open(alice_->ring());
    EXPECT_TRUE(ring.ok()) << ring.status().message();
    return ring.ok() ? std::optional(*std::move(ring)) : std::nullopt;
  }

  struct Logged {
    std::string type, agent, data;
    uint64_t sequence, session;
  };
  // All events of a stream that are committed.
  std::vector<Logged> Events(std::string_view stream) {
    std::vector<Logged> events;
    for (uint64_t sequence = 1; sequence <= ring_->head(); ++sequence) {
      RecordHeader header;
      uint64_t position;
      if (ring_->ReadHeader(sequence, &header, &position) != RingReader::Outcome::kEvent) continue;
      std::vector<std::byte> record;
      if (ring_->ReadRecordAt(position, &record) != RingReader::Outcome::kEvent) continue;
      const auto* event = wire::GetEvent(record.data() + sizeof(RecordHeader));
      if (event->stream()->string_view() != stream) continue;
      events.push_back({event->type()->str(), event->agent()->str(), std::string(DataOf(*event)),
                        header.sequence, header.session});
    }
    return events;
  }
  std::optional<PublishedVerdict> Published(const GotAnswer& answer, uint32_t uid) {
    return VerdictReader(ring_->verdicts()).Find(answer.key.data(), uid, MonotonicNs());
  }
  template <typename Condition>
  static bool Eventually(Condition condition) {
    for (uint64_t end = MonotonicNs() + 20 * kNsPerSecond; MonotonicNs() < end;) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return false;
  }

  RunningBroker broker_;
  std::optional<VerdictPeer> alice_, bob_;
  std::optional<RingReader> ring_;
};

TEST_F(ValidationTest, TellsExactlyOneToDecideAndGivesItsAnswerToAll) {
  Start();
  const GotAnswer first = alice_->Validate("k", R"({"b":1,"a":2})");
  EXPECT_EQ(first.verdict, Verdict::Undecided);
  EXPECT_TRUE(first.you_decide);
  EXPECT_NE(first.token, 0u);
  const VerdictKey key = *QuestionKey("k", R"({"a":2,"b":1})");
  EXPECT_EQ(first.key, std::vector<uint8_t>(key.begin(), key.end()));

  const uint64_t waiting = bob_->SendValidate({{"k", R"({"a":2.0, "b":1})"}}, kLong);
  EXPECT_TRUE(bob_->IsQueued(waiting));
  EXPECT_TRUE(alice_->Decide(first, Verdict::Deny, "too long").recorded);
  const auto got = bob_->ReceiveAnswers(waiting);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].verdict, Verdict::Deny);
  EXPECT_EQ(got[0].reason, "too long");
  EXPECT_EQ(got[0].by, "alice");
  EXPECT_FALSE(got[0].you_decide);
  EXPECT_FALSE(got[0].cached);

  const GotAnswer again = bob_->Validate("k", R"({"a":2,"b":1})");
  EXPECT_EQ(again.verdict, Verdict::Deny);
  EXPECT_TRUE(again.cached);
  EXPECT_EQ(again.sequence, got[0].sequence);
  EXPECT_NE(again.decided_ns, 0u);

  const auto asked = Events("$questions");
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].type, "question.asked");
  EXPECT_EQ(asked[0].agent, "alice");
  EXPECT_EQ(asked[0].sequence, first.token);
  EXPECT_THAT(asked[0].data, HasSubstr(R"("input":{"a":2,"b":1})"));
  const auto decided = Events("$verdicts");
  ASSERT_EQ(decided.size(), 1u);
  EXPECT_EQ(decided[0].type, "verdict.decided");
  EXPECT_THAT(decided[0].data, HasSubstr(R"("verdict":"deny","reason":"too long")"));

  const auto published = Published(again, ::geteuid());
  ASSERT_TRUE(published.has_value());
  EXPECT_EQ(published->verdict, static_cast<uint8_t>(Verdict::Deny));
  EXPECT_EQ(published->sequence, again.sequence);
  EXPECT_FALSE(Published(again, ::geteuid() + 1).has_value());
}

TEST_F(ValidationTest, AnswersAtOnceWithoutWaiting) {
  Start();
  EXPECT_TRUE(alice_->Validate("k", "1").you_decide);
  const GotAnswer other = bob_->Validate("k", "1");
  EXPECT_EQ(other.verdict, Verdict::Undecided);
  EXPECT_FALSE(other.you_decide);
  EXPECT_THAT(other.reason, HasSubstr("being decided"));
}

TEST_F(ValidationTest, GivesTheDeciderTheSameTokenAgain) {
  Start();
  const GotAnswer first = alice_->Validate("k", "1", kLong);
  const GotAnswer again = alice_->Validate("k", "1", kLong);
  EXPECT_TRUE(again.you_decide);
  EXPECT_EQ(again.token, first.token);
  EXPECT_EQ(Events("$questions").size(), 1u);
}

TEST_F(ValidationTest, AnswersManyQuestionsAtOnce) {
  Start();
  const GotAnswer known = alice_->Validate("k", "1");
  alice_->Decide(known, Verdict::Allow);
  alice_->Validate("k", "2");
  // 1 is decided, 2 is alice's, 3 is new and given twice, the others are wrong.
  const auto got = bob_->ValidateAll(
      {{"k", "1"}, {"k", "2"}, {"k", "3"}, {"k", " 3.0"}, {"k", "{"}, {"", "1"}}, kLong);
  ASSERT_EQ(got.size(), 6u);
  EXPECT_EQ(got[0].verdict, Verdict::Allow);
  EXPECT_FALSE(got[1].you_decide);
  EXPECT_TRUE(got[2].you_decide);
  EXPECT_EQ(got[3].token, got[2].token);
  EXPECT_THAT(got[4].error, HasSubstr("no JSON text"));
  EXPECT_TRUE(got[4].key.empty());
  EXPECT_THAT(got[5].error, HasSubstr("no kind"));
}

TEST_F(ValidationTest, WaitsUntilAllOfARequestIsDecided) {
  Start();
  const GotAnswer one = alice_->Validate("k", "1");
  const GotAnswer two = alice_->Validate("k", "2");
  const uint64_t waiting = bob_->SendValidate({{"k", "1"}, {"k", "2"}}, kLong);
  EXPECT_TRUE(bob_->IsQueued(waiting));
  alice_->Decide(one, Verdict::Allow);
  EXPECT_TRUE(bob_->HasNothing());
  alice_->Decide(two, Verdict::Ask);
  const auto got = bob_->ReceiveAnswers(waiting);
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0].verdict, Verdict::Allow);
  EXPECT_EQ(got[1].verdict, Verdict::Ask);
}

TEST_F(ValidationTest, TellsTheNextWhoWaitsWhenTheDeciderLeaves) {
  Start();
  VerdictPeer carol(broker_.socket(), "carol");
  const GotAnswer first = alice_->Validate("k", "1");
  const uint64_t bobs = bob_->SendValidate({{"k", "1"}}, kLong);
  EXPECT_TRUE(bob_->IsQueued(bobs));
  const uint64_t carols = carol.SendValidate({{"k", "1"}}, kLong);
  EXPECT_TRUE(carol.IsQueued(carols));
  alice_->HangUp();
  const auto got = bob_->ReceiveAnswers(bobs);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_TRUE(got[0].you_decide);
  EXPECT_GT(got[0].token, first.token);
  EXPECT_TRUE(carol.HasNothing());
  EXPECT_TRUE(bob_->Decide(got[0], Verdict::Allow).recorded);
  EXPECT_EQ(carol.ReceiveAnswers(carols)[0].verdict, Verdict::Allow);
  const auto events = Events("$questions");
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1].type, "question.reassigned");
  EXPECT_EQ(events[1].sequence, got[0].token);
  EXPECT_EQ(events[1].session, bob_->session());
}

TEST_F(ValidationTest, TellsTheNextWhoAsksWhenNobodyWaited) {
  Start();
  const GotAnswer first = alice_->Validate("k", "1");
  const uint64_t left = alice_->session();
  alice_->HangUp();
  ASSERT_TRUE(Eventually([&] { return Events("$questions").size() == 2; }));
  EXPECT_EQ(Events("$questions")[1].type, "question.abandoned");
  EXPECT_EQ(Events("$questions")[1].session, left);
  const GotAnswer next = bob_->Validate("k", "1");
  EXPECT_TRUE(next.you_decide);
  EXPECT_GT(next.token, first.token);
  EXPECT_EQ(Events("$questions")[2].type, "question.reassigned");
}

TEST_F(ValidationTest, RecordsNoDecisionWithAWrongToken) {
  Start();
  const GotAnswer first = alice_->Validate("k", "1");
  GotAnswer stolen = first;
  EXPECT_FALSE(bob_->Decide(stolen, Verdict::Allow).recorded);
  stolen.token += 1;
  const GotDecided wrong = alice_->Decide(stolen, Verdict::Allow);
  EXPECT_FALSE(wrong.recorded);
  EXPECT_THAT(wrong.reason, HasSubstr("ask it again"));
  EXPECT_FALSE(
      alice_->ReceiveDecided(alice_->SendDecide(first.key, {first.token, 1}, Verdict::Allow))
          .recorded);

  EXPECT_TRUE(alice_->Decide(first, Verdict::Deny).recorded);
  const GotDecided late = alice_->Decide(first, Verdict::Allow);
  EXPECT_FALSE(late.recorded);
  EXPECT_EQ(late.verdict, Verdict::Deny);
  EXPECT_THAT(late.reason, HasSubstr("alice has decided it"));
  EXPECT_EQ(Events("$verdicts").size(), 1u);
}

TEST_F(ValidationTest, GivesTheAnswerToADecisionAgainAndDoesItOnce) {
  Start();
  const GotAnswer first = alice_->Validate("k", "1");
  const uint64_t number = alice_->SendDecide(first.key, {first.token, 0}, Verdict::Allow);
  EXPECT_TRUE(alice_->ReceiveDecided(number).recorded);
  alice_->SendDecide(first.key, {first.token, 0}, Verdict::Allow, "", 0, number);
  const GotDecided again = alice_->ReceiveDecided(number);
  EXPECT_TRUE(again.recorded);
  EXPECT_EQ(again.verdict, Verdict::Allow);
  EXPECT_EQ(Events("$verdicts").size(), 1u);
}

TEST_F(ValidationTest, LetsAnExpertDecideWhatItTook) {
  Start();
  const GotAnswer first = alice_->Validate("k", "1");
  const uint64_t waiting = alice_->SendValidate({{"k", "1"}, {"k", "2"}}, 0);
  EXPECT_EQ(alice_->ReceiveAnswers(waiting).size(), 2u);
  const Taken taken = bob_->Take({.stream = "$questions", .group = "experts", .max = 9});
  ASSERT_EQ(taken.revisions.size(), 2u);
  // The token of another question is none of this one's.
  const auto wrong = bob_->SendDecide(first.key, taken.token(1), Verdict::Allow);
  EXPECT_FALSE(bob_->ReceiveDecided(wrong).recorded);
  const auto right = bob_->SendDecide(first.key, taken.token(0), Verdict::Allow, "expert");
  EXPECT_TRUE(bob_->ReceiveDecided(right).recorded);
  const GotAnswer got = alice_->Validate("k", "1");
  EXPECT_EQ(got.verdict, Verdict::Allow);
  EXPECT_EQ(got.by, "bob");
}

TEST_F(ValidationTest, LetsNobodyDecideToolCallsWithoutAPolicy) {
  Start();
  const GotAnswer got = alice_->Validate("tool.Bash", R"({"command":"ls"})", kLong);
  EXPECT_EQ(got.verdict, Verdict::Undecided);
  EXPECT_FALSE(got.you_decide);
  EXPECT_THAT(got.reason, HasSubstr("agents may not decide"));
  EXPECT_TRUE(Events("$questions").empty());
}

TEST_F(ValidationTest, AsksNobodyWhenOnlyTheKnownIsWanted) {
  Start();
  const auto got = alice_->ValidateAll({{"k", "1"}}, kLong, /*only_known=*/true);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_FALSE(got[0].you_decide);
  EXPECT_TRUE(Events("$questions").empty());
}

TEST_F(ValidationTest, ForgetsAVerdictWhoseTimeIsOver) {
  Start();
  alice_->Decide(alice_->Validate("k", "1"), Verdict::Allow, "", 1);
  ASSERT_TRUE(Eventually([&] { return bob_->Validate("k", "1").you_decide; }));
}

TEST_F(ValidationTest, RefusesRequestsThatCannotBe) {
  Start();
  EXPECT_TRUE(alice_->ValidateAll({}).empty());
  EXPECT_THAT(alice_->refusal(), HasSubstr("1 to 64 questions"));
  EXPECT_TRUE(alice_->ValidateAll(VerdictPeer::Questions(65, {"k", "1"})).empty());
  EXPECT_TRUE(alice_->ValidateAll({{"k", "1"}}, kLong + 1).empty());
  EXPECT_THAT(alice_->refusal(), HasSubstr("50000 ms"));
  const GotAnswer first = alice_->Validate("k", "1");
  alice_->Decide(first, Verdict::Undecided);
  EXPECT_THAT(alice_->refusal(), HasSubstr("allow, deny or ask"));
  alice_->Decide(first, Verdict::Allow, std::string(513, 'x'));
  EXPECT_THAT(alice_->refusal(), HasSubstr("512"));
  alice_->Decide(first, Verdict::Allow, "a\nb");
  EXPECT_THAT(alice_->refusal(), HasSubstr("control"));
  alice_->Decide(first, Verdict::Allow, "", UINT64_MAX);
  EXPECT_THAT(alice_->refusal(), HasSubstr("for ever"));
  alice_->ReceiveDecided(alice_->SendDecide({1, 2, 3}, {1, 0}, Verdict::Allow));
  EXPECT_THAT(alice_->refusal(), HasSubstr("32 bytes"));
  EXPECT_TRUE(alice_->Decide(first, Verdict::Allow).recorded);
}

TEST_F(ValidationTest, DropsARequestThatIsCancelled) {
  Start();
  const GotAnswer first = alice_->Validate("k", "1");
  const uint64_t waiting = bob_->SendValidate({{"k", "1"}}, kLong);
  EXPECT_TRUE(bob_->IsQueued(waiting));
  bob_->SendCancel(waiting);
  EXPECT_TRUE(bob_->Validate("k", "\"other\"").you_decide);  // the cancellation is done
  alice_->Decide(first, Verdict::Allow);
  EXPECT_EQ(alice_->Validate("k", "1").verdict, Verdict::Allow);
  EXPECT_TRUE(bob_->HasNothing());
}

TEST_F(ValidationTest, ExaminesLargeQuestionsToo) {
  Start(kPolicy);
  const std::string large(60'000, 'x');
  const GotAnswer denied =
      alice_->Validate("tool.Bash", R"({"command":"rm -rf )" + large + R"("})");
  EXPECT_EQ(denied.verdict, Verdict::Deny);
  EXPECT_EQ(denied.by, "$policy");
  const GotAnswer open = alice_->Validate("k", "\"" + large + "\"", kLong);
  EXPECT_TRUE(open.you_decide);
  const uint64_t waiting = bob_->SendValidate({{"k", "\"" + large + "\""}}, kLong);
  EXPECT_TRUE(bob_->IsQueued(waiting));
  EXPECT_TRUE(alice_->Decide(open, Verdict::Allow).recorded);
  EXPECT_EQ(bob_->ReceiveAnswers(waiting)[0].verdict, Verdict::Allow);
  EXPECT_THAT(alice_->Validate("k", "\"" + std::string(70'000, 'x') + "\"").error,
              HasSubstr("over the limit of 65536"));
}

TEST_F(ValidationTest, WritesManyLargeQuestionsOfOneRequest) {
  broker_.options().log.ring_bytes = 4 << 20;
  broker_.options().log.segment_bytes = 8 << 20;
  Start();
  VerdictPeer::Questions questions;
  for (int i = 0; i < 64; ++i) {
    questions.push_back({"k", "\"" + std::to_string(i) + std::string(60'000, 'x') + "\""});
  }
  const auto got = alice_->ValidateAll(questions);
  ASSERT_EQ(got.size(), 64u) << alice_->refusal();
  for (const GotAnswer& answer : got) EXPECT_TRUE(answer.you_decide);
}

TEST_F(ValidationTest, LetsRulesAnswerFirst) {
  Start(kPolicy);
  const GotAnswer denied = alice_->Validate("tool.Bash", R"({"command":"rm -rf /"})");
  EXPECT_EQ(denied.verdict, Verdict::Deny);
  EXPECT_EQ(denied.reason, "never");
  EXPECT_EQ(denied.by, "$policy");
  EXPECT_FALSE(denied.cached);
  const GotAnswer again = bob_->Validate("tool.Bash", R"({"command":"rm -rf /"})");
  EXPECT_TRUE(again.cached);
  EXPECT_EQ(again.sequence, denied.sequence);
  EXPECT_EQ(alice_->Validate("tool.Bash", R"({"command":"ls"})").verdict, Verdict::Allow);
  EXPECT_FALSE(alice_->Validate("tool.Bash", R"({"command":"make"})").you_decide);
  EXPECT_TRUE(alice_->Validate("review.code", R"({"command":"make"})").you_decide);

  const auto events = Events("$verdicts");
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].type, "verdict.ruled");
  EXPECT_THAT(events[0].data, HasSubstr(R"("rule":"no-rm")"));
  EXPECT_THAT(events[1].data, HasSubstr(R"("ttl_ms":3600000)"));
  // For everybody.
  EXPECT_TRUE(Published(denied, 12345).has_value());
  ASSERT_EQ(Events("$broker").size(), 2u);
  EXPECT_EQ(Events("$broker")[1].type, "policy.loaded");
}

TEST_F(ValidationTest, AsksAPersonWhereARuleWouldTakeTooLong) {
  Start(kPolicy);
  const GotAnswer got = alice_->Validate("tool.Slow", "\"" + std::string(60'000, 'a') + "\"");
  EXPECT_EQ(got.verdict, Verdict::Ask);
  EXPECT_THAT(got.reason, HasSubstr("no time to try rule 'slow'"));
  EXPECT_TRUE(Events("$verdicts").empty());
  EXPECT_FALSE(Published(got, ::geteuid()).has_value());
}

TEST_F(ValidationTest, AnswersAppendsWhileQuestionsAreExamined) {
  Start(kPolicy);
  // So many that they take long; the append comes after them and is answered before.
  VerdictPeer::Questions questions;
  for (int i = 0; i < 64; ++i) {
    questions.push_back({"tool.Slow", "\"" + std::to_string(i) + std::string(20'000, 'a') + "\""});
  }
  const uint64_t number = alice_->SendValidate(questions);
  const wire::Reply* reply = alice_->Append(1, "s");
  ASSERT_NE(reply, nullptr);
  EXPECT_NE(reply->body_as_Appended(), nullptr);
  EXPECT_EQ(alice_->ReceiveAnswers(number).size(), 64u);
}

class PolicyReloadTest : public ValidationTest {
 protected:
  PolicyReloadTest() {
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGHUP);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    signals_.Reset(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
    broker_.SetSignals(signals_.get());
  }
  // Before the descriptor that the broker reads is closed.
  ~PolicyReloadTest() override { broker_.Stop(); }

  bool HasLast(std::string_view type) {
    return Eventually([&] {
      const auto events = Events("$broker");
      return !events.empty() && events.back().type == type;
    });
  }

  UniqueFd signals_;
};

TEST_F(PolicyReloadTest, PutsANewPolicyInForce) {
  Start(kPolicy);
  const GotAnswer denied = alice_->Validate("tool.Bash", R"({"command":"rm -rf /"})");
  const GotAnswer open = alice_->Validate("review.a", "1");
  const uint64_t waiting = bob_->SendValidate({{"review.a", "1"}}, kLong);
  EXPECT_TRUE(bob_->IsQueued(waiting));
  WritePolicy("agents_decide = [\"review.*\"]\n");
  ::kill(::getpid(), SIGHUP);
  // Who waits is told.
  const auto told = bob_->ReceiveAnswers(waiting);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_THAT(told[0].reason, HasSubstr("the policy was changed"));
  EXPECT_FALSE(Published(denied, ::geteuid()).has_value());
  EXPECT_EQ(alice_->Validate("tool.Bash", R"({"command":"rm -rf /"})").verdict, Verdict::Undecided);
  EXPECT_FALSE(alice_->Decide(open, Verdict::Allow).recorded);
  EXPECT_TRUE(bob_->Validate("review.a", "1").you_decide);
  EXPECT_TRUE(HasLast("policy.loaded"));

  // The old one again: what was ruled under it counts again.
  WritePolicy(kPolicy);
  ::kill(::getpid(), SIGHUP);
  EXPECT_TRUE(Eventually([&] { return Published(denied, ::geteuid()).has_value(); }));
}

TEST_F(PolicyReloadTest, KeepsTheOldPolicyWhenTheNewOneIsBroken) {
  Start(kPolicy);
  WritePolicy("[[rule]]\nkind = 1\n");
  ::kill(::getpid(), SIGHUP);
  ASSERT_TRUE(HasLast("policy.refused"));
  EXPECT_THAT(Events("$broker").back().data, HasSubstr("policy.toml:2: kind must be a text"));
  EXPECT_EQ(alice_->Validate("tool.Bash", R"({"command":"rm -rf /"})").verdict, Verdict::Deny);
}

TEST_F(PolicyReloadTest, GoesOnWithoutAPolicy) {
  Start();
  ::kill(::getpid(), SIGHUP);
  EXPECT_TRUE(alice_->Validate("k", "1").you_decide);
}

TEST_F(ValidationTest, RefusesToStartWithABrokenPolicy) {
  WritePolicy("\nx = 1\n");
  broker_.options().policy = policy_path();
  const auto broker = Broker::Open(broker_.options());
  ASSERT_FALSE(broker.ok());
  EXPECT_THAT(broker.status().message(), HasSubstr(policy_path() + ":2: "));
}

TEST_F(ValidationTest, KnowsVerdictsAndOpenQuestionsAfterARestart) {
  Start();
  alice_->Decide(alice_->Validate("k", "1"), Verdict::Allow, "r");
  const GotAnswer open = alice_->Validate("k", "2");
  const GotAnswer bobs = bob_->Validate("k", "3");
  VerdictPeer before = std::move(*alice_);
  broker_.Restart();
  alice_.emplace(broker_.socket());
  ASSERT_TRUE(alice_->TakeUp("alice", before));
  bob_.emplace(broker_.socket(), "bob");
  ring_ = OpenRing();
  const GotAnswer known = bob_->Validate("k", "1");
  EXPECT_EQ(known.verdict, Verdict::Allow);
  EXPECT_EQ(known.reason, "r");
  EXPECT_TRUE(Published(known, ::geteuid()).has_value());
  // Alice came back and is the decider still; bob's session did not.
  EXPECT_FALSE(bob_->Validate("k", "2").you_decide);
  EXPECT_EQ(alice_->Validate("k", "2").token, open.token);
  EXPECT_TRUE(alice_->Decide(open, Verdict::Deny).recorded);
  const GotAnswer next = alice_->Validate("k", "3", kLong);
  EXPECT_TRUE(next.you_decide);
  EXPECT_NE(next.token, bobs.token);
}

}  // namespace
}  // namespace roost
