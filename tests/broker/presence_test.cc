// When a session works and when it is idle, and what the log is told.
#include "broker/presence.h"

#include <gtest/gtest.h>

#include "broker/logging.h"
#include "broker/own_event.h"
#include "tests/broker/control_peer.h"
#include "tests/broker/coordination_fixture.h"
#include "tests/broker/running_broker.h"

namespace roost {
namespace {

class PresenceTest : public CoordinationFixture {
 protected:
  void SetUp() override {
    CoordinationFixture::SetUp();
    presence_.emplace(&sessions_, &*own_events_, 60);
    alice_ = Join(1, "alice");
    presence_->OnAttached(*alice_->session, 100);
  }

  std::vector<std::string> Told() {
    turn_->Finish();
    return Types();
  }

  std::optional<Presence> presence_;
  std::unique_ptr<Member> alice_;
};

TEST_F(PresenceTest, TellsWhenASessionBecomesIdleAndWorksAgain) {
  presence_->OnRequest(*alice_->session, 130);
  EXPECT_EQ(presence_->NextTimerNs(), 160u);
  presence_->OnTimer(160);
  EXPECT_FALSE(alice_->session->idle);
  presence_->OnTimer(189);
  EXPECT_FALSE(alice_->session->idle);
  EXPECT_EQ(Told(), std::vector<std::string>());
  presence_->OnTimer(190);
  EXPECT_TRUE(alice_->session->idle);
  EXPECT_EQ(Told(), std::vector<std::string>{"agent.idle"});
  // Nobody works: no timer.
  EXPECT_EQ(presence_->NextTimerNs(), UINT64_MAX);
  presence_->OnRequest(*alice_->session, 500);
  EXPECT_FALSE(alice_->session->idle);
  presence_->OnRequest(*alice_->session, 501);
  EXPECT_EQ(Told(), (std::vector<std::string>{"agent.idle", "agent.working"}));
  const auto* event = DecodeEventBody(AsBytes(log_.events().back().body));
  EXPECT_EQ(DataOf(*event), R"({"session":1,"agent":"alice"})");
  EXPECT_EQ(log_.events().back().origin.session, 1u);
}

TEST_F(PresenceTest, TakesWhoWaitsForWorking) {
  alice_->peer.socket->waits = 1;
  presence_->OnTimer(1000);
  EXPECT_FALSE(alice_->session->idle);
  EXPECT_EQ(presence_->NextTimerNs(), 1020u);  // with all others that wait
  alice_->peer.socket->waits = 0;
  alice_->session->waiting_requests = 1;
  presence_->OnTimer(1020);
  EXPECT_FALSE(alice_->session->idle);
  alice_->session->waiting_requests = 0;
  presence_->OnTimer(1080);
  EXPECT_TRUE(alice_->session->idle);
}

TEST_F(PresenceTest, ChangesNothingWhileTheLogTakesNoEvents) {
  SetLogLevel(LogLevel::kError);
  log_.next_commit = full_;
  own_events_->Add(kAgentsStream, kLeftType, "{}", 7);
  turn_->Finish();
  ASSERT_TRUE(own_events_->HasWaiting());
  presence_->OnTimer(160);
  EXPECT_FALSE(alice_->session->idle);
  EXPECT_EQ(presence_->NextTimerNs(), 220u);
  alice_->session->idle = true;
  presence_->OnRequest(*alice_->session, 170);
  EXPECT_TRUE(alice_->session->idle);
  log_.next_commit = {};
  while (own_events_->HasWaiting()) own_events_->StageWaiting();
  presence_->OnRequest(*alice_->session, 180);
  EXPECT_FALSE(alice_->session->idle);
  EXPECT_EQ(Told(), (std::vector<std::string>{"agent.left", "agent.working"}));
}

TEST_F(PresenceTest, ForgetsWhoHasLeft) {
  presence_->OnLeft(*alice_->session);
  EXPECT_EQ(presence_->NextTimerNs(), UINT64_MAX);
}

TEST_F(PresenceTest, GoesOnFromWhatWasTold) {
  presence_->OnTimer(1000);
  // Taken up by another connection, as after a restart of the broker.
  presence_->OnAttached(*alice_->session, 2000);
  EXPECT_TRUE(alice_->session->idle);
  EXPECT_EQ(presence_->NextTimerNs(), UINT64_MAX);
  presence_->OnRequest(*alice_->session, 2001);
  EXPECT_EQ(Told(), (std::vector<std::string>{"agent.idle", "agent.working"}));
}

TEST(PresenceOverTheSocketTest, IsListedAndOutlivesTheBroker) {
  RunningBroker broker;
  broker.options().idle_after_ns = 30'000'000;
  broker.Start();
  ControlPeer alice(broker.socket(), "alice");
  ControlPeer bob(broker.socket(), "bob");
  const auto alice_is_idle = [&alice](ControlPeer& peer, uint64_t number) {
    EXPECT_TRUE(peer.Send(peer.encoder().ListSessions(number, 0, 100)));
    const wire::Reply* reply = peer.Receive();
    if (reply == nullptr || reply->body_as_Sessions() == nullptr) return false;
    for (const wire::SessionInfo* session : *reply->body_as_Sessions()->sessions()) {
      if (session->session() == alice.session()) return session->idle();
    }
    return false;
  };
  uint64_t number = 1;
  while (!alice_is_idle(bob, number)) ++number;
  broker.Restart();
  ControlPeer again(broker.socket());
  ASSERT_TRUE(again.Attach("alice", alice.session(), alice.secret()));
  ControlPeer carol(broker.socket(), "carol");
  EXPECT_TRUE(alice_is_idle(carol, 1));
  // By herself, so that what follows finds her at work whenever it comes.
  EXPECT_FALSE(alice_is_idle(again, 1000));
}

}  // namespace
}  // namespace roost
