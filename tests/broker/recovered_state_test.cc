#include "broker/recovered_state.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <string>

#include "base/clock.h"
#include "broker/own_event.h"
#include "ipc/messages.h"

namespace roost {
namespace {

class RecoveredStateTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_GE(sodium_init(), 0); }

  // An event of the broker's own, at the next sequence.
  uint64_t Own(std::string_view type, uint64_t session, std::string_view data = "{}") {
    RecordHeader header{};
    header.sequence = ++sequence_;
    header.session = session;
    header.time_ns = WallNs();
    header.batch_count = 1;
    recovered_.OnEvent(header, BuildOwnEvent(builder_, kAgentsStream, type, data));
    return sequence_;
  }
  uint64_t Join() { return Own(kJoinedType, 0, JoinedData(R"("agent":"a")")); }

  // A batch of so many events in stream "s".
  void Batch(uint64_t session, uint64_t request, uint16_t count, std::string_view id = "",
             uint64_t time_ns = WallNs()) {
    for (uint16_t i = 0; i < count; ++i) {
      RequestEncoder encoder;
      encoder.BeginAppend();
      encoder.AddEvent({.stream = "s", .type = "t", .agent = "a", .id = i == 0 ? id : ""});
      const Bytes message = encoder.FinishAppend(1);
      const auto* body =
          wire::GetRequest(message.data())->body_as_Append()->events()->Get(0)->event();
      RecordHeader header{};
      header.sequence = ++sequence_;
      header.revision = ++revision_;
      header.session = session;
      header.request = request;
      header.time_ns = time_ns;
      header.uid = 7;
      header.batch_index = i;
      header.batch_count = count;
      header.flags = i == 0 && !id.empty() ? kRecordHasId : 0;
      recovered_.OnEvent(header, std::as_bytes(std::span(body->data(), body->size())));
    }
  }

  SessionTable& Filled() {
    recovered_.FillSessions(&sessions_);
    return sessions_;
  }
  const UsedId* Find(std::string_view id) {
    return ids_.Find(ids_.KeyOf("s", id), static_cast<int64_t>(MonotonicNs()));
  }

  static constexpr uint8_t kKey[32] = {};
  IdTable ids_;
  RecoveredState recovered_{&ids_};
  SessionTable sessions_{kKey, 1};
  flatbuffers::FlatBufferBuilder builder_;
  uint64_t sequence_ = 0;
  uint64_t revision_ = 0;
};

TEST_F(RecoveredStateTest, KnowsWhoHadNotLeft) {
  const uint64_t alice = Join();
  const uint64_t bob = Join();
  Own(kLeftType, bob);
  Filled();
  EXPECT_EQ(sessions_.away(), 1u);
  EXPECT_EQ(sessions_.Find(alice)->state, Session::State::kAway);
  EXPECT_EQ(sessions_.Find(alice)->identity, R"("agent":"a")");
  EXPECT_EQ(sessions_.Find(bob)->state, Session::State::kEnded);
}

TEST_F(RecoveredStateTest, KnowsWhoCameBack) {
  const uint64_t alice = Join();
  Own(kLeftType, alice);
  Own(kRejoinedType, alice, SessionData(alice, R"("agent":"b")", ""));
  Filled();
  EXPECT_EQ(sessions_.Find(alice)->state, Session::State::kAway);
  EXPECT_EQ(sessions_.Find(alice)->identity, R"("agent":"b")");
}

TEST_F(RecoveredStateTest, KnowsWhoLeftTwice) {
  const uint64_t alice = Join();
  Own(kLeftType, alice);
  Own(kRejoinedType, alice);
  Own(kLeftType, alice);
  Filled();
  EXPECT_EQ(sessions_.Find(alice)->state, Session::State::kEnded);
  EXPECT_EQ(sessions_.ended(), 1u);
}

