// Who is served in a turn of the sequencer, and who has to wait for the next: a broker whose turns the test ends itself.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "broker/broker.h"
#include "broker/logging.h"
#include "broker/sequencer.h"
#include "ipc/lane.h"
#include "tests/broker/control_peer.h"

namespace roost {
namespace {

class TurnSharingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    SetLogLevel(LogLevel::kError);
    std::filesystem::create_directories(directory_);
    options_.socket = directory_ + "/roost.sock";
    options_.log.directory = directory_ + "/data";
    options_.log.ring_bytes = 4 << 20;
    options_.log.segment_bytes = 16 << 20;
    options_.log.streams_max = 1024;
  }
  ~TurnSharingTest() override {
    broker_.reset();
    std::filesystem::remove_all(directory_);
  }

  void Start() {
    Result<std::unique_ptr<Broker>> broker = Broker::Open(options_);
    ASSERT_TRUE(broker.ok()) << broker.status().message();
    broker_ = *std::move(broker);
    ASSERT_TRUE(broker_->BeginSteps().ok());
  }

  void Turn() { ASSERT_TRUE(broker_->Step(Broker::Part::kSequencer)); }
  void Turns(int count) {
    for (int i = 0; i < count; ++i) Turn();
  }

  // A client that has attached and asks nothing at the moment, as the broker knows.
  struct Joined {
    std::unique_ptr<ControlPeer> peer;
    std::string agent;
    uint64_t asked = 0;
  };
  Joined Join(const std::string& agent) {
    Joined joined{std::make_unique<ControlPeer>(options_.socket), agent};
    joined.peer->Send(joined.peer->encoder().Attach(agent, "test 1", 0, {}));
    Turns(2);
    const wire::Reply* reply = joined.peer->Receive(0);
    EXPECT_TRUE(reply != nullptr && reply->body_as_Attached() != nullptr);
    Ask(&joined, 1);
    Turn();
    EXPECT_EQ(Answers(joined).size(), 1u);
    return joined;
  }
  std::vector<Joined> JoinMany(size_t count) {
    std::vector<Joined> many;
    while (many.size() < count) many.push_back(Join("bulk"));
    return many;
  }

  static void Ask(Joined* joined, uint64_t times) {
    for (uint64_t i = 0; i < times; ++i) {
      RequestEncoder& encoder = joined->peer->encoder();
      encoder.BeginAppend();
      encoder.AddEvent({.stream = "s", .type = "t", .agent = joined->agent, .data = "1"});
      ASSERT_TRUE(joined->peer->Send(encoder.FinishAppend(++joined->asked)));
    }
  }
  // The sequences of the events that have been appended for it, and of which it was not told yet.
  static std::vector<uint64_t> Answers(const Joined& joined) {
    std::vector<uint64_t> sequences;
    while (const wire::Reply* reply = joined.peer->Receive(0)) {
      EXPECT_EQ(reply->body_type(), wire::ReplyBody::Appended);
      sequences.push_back(reply->body_as_Appended()->sequence());
    }
    return sequences;
  }

  const std::string directory_ =
      ::testing::TempDir() + "/turn_sharing_test." + std::to_string(::getpid());
  BrokerOptions options_;
  std::unique_ptr<Broker> broker_;
};

TEST_F(TurnSharingTest, ServesWhoAsksLittleBeforeAllThatOthersAskFor) {
  Start();
  Joined polite = Join("polite");
  std::vector<Joined> many = JoinMany(40);
  for (Joined& one : many) Ask(&one, 40);
  Turn();  // in which they are found out
  for (Joined& one : many) (void)Answers(one);
  for (int round = 0; round < 10; ++round) {
    const uint64_t head = broker_->head();
    Ask(&polite, 1);
    Turn();
    EXPECT_EQ(Answers(polite), std::vector<uint64_t>{head + 1});
    size_t answers = 0;
    for (Joined& one : many) answers += Answers(one).size();
    EXPECT_GT(answers, 0u);
    EXPECT_LT(answers, Sequencer::kBulkMessagesPerTurn + Sequencer::kMessagesPerTurn);
  }
}

TEST_F(TurnSharingTest, ServesThoseWhoAskForMuchInTurn) {
  Start();
  std::vector<Joined> many = JoinMany(20);
  for (Joined& one : many) Ask(&one, 100);
  Turn();
  std::vector<size_t> answered(many.size());
  for (int turn = 0; turn < 30; ++turn) {
    Turn();
    for (size_t i = 0; i < many.size(); ++i) answered[i] += Answers(many[i]).size();
  }
  const auto [least, most] = std::minmax_element(answered.begin(), answered.end());
  EXPECT_GT(*least, 0u);
  EXPECT_LE(*most - *least, Sequencer::kMessagesPerTurn);
}

