// The room of claims where it has much to do: what that costs its peer, and who is looked at again.
#include "broker/leases/lease_room.h"

#include <gtest/gtest.h>

#include "broker/sequencer.h"
#include "tests/broker/coordination_fixture.h"

namespace roost {
namespace {

class LeaseRoomTest : public CoordinationFixture {
 protected:
  void SetUp() override {
    CoordinationFixture::SetUp();
    room_.emplace(LeaseRoom::Parts{&table_, &sessions_, &*changes_, &waiting_});
    MakeCoordinator({{&*room_, {wire::RequestBody::Claim}, {KeptAnswer::Kind::kGranted}}});
  }

  LeaseTable table_;
  std::optional<LeaseRoom> room_;
};

TEST_F(LeaseRoomTest, EndsTheTurnOfAPeerWithAnExpensiveClaim) {
  const auto alice = Join(1, "alice"), bob = Join(2, "bob");
  LeaseGrant grant;
  grant.token = 1;
  grant.session = alice->session->number;
  for (int i = 0; i < 20'000; ++i) {
    grant.keys = {std::to_string(10'000 + i) + "*" + std::string(200, 'x')};
    ++grant.token;
    table_.Grant(grant, 0, nullptr);
  }
  Ask(*bob, ClaimBytes(1, {.keys = {"free"}}));
  EXPECT_LT(bob->peer.work, Sequencer::kBytesPerTurn / Sequencer::kMessagesPerTurn);
  EndTurn();
  EXPECT_EQ(bob->Next(), std::pair(uint64_t{1}, wire::ReplyBody::Granted));
  Ask(*bob, ClaimBytes(2, {.keys = {"*" + std::string(200, 'y')}}));
  EXPECT_GE(bob->peer.work, Sequencer::kBytesPerTurn);
  const wire::Reply* reply = bob->Receive();
  ASSERT_NE(reply, nullptr);
  ASSERT_NE(reply->body_as_Refused(), nullptr);
  EXPECT_EQ(reply->body_as_Refused()->code(), wire::RefusalCode::TooLarge);
}

TEST(ClaimQueueTest, LooksAgainOnlyAtClaimsThatNameAKeyOfWhichTheSessionHoldsMore) {
  Session alice, bob;
  alice.number = 1;
  bob.number = 2;
  ClaimQueue queue;
  const auto add = [&](Session& session, uint64_t number, std::vector<std::string> keys) {
    WaitingClaim claim;
    claim.session = &session;
    claim.number = number;
    claim.claim.keys = std::move(keys);
    const uint64_t place = queue.next_place();
    queue.Add(std::move(claim), {Blocker::Kind::kLease, 7});
    return place;
  };
  add(alice, 1, {"a", "c"});
  add(bob, 1, {"b"});
  const uint64_t named = add(alice, 2, {"b", "c"});
  queue.OnHoldsChanged(alice, {"x", "*", "b"});
  ASSERT_TRUE(queue.HasReady());
  EXPECT_EQ(queue.FirstReady(), named);
  queue.Remove(named);
  EXPECT_FALSE(queue.HasReady());
}

}  // namespace
}  // namespace roost
