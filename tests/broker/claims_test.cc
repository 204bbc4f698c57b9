// Claims through the wire: what a session may hold, what others are told, who waits, and what becomes of it all when
// sessions and the broker end.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/broker/control_peer.h"
#include "tests/broker/coordination_requests.h"
#include "tests/broker/running_broker.h"

namespace roost {
namespace {

class ClaimsTest : public ::testing::Test {
 protected:
  void SetUp() override { broker_.Start(); }

  const wire::Reply* Ask(ControlPeer& peer, Bytes request) {
    EXPECT_TRUE(peer.Send(request));
    return peer.Receive();
  }
  // The token; 0: not granted.
  uint64_t Claim(ControlPeer& peer, uint64_t number, const ClaimFields& fields) {
    const wire::Reply* reply = Ask(peer, ClaimBytes(number, fields));
    if (reply == nullptr || reply->body_as_Granted() == nullptr) return 0;
    EXPECT_EQ(reply->number(), number);
    EXPECT_GT(reply->body_as_Granted()->expires_in_ms(), 0u);
    return reply->body_as_Granted()->token();
  }
  bool Queue(ControlPeer& peer, uint64_t number, const ClaimFields& fields) {
    const wire::Reply* reply = Ask(peer, ClaimBytes(number, fields));
    return reply != nullptr && reply->number() == number && reply->body_as_Queued() != nullptr;
  }
  uint64_t ReceiveGranted(ControlPeer& peer, uint64_t number) {
    const wire::Reply* reply = peer.Receive();
    if (reply == nullptr || reply->body_as_Granted() == nullptr) return 0;
    EXPECT_EQ(reply->number(), number);
    return reply->body_as_Granted()->token();
  }
  bool Release(ControlPeer& peer, uint64_t number, uint64_t token) {
    const wire::Reply* reply = Ask(peer, ReleaseBytes(number, token));
    EXPECT_NE(reply->body_as_Released(), nullptr);
    return reply->body_as_Released() != nullptr && reply->body_as_Released()->released();
  }
  wire::RefusalCode RefusedClaim(ControlPeer& peer, uint64_t number, const ClaimFields& fields) {
    const wire::Reply* reply = Ask(peer, ClaimBytes(number, fields));
    if (reply == nullptr || reply->body_as_Refused() == nullptr) {
      ADD_FAILURE() << "not refused";
      return wire::RefusalCode::Degraded;
    }
    return reply->body_as_Refused()->code();
  }