TEST_F(RecoveredStateTest, KeepsOthersHoweverOftenOneComesAndGoes) {
  const uint64_t alice = Join(), bob = Join();
  Own(kLeftType, alice);
  for (size_t i = 0; i < 2 * SessionTable::kEndedMax; ++i) {
    Own(kLeftType, bob);
    Own(kRejoinedType, bob);
  }
  Own(kLeftType, bob);
  Filled();
  EXPECT_NE(sessions_.Find(alice), nullptr);
  EXPECT_NE(sessions_.Find(bob), nullptr);
}

TEST_F(RecoveredStateTest, KnowsLabels) {
  const std::string identity = SessionIdentity(R"(a"\b)", "client", PeerCredentials{});
  const uint64_t alice = Own(kJoinedType, 0, JoinedData(identity));
  const uint64_t nobody = Own(kJoinedType, 0, "{}");
  Filled();
  EXPECT_EQ(sessions_.Find(alice)->agent, R"(a"\b)");
  EXPECT_EQ(sessions_.Find(nobody)->agent, "");
}

TEST_F(RecoveredStateTest, KnowsAnswers) {
  const uint64_t alice = Join();
  Batch(alice, 5, 3);
  Batch(alice, 4, 1);  // a request that came again out of order
  Filled();
  const AnswerWindow& answers = sessions_.Find(alice)->answers;
  EXPECT_EQ(answers.highest(), 5u);
  ASSERT_EQ(answers.Look(5), AnswerWindow::State::kKept);
  EXPECT_EQ(answers.Get(5).first, 2u);
  EXPECT_EQ(answers.Get(5).last, 4u);
  EXPECT_EQ(answers.Get(5).count, 3u);
  EXPECT_EQ(answers.Get(5).revision, 3u);
  EXPECT_FALSE(answers.Get(5).pending);
  EXPECT_EQ(answers.Look(4), AnswerWindow::State::kKept);
  EXPECT_EQ(answers.Look(3), AnswerWindow::State::kNew);
}

TEST_F(RecoveredStateTest, KeepsTheAnswersOfWhoLeft) {
  const uint64_t alice = Join();
  Batch(alice, 1, 1);
  Own(kLeftType, alice);
  Filled();
  EXPECT_EQ(sessions_.Find(alice)->answers.Look(1), AnswerWindow::State::kKept);
}

TEST_F(RecoveredStateTest, TakesEventsOfSessionsItDoesNotKnow) {
  Batch(1234, 1, 2);
  Own(kLeftType, 1234);
  EXPECT_EQ(Filled().Find(1234), nullptr);
}

TEST_F(RecoveredStateTest, KnowsTheIdsOfWholeBatches) {
  const uint64_t alice = Join();
  Batch(alice, 1, 3, "id");
  const UsedId* used = Find("id");
  ASSERT_NE(used, nullptr);
  EXPECT_EQ(used->first, 2u);
  EXPECT_EQ(used->last, 4u);
  EXPECT_EQ(used->count, 3u);
  Batch(alice, 2, 1);
  EXPECT_EQ(ids_.size(), 1u);
}

TEST_F(RecoveredStateTest, ForgetsIdsThatAreTooOld) {
  Batch(Join(), 1, 1, "id", WallNs() - 2 * IdTable::Limits().age_ns_max);
  EXPECT_EQ(Find("id"), nullptr);
  EXPECT_EQ(ids_.size(), 0u);
}

TEST_F(RecoveredStateTest, ForgetsTheOldestOfVeryManyWhoNeverLeft) {
  const size_t many = RecoveredState::kJoinedMax + SessionTable::kEndedMax + 1;
  for (size_t i = 0; i < many; ++i) Join();
  Filled();
  EXPECT_EQ(sessions_.Find(1), nullptr);
  EXPECT_NE(sessions_.Find(many), nullptr);
  EXPECT_LE(sessions_.away(), RecoveredState::kJoinedMax);
}

}  // namespace
}  // namespace roost
