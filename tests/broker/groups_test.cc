// Streams as queues, over the socket of a whole broker.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "base/clock.h"
#include "broker/coordination/waiting_budget.h"
#include "broker/groups/group_state.h"
#include "broker/groups/group_table.h"
#include "tests/broker/group_peer.h"
#include "tests/broker/running_broker.h"

namespace roost {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using wire::Outcome;

using Revisions = std::vector<uint64_t>;

class GroupsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    broker_.Start();
    alice_.emplace(broker_.socket(), "alice");
  }

  // Until it holds; events come back by timers and by connections that end.
  template <typename Condition>
  static bool Eventually(Condition condition) {
    for (uint64_t end = MonotonicNs() + 20 * kNsPerSecond; MonotonicNs() < end;) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return false;
  }

  RunningBroker broker_;
  std::optional<GroupPeer> alice_;
};

TEST_F(GroupsTest, HandsEachEventToOneConsumerInOrder) {
  GroupPeer bob(broker_.socket(), "bob");
  alice_->Fill(5);
  EXPECT_EQ(alice_->Take({.max = 2}).revisions, (Revisions{1, 2}));
  EXPECT_EQ(bob.Take({.max = 2}).revisions, (Revisions{3, 4}));
  EXPECT_EQ(alice_->Take({.max = 2}).revisions, (Revisions{5}));
  EXPECT_EQ(bob.Take().lease, 0u);
}

TEST_F(GroupsTest, GivesEachGroupAllEvents) {
  alice_->Fill(2);
  EXPECT_EQ(alice_->Take({.group = "a", .max = 9}).revisions, (Revisions{1, 2}));
  EXPECT_EQ(alice_->Take({.group = "b", .max = 9}).revisions, (Revisions{1, 2}));
}

TEST_F(GroupsTest, BeginsAtTheHeadWhenAsked) {
  alice_->Fill(3);
  EXPECT_THAT(alice_->Take({.from_head = true}).revisions, IsEmpty());
  alice_->Fill(1);
  // What it began with counts, not what is said later.
  EXPECT_EQ(alice_->Take({.max = 9}).revisions, (Revisions{4}));
  EXPECT_EQ(alice_->Look().checkpoint, 3u);
}

TEST_F(GroupsTest, BeginsBeforeItsStreamDoes) {
  EXPECT_THAT(alice_->Take().revisions, IsEmpty());
  alice_->Fill(1);
  EXPECT_EQ(alice_->Take().revisions, (Revisions{1}));
}

TEST_F(GroupsTest, MovesTheCheckpointToTheLowestEventNotSettled) {
  alice_->Fill(4);
  const Taken taken = alice_->Take({.max = 3});
  EXPECT_EQ(alice_->Look().checkpoint, 0u);
  EXPECT_THAT(alice_->Settle({taken.token(1)}), ElementsAre(true));
  EXPECT_EQ(alice_->Look().checkpoint, 0u);
  EXPECT_THAT(alice_->Settle({taken.token(0)}), ElementsAre(true));
  EXPECT_EQ(alice_->Look().checkpoint, 2u);
  EXPECT_THAT(alice_->Settle({taken.token(2)}), ElementsAre(true));
  EXPECT_EQ(alice_->Look(), (GroupPeer::Seen{.checkpoint = 3, .next = 4, .head = 4}));
}

TEST_F(GroupsTest, SettlesNoTokenTwiceNorAnothers) {
  GroupPeer bob(broker_.socket(), "bob");
  alice_->Fill(3);
  const Taken taken = alice_->Take({.max = 3});
  EXPECT_THAT(bob.Settle({taken.token(0)}), ElementsAre(false));
  EXPECT_THAT(alice_->Settle({taken.token(0), taken.token(0), taken.token(3), {77, 0}}),
              ElementsAre(true, false, false, false));
  EXPECT_THAT(alice_->Settle({taken.token(0), taken.token(1)}), ElementsAre(false, true));
}

TEST_F(GroupsTest, SettlesTokensOfSeveralLeasesAndGroupsAtOnce) {
  alice_->Fill(4);
  const Taken one = alice_->Take({.max = 2});
  const Taken two = alice_->Take({.max = 2});
  const Taken other = alice_->Take({.group = "other", .max = 1});
  EXPECT_THAT(alice_->Settle({two.token(1), other.token(0), one.token(0), {1, 1}}),
              ElementsAre(true, true, true, false));
  EXPECT_THAT(alice_->Settle({one.token(1), two.token(0), two.token(1)}),
              ElementsAre(true, true, false));
}

