// The broker's monitor and its mailbox, without a broker: what is saved, what is told, and what a log that takes no events does
// with it.
#include "broker/sla/monitor.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "broker/id_table.h"
#include "broker/reply_builder.h"
#include "broker/sequencer_turn.h"
#include "tests/broker/scripted_log.h"
#include "tests/support/deadline.h"
#include "tests/support/scratch.h"

namespace roost {
namespace {

constexpr std::array<uint8_t, 16> kLogId = {1, 2, 3};

class MonitorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Result<CountersWriter> made =
        CountersWriter::Create(counters_path_, {kLogId.data(), Durability::kProcess, ""});
    ASSERT_TRUE(made.ok()) << made.status().message();
    counters_.emplace(*std::move(made));
    turn_.emplace(&log_, &ids_, &*counters_, &replies_);
    own_events_.emplace(&log_, &*turn_);
  }

  std::unique_ptr<Monitor> Make(const LastLife& last) {
    std::vector<ObjectiveSpec> objectives;
    EXPECT_TRUE(AddObjective("availability 99.9% over 1m", &objectives).ok());  // 60 ms
    return std::make_unique<Monitor>(
        Monitor::Parts{&*counters_, counters_path_, state_path_, kLogId}, std::move(objectives), last);
  }
  // The last broker died so long ago.
  static LastLife DeadFor(uint64_t ns) {
    return {.ended_cleanly = false, .last_event_ns = WallNs() - ns};
  }
  std::vector<DownTime> SavedDownTimes() {
    const Result<MonitorState> state = LoadMonitorState(state_path_, kLogId.data());
    EXPECT_TRUE(state.ok()) << state.status().message();
    return state.ok() ? state->down : std::vector<DownTime>();
  }

  // As the sequencer does it in each turn.
  void TakeTurn(Mailbox* mailbox) {
    own_events_->StageWaiting();
    pollfd ready{mailbox->fd(), POLLIN, 0};
    if (::poll(&ready, 1, 0) == 1) mailbox->Deliver(&*own_events_);
    turn_->Finish();
  }
  static SlaEvent Event(std::string data) { return {kBreachedType, std::move(data), "a line"}; }

  ScratchDirectory scratch_;
  const std::string counters_path_ = scratch_ / "counters";
  const std::string state_path_ = scratch_ / "monitor";
  std::optional<CountersWriter> counters_;
  ScriptedLog log_;
  IdTable ids_;
  ReplyBuilder replies_;
  std::optional<SequencerTurn> turn_;
  std::optional<OwnEvents> own_events_;
};

TEST_F(MonitorTest, SavesTheLastLifesDeathThoughItsLoopNeverBegan) {
  constexpr uint64_t kDead = 10 * kNsPerSecond;
  Make(DeadFor(kDead))->End();
  const std::vector<DownTime> first = SavedDownTimes();
  ASSERT_EQ(first.size(), 1u);
  EXPECT_GE(first[0].end_ns - first[0].begin_ns, static_cast<int64_t>(kDead));
  EXPECT_LT(first[0].end_ns - first[0].begin_ns, static_cast<int64_t>(2 * kDead));
  // The next one has it too, and adds nothing for an end that was clean.
  Make({.ended_cleanly = true, .last_event_ns = WallNs() - kDead})->End();
  const std::vector<DownTime> second = SavedDownTimes();
  ASSERT_EQ(second.size(), 1u);
  EXPECT_NEAR(static_cast<double>(second[0].begin_ns - first[0].begin_ns), 0, kNsPerMs);
}

TEST_F(MonitorTest, CountsNoTimeBeforeALogHasAnything) {
  Make({.ended_cleanly = false})->End();
  EXPECT_TRUE(SavedDownTimes().empty());
}

TEST_F(MonitorTest, TellsABreachOnceOverItsLives) {
  auto monitor = Make(DeadFor(10 * kNsPerSecond));
  ASSERT_TRUE(Eventually([&] {
    monitor->loop().Step(kNsPerMs);
    TakeTurn(&monitor->mailbox());
    return !log_.events().empty();
  }));
  EXPECT_EQ(log_.events()[0].stream, kSlaStream);
  EXPECT_NE(log_.events()[0].body.find("availability 99.9% over 1m"), std::string::npos);
  EXPECT_EQ(counters_->Get(Counter::kObjectivesBreached), 1u);
  EXPECT_EQ(monitor->mailbox().Committed(), 1u);
  monitor->End();
  monitor = Make({.ended_cleanly = true});
  const uint64_t judged_ns = counters_->Get(Counter::kJudgedNs);
  ASSERT_TRUE(Eventually([&] {
    monitor->loop().Step(kNsPerMs);
    TakeTurn(&monitor->mailbox());
    return counters_->Get(Counter::kJudgedNs) != judged_ns;
  }));
  EXPECT_EQ(counters_->Get(Counter::kObjectivesBreached), 1u);
  EXPECT_EQ(log_.events().size(), 1u);
}

TEST_F(MonitorTest, ItsMailKeepsItsOrderAndIsCountedWhenItIsInTheLog) {
  Mailbox mailbox;
  EXPECT_EQ(mailbox.Tell(Event("\"first\"")), 1u);
  EXPECT_EQ(mailbox.Tell(Event("\"second\"")), 2u);
  EXPECT_EQ(mailbox.Committed(), 0u);
  mailbox.Deliver(&*own_events_);
  EXPECT_EQ(mailbox.Committed(), 0u) << "staged only";
  turn_->Finish();
  EXPECT_EQ(mailbox.Committed(), 2u);
  ASSERT_EQ(log_.events().size(), 2u);
  EXPECT_NE(log_.events()[0].body.find("first"), std::string::npos);
  EXPECT_NE(log_.events()[1].body.find("second"), std::string::npos);
}

TEST_F(MonitorTest, ItsMailWaitsWhileTheDiskIsFull) {
  Mailbox mailbox;
  log_.next_commit = {StatusCode::kExhausted, "no room"};
  mailbox.Tell(Event("\"first\""));
  TakeTurn(&mailbox);
  mailbox.Tell(Event("\"second\""));
  TakeTurn(&mailbox);
  EXPECT_TRUE(log_.events().empty());
  EXPECT_TRUE(own_events_->HasWaiting());
  EXPECT_EQ(mailbox.Committed(), 0u);
  log_.next_commit = {};
  ASSERT_TRUE(Eventually([&] {
    TakeTurn(&mailbox);
    return mailbox.Committed() == 2;
  }));
  ASSERT_EQ(log_.events().size(), 2u);
  EXPECT_NE(log_.events()[0].body.find("first"), std::string::npos);
}

TEST_F(MonitorTest, ItsMailIsBoundedWhileNobodyFetchesIt) {
  Mailbox mailbox;
  for (size_t i = 1; i <= Mailbox::kWaitingMax; ++i) EXPECT_EQ(mailbox.Tell(Event("1")), i);
  EXPECT_EQ(mailbox.Tell(Event("2")), Mailbox::kWaitingMax) << "dropped, and not counted";
  TakeTurn(&mailbox);
  EXPECT_EQ(mailbox.Committed(), Mailbox::kWaitingMax);
  EXPECT_EQ(mailbox.Tell(Event("3")), Mailbox::kWaitingMax + 1);
}

}  // namespace
}  // namespace roost