  RunningBroker broker_;
};

TEST_F(ClaimsTest, AreGrantedToOneAndRefusedToOthersBySayingWhoHoldsThem) {
  ControlPeer alice(broker_.socket(), "alice"), bob(broker_.socket(), "bob");
  const uint64_t token = Claim(alice, 1, {.keys = {"src/**", "doc/a"}});
  EXPECT_GT(token, 0u);
  const wire::Reply* reply = Ask(bob, ClaimBytes(1, {.keys = {"free", "src/a.cc", "doc/a"}}));
  ASSERT_NE(reply->body_as_Held(), nullptr);
  const auto& held = *reply->body_as_Held()->held();
  ASSERT_EQ(held.size(), 2u);
  EXPECT_EQ(held[0]->key()->str(), "src/a.cc");
  EXPECT_EQ(held[0]->held()->str(), "src/**");
  EXPECT_EQ(held[0]->by()->str(), "alice");
  EXPECT_EQ(held[0]->session(), alice.session());
  EXPECT_GT(held[0]->expires_in_ms(), 0u);
  EXPECT_LE(held[0]->expires_in_ms(), 60'000u);
  EXPECT_FALSE(held[0]->waiting());
  EXPECT_EQ(held[1]->key()->str(), "doc/a");
  // None of its keys was taken.
  EXPECT_GT(Claim(alice, 2, {.keys = {"free"}}), token);
}

TEST_F(ClaimsTest, AreFreeAgainWhenReleasedByTheirHolderAlone) {
  ControlPeer alice(broker_.socket(), "alice"), bob(broker_.socket(), "bob");
  const uint64_t token = Claim(alice, 1, {.keys = {"k"}});
  EXPECT_FALSE(Release(bob, 1, token));
  EXPECT_FALSE(Release(bob, 2, token + 1));
  EXPECT_EQ(Claim(bob, 3, {.keys = {"k"}}), 0u);
  EXPECT_TRUE(Release(alice, 2, token));
  EXPECT_FALSE(Release(alice, 3, token));
  EXPECT_GT(Claim(bob, 4, {.keys = {"k"}}), token);
}

TEST_F(ClaimsTest, NeverStandInTheWayOfTheirOwnHolder) {
  ControlPeer alice(broker_.socket(), "alice"), bob(broker_.socket(), "bob");
  const uint64_t first = Claim(alice, 1, {.keys = {"a", "b"}});
  const uint64_t second = Claim(alice, 2, {.keys = {"b", "c"}});
  EXPECT_GT(second, first);
  EXPECT_TRUE(Release(alice, 3, second));
  EXPECT_GT(Claim(bob, 1, {.keys = {"b"}}), 0u);
  EXPECT_EQ(Claim(bob, 2, {.keys = {"a"}}), 0u);
  EXPECT_TRUE(Release(alice, 4, first));
  EXPECT_GT(Claim(bob, 3, {.keys = {"a"}}), 0u);
}

TEST_F(ClaimsTest, AreRenewedUnderANewTokenWhenSomethingIsNewAboutThem) {
  ControlPeer alice(broker_.socket(), "alice");
  const uint64_t first = Claim(alice, 1, {.keys = {"a", "b"}});
  // Too early to be worth an event.
  EXPECT_EQ(Claim(alice, 2, {.keys = {"b", "a"}}), first);
  const uint64_t second = Claim(alice, 3, {.keys = {"a", "b"}, .note = "still at it"});
  EXPECT_GT(second, first);
  EXPECT_FALSE(Release(alice, 4, first));
  EXPECT_TRUE(Release(alice, 5, second));
}

TEST_F(ClaimsTest, WaitAndAreServedInTheOrderInWhichTheyCame) {
  ControlPeer alice(broker_.socket(), "alice"), bob(broker_.socket(), "bob"),
      carol(broker_.socket(), "carol");
  const uint64_t token = Claim(alice, 1, {.keys = {"k"}});
  ASSERT_TRUE(Queue(bob, 1, {.keys = {"k"}, .wait_ms = 50'000}));
  ASSERT_TRUE(Queue(carol, 1, {.keys = {"*"}, .wait_ms = 50'000}));
  EXPECT_TRUE(Release(alice, 2, token));
  const uint64_t bobs = ReceiveGranted(bob, 1);
  EXPECT_GT(bobs, token);
  // Nobody overtakes who waits.
  const wire::Reply* reply = Ask(alice, ClaimBytes(3, {.keys = {"other"}}));
  ASSERT_NE(reply->body_as_Held(), nullptr);
  EXPECT_TRUE(reply->body_as_Held()->held()->Get(0)->waiting());
  EXPECT_EQ(reply->body_as_Held()->held()->Get(0)->by()->str(), "carol");
  EXPECT_TRUE(carol.HasNothing());
  EXPECT_TRUE(Release(bob, 2, bobs));
  EXPECT_GT(ReceiveGranted(carol, 1), bobs);
}

TEST_F(ClaimsTest, CanBeRenewedWhileOthersWaitForThem) {
  ControlPeer alice(broker_.socket(), "alice"), bob(broker_.socket(), "bob");
  const uint64_t token = Claim(alice, 1, {.keys = {"k"}});
  ASSERT_TRUE(Queue(bob, 1, {.keys = {"k"}, .wait_ms = 50'000}));
  const uint64_t renewed = Claim(alice, 2, {.keys = {"k"}, .ttl_ms = 30'000});
  EXPECT_GT(renewed, token);
  EXPECT_TRUE(Release(alice, 3, renewed));
  EXPECT_GT(ReceiveGranted(bob, 1), renewed);
}

TEST_F(ClaimsTest, ThatWaitAreAnsweredWhenTheirTimeIsOver) {
  ControlPeer alice(broker_.socket(), "alice"), bob(broker_.socket(), "bob");
  ASSERT_GT(Claim(alice, 1, {.keys = {"k"}}), 0u);
  ASSERT_TRUE(Queue(bob, 1, {.keys = {"k"}, .wait_ms = 20}));
  const wire::Reply* reply = bob.Receive();
  ASSERT_NE(reply, nullptr);
  ASSERT_NE(reply->body_as_Held(), nullptr);
  EXPECT_EQ(reply->number(), 1u);
  EXPECT_EQ(reply->body_as_Held()->held()->Get(0)->by()->str(), "alice");
}

TEST_F(ClaimsTest, ThatWaitAreForgottenWhenCancelled) {
  ControlPeer alice(broker_.socket(), "alice"), bob(broker_.socket(), "bob");
  const uint64_t token = Claim(alice, 1, {.keys = {"k"}});
  ASSERT_TRUE(Queue(bob, 1, {.keys = {"k"}, .wait_ms = 50'000}));
  ASSERT_TRUE(bob.Send(CancelBytes(1)));
  EXPECT_FALSE(Release(bob, 2, 1));  // it has seen the cancel by now
  EXPECT_TRUE(Release(alice, 2, token));
  EXPECT_GT(Claim(alice, 3, {.keys = {"k"}}), token);
  EXPECT_TRUE(bob.HasNothing());
}

TEST_F(ClaimsTest, ExpireAndTheirHolderIsTold) {
  ControlPeer alice(broker_.socket(), "alice"), bob(broker_.socket(), "bob");
  const uint64_t token = Claim(alice, 1, {.keys = {"k", "l"}, .ttl_ms = 100});
  ASSERT_TRUE(Queue(bob, 1, {.keys = {"k"}, .wait_ms = 50'000}));
  EXPECT_GT(ReceiveGranted(bob, 1), token);
  const wire::Reply* reply = alice.Receive();
  ASSERT_NE(reply, nullptr);
  EXPECT_EQ(reply->number(), 0u);
  ASSERT_NE(reply->body_as_LeaseEnded(), nullptr);
  EXPECT_EQ(reply->body_as_LeaseEnded()->token(), token);
  EXPECT_EQ(reply->body_as_LeaseEnded()->keys()->size(), 2u);
  EXPECT_EQ(reply->body_as_LeaseEnded()->reason()->str(), "expired");
  EXPECT_FALSE(Release(alice, 2, token));
}

TEST_F(ClaimsTest, AreFreedAtOnceWhenTheirHolderHangsUp) {
  ControlPeer bob(broker_.socket(), "bob");
  ControlPeer alice(broker_.socket(), "alice");
  const uint64_t token = Claim(alice, 1, {.keys = {"k"}});
  ASSERT_TRUE(Queue(bob, 1, {.keys = {"k"}, .wait_ms = 50'000}));
  alice.HangUp();
  EXPECT_GT(ReceiveGranted(bob, 1), token);
  // Who takes the session up again is told what it lost.
  ControlPeer again(broker_.socket());
  ASSERT_TRUE(again.Attach("alice", alice.session(), alice.secret()));
  ASSERT_TRUE(again.resumed());
  const wire::Reply* reply = again.Receive();
  ASSERT_NE(reply, nullptr);
  ASSERT_NE(reply->body_as_LeaseEnded(), nullptr);
  EXPECT_EQ(reply->body_as_LeaseEnded()->token(), token);
  EXPECT_EQ(reply->body_as_LeaseEnded()->reason()->str(), "connection lost");
}

TEST_F(ClaimsTest, AreAnsweredAgainAndNotGrantedTwice) {
  ControlPeer alice(broker_.socket(), "alice");
  const uint64_t token = Claim(alice, 1, {.keys = {"k"}});
  EXPECT_EQ(Claim(alice, 1, {.keys = {"k"}}), token);
  EXPECT_TRUE(Release(alice, 2, token));
  EXPECT_TRUE(Release(alice, 2, token));
  // Asked once more after it has ended: 0 says that it has.
  const wire::Reply* reply = Ask(alice, ClaimBytes(1, {.keys = {"k"}}));
  ASSERT_NE(reply->body_as_Granted(), nullptr);
  EXPECT_EQ(reply->body_as_Granted()->token(), token);
  EXPECT_EQ(reply->body_as_Granted()->expires_in_ms(), 0u);
}

TEST_F(ClaimsTest, OutliveTheBrokerForWhoComesBack) {
  auto alice = std::make_unique<ControlPeer>(broker_.socket(), "alice");
  const uint64_t token = Claim(*alice, 1, {.keys = {"k"}});
  broker_.Restart();
  ControlPeer again(broker_.socket());
  ASSERT_TRUE(again.Attach("alice", alice->session(), alice->secret()));
  ASSERT_TRUE(again.resumed());
  ControlPeer bob(broker_.socket(), "bob");
  EXPECT_EQ(Claim(bob, 1, {.keys = {"k"}}), 0u);
  EXPECT_EQ(Claim(again, 1, {.keys = {"k"}}), token);  // its answer was kept
  EXPECT_TRUE(Release(again, 2, token));
  EXPECT_GT(Claim(bob, 2, {.keys = {"k"}}), token);
}

TEST_F(ClaimsTest, GoBackWhenTheirRequestIsGivenUp) {
  ControlPeer alice(broker_.socket(), "alice"), bob(broker_.socket(), "bob");
  const uint64_t kept = Claim(alice, 1, {.keys = {"kept"}});
  ASSERT_GT(Claim(alice, 2, {.keys = {"k"}}), 0u);
  ASSERT_TRUE(Queue(bob, 1, {.keys = {"k"}, .wait_ms = 50'000}));
  ASSERT_TRUE(alice.Send(CancelBytes(99)));  // was never asked
  ASSERT_TRUE(alice.Send(CancelBytes(2)));
  EXPECT_GT(ReceiveGranted(bob, 1), 0u);
  EXPECT_TRUE(Release(alice, 3, kept));
}

TEST_F(ClaimsTest, GoBackWhenTheirRequestIsGivenUpToTheNextBroker) {
  ControlPeer alice(broker_.socket(), "alice");
  ASSERT_GT(Claim(alice, 1, {.keys = {"k"}}), 0u);  // its answer is lost, say
  broker_.Restart();
  ControlPeer again(broker_.socket()), bob(broker_.socket(), "bob");
  ASSERT_TRUE(again.Attach("alice", alice.session(), alice.secret()) && again.resumed());
  ASSERT_TRUE(Queue(bob, 1, {.keys = {"k"}, .wait_ms = 50'000}));
  ASSERT_TRUE(again.Send(CancelBytes(1)));
  EXPECT_GT(ReceiveGranted(bob, 1), 0u);
  EXPECT_TRUE(again.HasNothing());  // it is told of nothing that it never knew to hold
}

TEST_F(ClaimsTest, AreFreeAgainWhenNobodyComesBackToARestartedBroker) {
  auto alice = std::make_unique<ControlPeer>(broker_.socket(), "alice");
  const uint64_t token = Claim(*alice, 1, {.keys = {"k"}});
  broker_.Restart();
  ControlPeer bob(broker_.socket(), "bob");
  ASSERT_TRUE(Queue(bob, 1, {.keys = {"k"}, .wait_ms = 50'000}));
  EXPECT_GT(ReceiveGranted(bob, 1), token);
  ControlPeer again(broker_.socket());
  ASSERT_TRUE(again.Attach("alice", alice->session(), alice->secret()));
  const wire::Reply* reply = again.Receive();
  ASSERT_NE(reply, nullptr);
  ASSERT_NE(reply->body_as_LeaseEnded(), nullptr);
  EXPECT_EQ(reply->body_as_LeaseEnded()->reason()->str(), "broker restarted");
}

TEST_F(ClaimsTest, AreListedInPagesByTheBeginningOfTheirKeys) {
  ControlPeer alice(broker_.socket(), "alice");
  std::vector<uint64_t> tokens;
  for (uint64_t number = 1; number <= 5; ++number) {
    tokens.push_back(Claim(alice, number, {.keys = {"x", "task/" + std::to_string(number)}}));
  }
  const wire::Reply* reply = Ask(alice, ListLeasesBytes(6, "task/", 0, 3));
  ASSERT_NE(reply->body_as_Leases(), nullptr);
  ASSERT_EQ(reply->body_as_Leases()->leases()->size(), 3u);
  EXPECT_TRUE(reply->body_as_Leases()->more());
  const wire::Lease& first = *reply->body_as_Leases()->leases()->Get(0);
  EXPECT_EQ(first.token(), tokens[0]);
  EXPECT_EQ(first.agent()->str(), "alice");
  EXPECT_EQ(first.session(), alice.session());
  EXPECT_EQ(first.ttl_ms(), 60'000u);
  reply = Ask(alice, ListLeasesBytes(7, "task/", tokens[2], 3));
  EXPECT_EQ(reply->body_as_Leases()->leases()->size(), 2u);
  EXPECT_FALSE(reply->body_as_Leases()->more());
  reply = Ask(alice, ListLeasesBytes(8, "x"));
  EXPECT_EQ(reply->body_as_Leases()->leases()->size(), 1u);
}

TEST_F(ClaimsTest, AreRefusedWhenTheyAreNone) {
  using enum wire::RefusalCode;
  ControlPeer alice(broker_.socket(), "alice");
  EXPECT_EQ(RefusedClaim(alice, 1, {}), Invalid);
  EXPECT_EQ(RefusedClaim(alice, 2, {.keys = {"a**"}}), Invalid);
  EXPECT_EQ(RefusedClaim(alice, 3, {.keys = std::vector<std::string>(65, "a")}), TooLarge);
  EXPECT_EQ(RefusedClaim(alice, 4, {.keys = {"a"}, .ttl_ms = 99}), Invalid);
  EXPECT_EQ(RefusedClaim(alice, 5, {.keys = {"a"}, .ttl_ms = 86'400'001}), Invalid);
  EXPECT_EQ(RefusedClaim(alice, 6, {.keys = {"a"}, .wait_ms = 50'001}), Invalid);
  EXPECT_EQ(RefusedClaim(alice, 7, {.keys = {"a"}, .note = std::string(1025, 'n')}), TooLarge);
  EXPECT_EQ(RefusedClaim(alice, 0, {.keys = {"a"}}), Invalid);
}

TEST_F(ClaimsTest, ThatWaitAreLimitedForEachSession) {
  ControlPeer alice(broker_.socket(), "alice"), bob(broker_.socket(), "bob");
  ASSERT_GT(Claim(alice, 1, {.keys = {"k"}}), 0u);
  for (uint64_t number = 1; number <= 64; ++number) {
    ASSERT_TRUE(Queue(bob, number, {.keys = {"k"}, .wait_ms = 50'000}));
  }
  EXPECT_TRUE(Queue(bob, 64, {.keys = {"k"}, .wait_ms = 50'000}));  // asked twice
  EXPECT_EQ(RefusedClaim(bob, 65, {.keys = {"k"}, .wait_ms = 50'000}), wire::RefusalCode::Busy);
  ASSERT_TRUE(bob.Send(CancelBytes(7)));
  EXPECT_TRUE(Queue(bob, 66, {.keys = {"k"}, .wait_ms = 50'000}));
}

TEST_F(ClaimsTest, WithGlobsAreLimitedForEachSessionAndInAll) {
  std::vector<std::unique_ptr<ControlPeer>> peers;
  for (uint64_t number = 0; number < 4096; ++number) {
    if (number % 512 == 0) {
      if (number > 0) {
        EXPECT_EQ(RefusedClaim(*peers.back(), 513, {.keys = {"more/*"}}), wire::RefusalCode::Busy);
        EXPECT_GT(Claim(*peers.back(), 514, {.keys = {"l" + std::to_string(number)}}), 0u);
      }
      peers.push_back(
          std::make_unique<ControlPeer>(broker_.socket(), "a" + std::to_string(number)));
    }
    ASSERT_GT(
        Claim(*peers.back(), number % 512 + 1, {.keys = {"g" + std::to_string(number) + "/*"}}),
        0u);
  }
  ControlPeer last(broker_.socket(), "last");
  EXPECT_EQ(RefusedClaim(last, 1, {.keys = {"more/*"}}), wire::RefusalCode::Busy);
  EXPECT_GT(Claim(last, 2, {.keys = {"more/literal"}}), 0u);
}

TEST_F(ClaimsTest, AreLimitedForEachSession) {
  ControlPeer many_keys(broker_.socket(), "keys"), many_leases(broker_.socket(), "leases");
  for (uint64_t number = 1; number <= 128; ++number) {
    std::vector<std::string> keys;
    for (int i = 0; i < 64; ++i) keys.push_back(std::to_string(number) + "/" + std::to_string(i));
    ASSERT_GT(Claim(many_keys, number, {.keys = keys}), 0u);
  }
  EXPECT_EQ(RefusedClaim(many_keys, 129, {.keys = {"k"}}), wire::RefusalCode::Busy);
  // What it holds may be renewed.
  EXPECT_GT(Claim(many_keys, 130, {.keys = {"1/0"}, .note = "new"}), 0u);
  for (uint64_t number = 1; number <= 4096; ++number) {
    ASSERT_GT(Claim(many_leases, number, {.keys = {"l" + std::to_string(number)}}), 0u);
  }
  EXPECT_EQ(RefusedClaim(many_leases, 4097, {.keys = {"k"}}), wire::RefusalCode::Busy);
}

}  // namespace
}  // namespace roost