TEST_F(GroupsTest, HandsWhatIsRetriedToTheNextFirst) {
  GroupPeer bob(broker_.socket(), "bob");
  alice_->Fill(5);
  const Taken taken = alice_->Take({.max = 3});
  EXPECT_THAT(alice_->Settle({taken.token(2), taken.token(0)}, Outcome::Retry),
              ElementsAre(true, true));
  const Taken again = bob.Take({.max = 3});
  EXPECT_EQ(again.revisions, (Revisions{1, 3, 4}));
  EXPECT_THAT(again.tries, ElementsAre(2, 2, 1));
}

TEST_F(GroupsTest, ParksWhatComesBackTooOften) {
  alice_->Fill(2);
  for (uint32_t tries = 1; tries <= 5; ++tries) {
    const Taken taken = alice_->Take();
    EXPECT_EQ(taken.revisions, (Revisions{1}));
    EXPECT_THAT(taken.tries, ElementsAre(tries));
    EXPECT_THAT(alice_->Settle({taken.token(0)}, Outcome::Retry), ElementsAre(true));
  }
  const Taken next = alice_->Take();
  EXPECT_EQ(next.revisions, (Revisions{2}));
  EXPECT_EQ(next.parked, 1u);
  EXPECT_EQ(alice_->Look().checkpoint, 1u);
}

TEST_F(GroupsTest, ParksAsOftenAsTheOperatorSays) {
  broker_.Stop();
  broker_.options().max_tries = 1;
  broker_.Start();
  GroupPeer peer(broker_.socket(), "alice");
  peer.Fill(1);
  EXPECT_THAT(peer.Settle(peer.Take().tokens(), Outcome::Retry), ElementsAre(true));
  EXPECT_EQ(peer.Take().parked, 1u);
}

TEST_F(GroupsTest, ShowsRetriesAndDropsWhatIsParked) {
  alice_->Fill(4);
  const Taken taken = alice_->Take({.max = 4});
  EXPECT_THAT(alice_->Settle(taken.tokens(), Outcome::Park), ElementsAre(true, true, true, true));
  const wire::Reply* reply = alice_->ReceiveFor(alice_->SendListParked(1, 2));
  ASSERT_NE(reply->body_as_Parked(), nullptr);
  ASSERT_EQ(reply->body_as_Parked()->items()->size(), 2u);
  EXPECT_EQ(reply->body_as_Parked()->items()->Get(0)->revision(), 2u);
  EXPECT_EQ(reply->body_as_Parked()->items()->Get(0)->tries(), 1u);
  EXPECT_TRUE(reply->body_as_Parked()->more());

  const Revisions some{2, 2, 9};
  EXPECT_EQ(alice_->Unpark(&some, /*drop=*/false), 1u);
  EXPECT_EQ(alice_->Look().checkpoint, 1u);
  const Revisions other{3};
  EXPECT_EQ(alice_->Unpark(&other, /*drop=*/true), 1u);
  EXPECT_EQ(alice_->Unpark(nullptr, /*drop=*/false), 2u);
  EXPECT_EQ(alice_->Unpark(nullptr, /*drop=*/false), 0u);
  const Taken again = alice_->Take({.max = 9});
  EXPECT_EQ(again.revisions, (Revisions{1, 2, 4}));
  EXPECT_THAT(again.tries, ElementsAre(1, 1, 1));
}

TEST_F(GroupsTest, TakesBackWhatALeaseHeldThatExpired) {
  alice_->Fill(3);
  const Taken taken = alice_->Take({.max = 3, .lease_ms = 100});
  EXPECT_THAT(alice_->Settle({taken.token(1)}), ElementsAre(true));
  ASSERT_TRUE(Eventually([&] { return alice_->Look().returned == 2; }));
  EXPECT_THAT(alice_->Settle({taken.token(0)}), ElementsAre(false));
  EXPECT_EQ(alice_->Take({.max = 3}).revisions, (Revisions{1, 3}));
}