TEST_F(TurnSharingTest, ServesWhoAsksLittleAgainWhenItsManyRequestsAreDone) {
  Start();
  Joined reformed = Join("reformed");
  std::vector<Joined> many = JoinMany(20);
  Ask(&reformed, 30);
  Turns(4);
  EXPECT_EQ(Answers(reformed).size(), 30u);
  for (Joined& one : many) Ask(&one, 40);
  Turn();
  const uint64_t head = broker_->head();
  Ask(&reformed, 1);
  Turn();
  EXPECT_EQ(Answers(reformed), std::vector<uint64_t>{head + 1});
}

TEST_F(TurnSharingTest, ServesWhoAsksLittleBeforeLanesThatAreFull) {
  Start();
  Joined polite = Join("polite");
  constexpr size_t kLanes = 20;
  std::vector<Joined> many = JoinMany(kLanes);
  std::vector<Mapping> memory;
  std::vector<LaneProducer> lanes;
  std::vector<LaneConsumer> answers;
  for (Joined& one : many) {
    one.peer->Send(one.peer->encoder().OpenLane(++one.asked));
    Turn();
    const wire::Reply* reply = one.peer->Receive(0);
    ASSERT_TRUE(reply != nullptr && reply->body_as_LaneOpened() != nullptr);
    Result<Mapping> lane = OpenLane(one.peer->received_fd());
    ASSERT_TRUE(lane.ok()) << lane.status().message();
    lanes.push_back(RequestProducer(*lane));
    answers.push_back(AnswerConsumer(*lane));
    memory.push_back(*std::move(lane));
  }
  std::vector<size_t> answered(kLanes);
  std::vector<uint64_t> buffer(kLaneAnswerMax / sizeof(uint64_t));
  for (int round = 0; round < 50; ++round) {
    for (size_t i = 0; i < kLanes; ++i) {
      for (int more = 0; more < 10; ++more) {
        RequestEncoder& encoder = many[i].peer->encoder();
        encoder.BeginAppend();
        encoder.AddEvent({.stream = "s", .type = "t", .agent = "bulk", .data = "1"});
        lanes[i].Put(encoder.FinishAppend(++many[i].asked));
      }
      if (lanes[i].Publish()) many[i].peer->Send(many[i].peer->encoder().LaneBell());
    }
    if (round == 0) Turn();  // in which they are found out
    const uint64_t head = broker_->head();
    Ask(&polite, 1);
    Turn();
    EXPECT_EQ(Answers(polite), std::vector<uint64_t>{head + 1});
    EXPECT_LE(broker_->head() - head, 1 + Sequencer::kBulkMessagesPerTurn + Sequencer::kMessagesPerTurn);
    EXPECT_EQ(broker_->NextStepNs(Broker::Part::kSequencer), 0u) << "there are more";
    for (size_t i = 0; i < kLanes; ++i) {
      size_t size = 0;
      auto* const to = reinterpret_cast<std::byte*>(buffer.data());
      while (answers[i].Take(to, kLaneAnswerMax, &size) == LaneOutcome::kDone) ++answered[i];
    }
  }
  const auto [least, most] = std::minmax_element(answered.begin(), answered.end());
  EXPECT_GT(*least, 50u);
  EXPECT_LE(*most - *least, 2 * Sequencer::kMessagesPerTurn);
}

TEST_F(TurnSharingTest, LetsInAFewAtATime) {
  Start();
  Joined polite = Join("polite");
  std::vector<std::unique_ptr<ControlPeer>> coming;
  for (size_t i = 0; i < 100; ++i) {
    coming.push_back(std::make_unique<ControlPeer>(options_.socket));
    coming.back()->Send(coming.back()->encoder().Attach("newcomer", "test 1", 0, {}));
  }
  size_t attached = 0;
  for (int turn = 0; attached < coming.size(); ++turn) {
    ASSERT_LT(turn, 20);
    const uint64_t head = broker_->head();
    Ask(&polite, 1);
    Turn();
    EXPECT_EQ(Answers(polite), std::vector<uint64_t>{head + 1});
    size_t now = 0;
    for (const auto& peer : coming) {
      const wire::Reply* reply = peer->Receive(0);
      now += reply != nullptr && reply->body_as_Attached() != nullptr;
    }
    EXPECT_LE(now, Sequencer::kBulkMessagesPerTurn);
    attached += now;
  }
}

TEST_F(TurnSharingTest, LetsAFewLeaveAtATime) {
  Start();
  Joined polite = Join("polite");
  std::vector<Joined> many = JoinMany(100);
  const uint64_t before = broker_->head();
  many.clear();
  uint64_t asked = 0;
  while (broker_->head() < before + 100 + asked) {
    ASSERT_LT(asked, 40u);
    const uint64_t head = broker_->head();
    Ask(&polite, 1);
    ++asked;
    Turn();
    EXPECT_EQ(Answers(polite), std::vector<uint64_t>{head + 1});
    EXPECT_LE(broker_->head() - head, 1 + Sequencer::kLeavesPerTurn);
  }
  // They are all out, though nothing comes in any more.
  EXPECT_GT(broker_->NextStepNs(Broker::Part::kSequencer), MonotonicNs());
}

}  // namespace
}  // namespace roost