TEST_F(GroupsTest, TakesBackAtOnceWhatAConsumerHeldThatLeft) {
  auto bob = std::make_unique<GroupPeer>(broker_.socket(), "bob");
  alice_->Fill(3);
  EXPECT_EQ(bob->Take({.max = 2}).revisions, (Revisions{1, 2}));
  EXPECT_EQ(alice_->Take().revisions, (Revisions{3}));
  const uint64_t waiting = alice_->SendTake({.max = 9, .wait_ms = 50'000});
  ASSERT_TRUE(alice_->ReceiveQueued(waiting));
  bob.reset();
  const Taken taken = alice_->ReceiveTaken(waiting);
  EXPECT_EQ(taken.revisions, (Revisions{1, 2}));
  EXPECT_THAT(taken.tries, ElementsAre(2, 2));
}

TEST_F(GroupsTest, ServesThoseWhoWaitInTheirOrder) {
  GroupPeer bob(broker_.socket(), "bob"), carol(broker_.socket(), "carol");
  const uint64_t first = bob.SendTake({.wait_ms = 50'000});
  ASSERT_TRUE(bob.ReceiveQueued(first));
  const uint64_t second = carol.SendTake({.max = 2, .wait_ms = 50'000});
  ASSERT_TRUE(carol.ReceiveQueued(second));
  EXPECT_EQ(alice_->Look().waiting, 2u);
  alice_->Fill(2);
  EXPECT_EQ(bob.ReceiveTaken(first).revisions, (Revisions{1}));
  EXPECT_EQ(carol.ReceiveTaken(second).revisions, (Revisions{2}));
}

TEST_F(GroupsTest, LetsNobodyPassThoseWhoWait) {
  GroupPeer bob(broker_.socket(), "bob");
  const uint64_t waiting = bob.SendTake({.wait_ms = 50'000});
  ASSERT_TRUE(bob.ReceiveQueued(waiting));
  // Both in one message after the other, so mostly in one turn.
  ASSERT_TRUE(alice_->Send(alice_->AppendMessage(100, "tasks")));
  const uint64_t number = alice_->SendTake({}, 101);
  EXPECT_NE(alice_->ReceiveFor(100)->body_as_Appended(), nullptr);
  EXPECT_THAT(alice_->ReceiveTaken(number).revisions, IsEmpty());
  EXPECT_EQ(bob.ReceiveTaken(waiting).revisions, (Revisions{1}));
}

TEST_F(GroupsTest, AnswersWhoWaitedForNothing) {
  const uint64_t waiting = alice_->SendTake({.wait_ms = 30});
  ASSERT_TRUE(alice_->ReceiveQueued(waiting));
  EXPECT_EQ(alice_->ReceiveTaken(waiting).lease, 0u);
  EXPECT_EQ(alice_->Look().waiting, 0u);
}

TEST_F(GroupsTest, GivesNothingToWhoWaitsNoLonger) {
  const uint64_t waiting = alice_->SendTake({.wait_ms = 50'000});
  ASSERT_TRUE(alice_->ReceiveQueued(waiting));
  alice_->SendCancel(waiting);
  GroupPeer bob(broker_.socket(), "bob");
  const uint64_t left = bob.SendTake({.wait_ms = 50'000});
  ASSERT_TRUE(bob.ReceiveQueued(left));
  bob.HangUp();
  ASSERT_TRUE(Eventually([&] { return alice_->Look().waiting == 0; }));
  alice_->Fill(1);
  EXPECT_EQ(alice_->Take().revisions, (Revisions{1}));
}

TEST_F(GroupsTest, WorksOffRoostsOwnStreams) {
  const Taken taken = alice_->Take({.stream = "$agents", .max = 9});
  EXPECT_EQ(taken.revisions, (Revisions{1}));
  const uint64_t waiting = alice_->SendTake({.stream = "$agents", .wait_ms = 50'000});
  ASSERT_TRUE(alice_->ReceiveQueued(waiting));
  GroupPeer bob(broker_.socket(), "bob");
  EXPECT_EQ(alice_->ReceiveTaken(waiting).revisions, (Revisions{2}));
}

TEST_F(GroupsTest, BoundsWhoWaits) {
  for (uint32_t i = 0; i < WaitingBudget::kPerSessionMax; ++i) {
    ASSERT_TRUE(alice_->ReceiveQueued(alice_->SendTake({.wait_ms = 50'000})));
  }
  EXPECT_THAT(alice_->ReceiveRefused(alice_->SendTake({.wait_ms = 50'000})),
              HasSubstr("64 requests of this session wait"));
}

TEST_F(GroupsTest, BoundsWhatIsInHands) {
  alice_->Fill(GroupState::kOpenMax + 1);
  for (uint64_t taken = 0; taken < GroupState::kOpenMax;) {
    const size_t count = alice_->Take({.max = 500}).revisions.size();
    ASSERT_GT(count, 0u);
    taken += count;
  }
  EXPECT_THAT(alice_->ReceiveRefused(alice_->SendTake({})), HasSubstr("settle some"));
  EXPECT_EQ(alice_->Look().taken, GroupState::kOpenMax);
}

TEST_F(GroupsTest, BoundsTheLeasesOfASession) {
  alice_->Fill(GroupTable::kLeasesPerSessionMax + 1);
  for (size_t i = 0; i < GroupTable::kLeasesPerSessionMax; ++i) ASSERT_GT(alice_->Take().lease, 0u);
  EXPECT_THAT(alice_->ReceiveRefused(alice_->SendTake({})), HasSubstr("settle some first"));
  GroupPeer bob(broker_.socket(), "bob");
  EXPECT_EQ(bob.Take().revisions, (Revisions{GroupTable::kLeasesPerSessionMax + 1}));
  alice_->HangUp();
  ASSERT_TRUE(Eventually([&] { return bob.Look().returned == GroupTable::kLeasesPerSessionMax; }));
}

TEST_F(GroupsTest, BoundsWhatIsParked) {
  alice_->Fill(GroupState::kParkedMax + 1);
  for (uint64_t parked = 0; parked < GroupState::kParkedMax; parked += 500) {
    const Taken taken = alice_->Take({.max = 500});
    ASSERT_EQ(alice_->Settle(taken.tokens(), Outcome::Park), std::vector<bool>(500, true));
  }
  EXPECT_THAT(alice_->ReceiveRefused(alice_->SendTake({})), HasSubstr("retried or dropped"));
  const Revisions one{7};
  EXPECT_EQ(alice_->Unpark(&one, /*drop=*/true), 1u);
  const Taken taken = alice_->Take({.max = 2});
  EXPECT_EQ(taken.revisions, (Revisions{GroupState::kParkedMax + 1}));
  EXPECT_THAT(alice_->Settle(taken.tokens(), Outcome::Park), ElementsAre(true));
}

TEST_F(GroupsTest, RefusesWhatItCanNotBe) {
  const auto refused = [&](const TakeOptions& options) {
    return alice_->ReceiveRefused(alice_->SendTake(options));
  };
  EXPECT_THAT(refused({.stream = ""}), HasSubstr("1 to 255 bytes"));
  EXPECT_THAT(refused({.group = ""}), HasSubstr("1 to 64 bytes"));
  EXPECT_THAT(refused({.group = "a/b"}), HasSubstr("without '/'"));
  EXPECT_THAT(refused({.group = std::string(65, 'g')}), HasSubstr("1 to 64 bytes"));
  EXPECT_THAT(refused({.group = "a\nb"}), HasSubstr("control"));
  EXPECT_THAT(refused({.stream = "$groups/tasks/g"}), HasSubstr("read them"));
  EXPECT_THAT(refused({.stream = std::string(250, 's')}), HasSubstr("too long together"));
  EXPECT_THAT(refused({.max = 0}), HasSubstr("1 to 500"));
  EXPECT_THAT(refused({.max = 501}), HasSubstr("1 to 500"));
  EXPECT_THAT(refused({.lease_ms = 99}), HasSubstr("100 to 86400000"));
  EXPECT_THAT(refused({.lease_ms = 86'400'001}), HasSubstr("100 to 86400000"));
  EXPECT_THAT(refused({.wait_ms = 50'001}), HasSubstr("at most 50000"));
  EXPECT_THAT(alice_->ReceiveRefused(alice_->SendSettle({}, Outcome::Done)),
              HasSubstr("1 to 500 tokens"));
  const std::vector<wire::ItemToken> many(501);
  EXPECT_THAT(alice_->ReceiveRefused(alice_->SendSettle(many, Outcome::Done)),
              HasSubstr("1 to 500 tokens"));
  EXPECT_THAT(alice_->ReceiveRefused(alice_->SendSettle({{1, 1}}, static_cast<Outcome>(3))),
              HasSubstr("done, retry or park"));
  const std::string note(1025, 'n');
  EXPECT_THAT(alice_->ReceiveRefused(alice_->SendSettle({{1, 1}}, Outcome::Done, 0, note.c_str())),
              HasSubstr("1024 bytes"));
  EXPECT_THAT(alice_->ReceiveRefused(alice_->SendListParked()), HasSubstr("has no group 'g'"));
  EXPECT_THAT(alice_->ReceiveRefused(alice_->SendUnpark(nullptr, true)),
              HasSubstr("has no group 'g'"));
}

TEST_F(GroupsTest, RemovesAGroupThatNobodyUses) {
  using Removal = GroupPeer::Removal;
  alice_->Fill(5);
  const Taken taken = alice_->Take({.max = 3});
  GroupPeer bob(broker_.socket(), "bob");
  const uint64_t waiting = bob.SendTake({.max = 5, .wait_ms = 50'000});
  EXPECT_EQ(bob.ReceiveTaken(waiting).revisions, (Revisions{4, 5}));
  const uint64_t again = bob.SendTake({.wait_ms = 50'000});
  ASSERT_TRUE(bob.ReceiveQueued(again));
  EXPECT_EQ(alice_->ReceiveRemoval(alice_->SendRemoveGroup()), (Removal{false, 5, 1, 0}));
  bob.SendCancel(again);
  bob.SendCancel(waiting);
  EXPECT_EQ(bob.Look().returned, 2u);
  alice_->Settle({taken.token(0)}, Outcome::Park);
  EXPECT_EQ(alice_->ReceiveRemoval(alice_->SendRemoveGroup()), (Removal{false, 2, 0, 0}));
  alice_->Settle({taken.token(1), taken.token(2)});
  const uint64_t removing = alice_->SendRemoveGroup();
  EXPECT_EQ(alice_->ReceiveRemoval(removing), (Removal{true, 0, 0, 1}));
  EXPECT_EQ(alice_->Look(), GroupPeer::Seen());
  EXPECT_THAT(alice_->ReceiveRefused(alice_->SendRemoveGroup()), HasSubstr("has no group 'g'"));
  EXPECT_THAT(alice_->Settle({taken.token(1)}), ElementsAre(false));

  // It stays so, and its request is answered as before.
  broker_.Restart();
  GroupPeer back(broker_.socket());
  ASSERT_TRUE(back.Resume("alice", *alice_));
  EXPECT_EQ(back.Look(), GroupPeer::Seen());
  EXPECT_EQ(back.ReceiveRemoval(back.SendRemoveGroup(removing)), (Removal{true, 0, 0, 1}));
  EXPECT_THAT(back.Take({.from_head = true}).revisions, IsEmpty());
  EXPECT_EQ(back.Look().next, 6u);
  EXPECT_EQ(back.ReceiveRemoval(back.SendRemoveGroup()), (Removal{true, 0, 0, 0}));
  EXPECT_EQ(back.Take().revisions, (Revisions{1}));
}

TEST_F(GroupsTest, ListsGroupsInPages) {
  for (const char* stream : {"b", "a/x", "a"}) {
    for (const char* group : {"2", "1"}) alice_->Take({.stream = stream, .group = group});
  }
  const auto names = [&](const wire::Reply* reply) {
    std::string text;
    for (const wire::Group* group : *reply->body_as_Groups()->groups()) {
      text += group->stream()->str() + ":" + group->group()->str() + " ";
    }
    return text + (reply->body_as_Groups()->more() ? "more" : "");
  };
  EXPECT_EQ(names(alice_->ReceiveFor(alice_->SendListGroups())), "a:1 a:2 a/x:1 a/x:2 b:1 b:2 ");
  EXPECT_EQ(names(alice_->ReceiveFor(alice_->SendListGroups("a", "", "", 3))),
            "a:1 a:2 a/x:1 more");
  EXPECT_EQ(names(alice_->ReceiveFor(alice_->SendListGroups("a", "a/x", "1", 3))), "a/x:2 ");
  EXPECT_EQ(names(alice_->ReceiveFor(alice_->SendListGroups("c"))), "");
}

// ---- what is asked again ----

TEST_F(GroupsTest, AnswersATakeAgainWhileItsLeaseLives) {
  alice_->Fill(3);
  const uint64_t number = alice_->SendTake({.max = 2});
  const Taken taken = alice_->ReceiveTaken(number);
  EXPECT_EQ(alice_->ReceiveTaken(alice_->SendTake({.max = 2}, number)), taken);
  EXPECT_THAT(alice_->Settle(taken.tokens()), ElementsAre(true, true));
  EXPECT_EQ(alice_->ReceiveTaken(alice_->SendTake({.max = 2}, number)).lease, 0u);
}

TEST_F(GroupsTest, GivesTheSameAnswersAfterARestart) {
  alice_->Fill(6);
  const uint64_t take = alice_->SendTake({.max = 3});
  const Taken taken = alice_->ReceiveTaken(take);
  const std::vector<wire::ItemToken> tokens{taken.token(0), {5, 5}, taken.token(1), taken.token(1)};
  const uint64_t settle = alice_->SendSettle(tokens, Outcome::Done);
  EXPECT_THAT(alice_->ReceiveSettled(settle), ElementsAre(true, false, true, false));
  const uint64_t park = alice_->SendSettle(alice_->Take({.max = 2}).tokens(), Outcome::Park);
  EXPECT_THAT(alice_->ReceiveSettled(park), ElementsAre(true, true));
  const uint64_t unpark = alice_->SendUnpark(nullptr, /*drop=*/true);
  EXPECT_EQ(alice_->ReceiveFor(unpark)->body_as_Unparked()->count(), 2u);
  const GroupPeer::Seen before = alice_->Look();

  broker_.Restart();
  GroupPeer again(broker_.socket());
  ASSERT_TRUE(again.Resume("alice", *alice_));
  EXPECT_EQ(again.Look(), before);
  EXPECT_EQ(again.ReceiveTaken(again.SendTake({.max = 3}, take)), taken);
  EXPECT_THAT(again.ReceiveSettled(again.SendSettle(tokens, Outcome::Done, settle)),
              ElementsAre(true, false, true, false));
  EXPECT_THAT(again.ReceiveSettled(again.SendSettle({{1, 1}}, Outcome::Park, park)),
              ElementsAre(true, true));
  EXPECT_EQ(again.ReceiveFor(again.SendUnpark(nullptr, true, unpark))->body_as_Unparked()->count(),
            2u);
  // And the lease itself is still good.
  EXPECT_THAT(again.ReceiveSettled(again.SendSettle({taken.token(2)}, Outcome::Done)),
              ElementsAre(true));
}

TEST_F(GroupsTest, AnswersTheTakeThatBeganItsGroupAgainAfterARestart) {
  alice_->Fill(3);
  const uint64_t number = alice_->SendTake({.max = 2});
  const Taken taken = alice_->ReceiveTaken(number);
  broker_.Restart();
  GroupPeer again(broker_.socket());
  ASSERT_TRUE(again.Resume("alice", *alice_));
  EXPECT_EQ(again.ReceiveTaken(again.SendTake({.max = 2}, number)), taken);
}

TEST_F(GroupsTest, TakesBackAfterARestartWhatNobodyCameBackFor) {
  alice_->Fill(2);
  EXPECT_EQ(alice_->Take({.max = 2}).revisions, (Revisions{1, 2}));
  broker_.Restart();
  GroupPeer bob(broker_.socket(), "bob");
  const uint64_t waiting = bob.SendTake({.max = 2, .wait_ms = 50'000});
  ASSERT_TRUE(bob.ReceiveQueued(waiting));
  EXPECT_EQ(bob.ReceiveTaken(waiting).revisions, (Revisions{1, 2}));
}

TEST_F(GroupsTest, TakesBackAtOnceWhatWasHandedOutToATakeThatIsGivenUp) {
  alice_->Fill(4);
  const uint64_t given_up = alice_->SendTake({.max = 2});
  EXPECT_EQ(alice_->ReceiveTaken(given_up).revisions, (Revisions{1, 2}));
  EXPECT_EQ(alice_->Take().revisions, (Revisions{3}));
  alice_->SendCancel(given_up);
  const uint64_t lost = alice_->SendTake({.max = 4});
  EXPECT_EQ(alice_->ReceiveTaken(lost).revisions, (Revisions{1, 2, 4}));
  broker_.Restart();
  GroupPeer back(broker_.socket());
  ASSERT_TRUE(back.Resume("alice", *alice_));
  EXPECT_EQ(back.Look().taken, 4u);
  back.SendCancel(lost);
  const GroupPeer::Seen seen = back.Look();
  EXPECT_EQ(seen.taken, 1u);
  EXPECT_EQ(seen.returned, 3u);
}

TEST_F(GroupsTest, DropsTheWaitOfAConnectionThatAnotherOneReplaces) {
  const uint64_t waiting = alice_->SendTake({.wait_ms = 50'000});
  ASSERT_TRUE(alice_->ReceiveQueued(waiting));
  GroupPeer again(broker_.socket());
  ASSERT_TRUE(again.Resume("alice", *alice_));
  EXPECT_EQ(again.ReceiveFor(again.SendListGroups())->body_as_Groups()->groups()->Get(0)->waiting(),
            0u);
}

}  // namespace
}  // namespace roost
