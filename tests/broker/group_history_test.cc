// Random histories of groups over a log whose commits fail now and then: after every turn, what is rebuilt from
// the log alone equals what the broker knows, and an oracle with code of its own finds nothing wrong in it.
//
// ROOST_TEST_SEED repeats one history.
#include <gtest/gtest.h>
#include <sodium.h>
#include <sys/socket.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <thread>

#include "base/clock.h"
#include "broker/coordination/coordinator.h"
#include "broker/groups/group_room.h"
#include "broker/own_event.h"
#include "log/record.h"
#include "tests/broker/scripted_log.h"
#include "tests/support/group_oracle.h"

namespace roost {
namespace {

using wire::Outcome;
using wire::RequestBody;

constexpr uint64_t kMaxTries = 3;
constexpr uint8_t kSessionKey[32] = {};

// All of a broker that groups need, made anew for each start.
struct Parts {
  Parts(LogWriter* log, CountersWriter* counters)
      : turn(log, &ids, counters, &replies),
        own_events(log, &turn),
        changes(log, &own_events, &turn, &undo),
        room({log, &sessions, &table, &changes, &waiting}, kMaxTries),
        coordinator(&turn, &undo,
                    {{&room,
                      {RequestBody::Take, RequestBody::Settle, RequestBody::Unpark,
                       RequestBody::RemoveGroup},
                      {KeptAnswer::Kind::kTaken, KeptAnswer::Kind::kSettled,
                       KeptAnswer::Kind::kUnparked, KeptAnswer::Kind::kGroupRemoved}}}) {}

  IdTable ids;
  ReplyBuilder replies;
  SessionTable sessions{kSessionKey, 1};
  GroupTable table;
  UndoLog undo;
  WaitingBudget waiting;
  SequencerTurn turn;
  OwnEvents own_events;
  ChangeWriter changes;
  GroupRoom room;
  Coordinator coordinator;
};

struct Consumer {
  uint64_t session = 0;
  Peer peer;
  UniqueFd client;
  uint64_t number = 0;
  std::vector<wire::ItemToken> tokens;  // that it got, settled or not
};

class GroupHistoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_GE(sodium_init(), 0);
    const char* given = ::getenv("ROOST_TEST_SEED");
    seed_ = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
    random_.seed(seed_);
    std::printf("ROOST_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed_));
    Result<CountersWriter> made =
        CountersWriter::Create(path_, {kSessionKey, Durability::kProcess, ""});
    ASSERT_TRUE(made.ok()) << made.status().message();
    counters_.emplace(*std::move(made));
    parts_ = std::make_unique<Parts>(&log_, &*counters_);
    for (int i = 0; i < 5; ++i) consumers_.push_back(Join());
  }
  ~GroupHistoryTest() override { ::unlink(path_.c_str()); }

  uint64_t Below(uint64_t bound) { return random_() % bound; }
  bool OneIn(uint64_t count) { return Below(count) == 0; }

  std::unique_ptr<Consumer> Join() {
    auto consumer = std::make_unique<Consumer>();
    consumer->session = ++sessions_;
    Connect(*consumer);
    Session& session = parts_->sessions.Add(consumer->session);
    session.agent = "a";
    session.peer = &consumer->peer;
    return consumer;
  }
  static void Connect(Consumer& consumer) {
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    consumer.client.Reset(pair[1]);
    consumer.peer.socket =
        std::make_shared<PeerSocket>(UniqueFd(pair[0]), PeerCredentials{7, 8, 9});
  }

  // ---- what may happen within a turn ----

  void Append() {
    const std::string stream = OneIn(2) ? "a" : "b";
    flatbuffers::FlatBufferBuilder builder;
    const EventToStage event{BuildOwnEvent(builder, stream, "t", "{}"), stream};
    BatchPlace place;
    for (uint64_t i = Below(20); i > 0; --i) {
      if (log_.Stage(std::span(&event, 1), {}, &place) != StageOutcome::kStaged) return;
      parts_->turn.NoteStaged(std::span(&event, 1));
    }
  }

  void Take(Consumer& consumer) {
    const uint32_t wait_ms = OneIn(2) ? 50'000 : 0;
    Ask(consumer, wire::CreateTakeDirect(builder_, OneIn(2) ? "a" : "b", OneIn(3) ? "g" : "h",
                                         OneIn(2), static_cast<uint32_t>(1 + Below(12)),
                                         static_cast<uint32_t>(100 + Below(900)), wait_ms));
  }

  void Settle(Consumer& consumer) {
    std::vector<wire::ItemToken> tokens;
    while (!consumer.tokens.empty() && tokens.size() < 30 && !OneIn(8)) {
      const size_t index = Below(consumer.tokens.size());
      tokens.push_back(consumer.tokens[index]);
      // Some are settled once more later.
      if (!OneIn(5)) consumer.tokens.erase(consumer.tokens.begin() + static_cast<long>(index));
    }
    if (OneIn(5)) tokens.emplace_back(Below(log_.head() + 2), static_cast<uint32_t>(Below(3)));
    if (tokens.empty()) return;
    const Outcome outcome = OneIn(3) ? Outcome::Retry : OneIn(4) ? Outcome::Park : Outcome::Done;
    Ask(consumer, wire::CreateSettleDirect(builder_, &tokens, outcome));
  }

  void Unpark(Consumer& consumer) {
    const std::vector<uint64_t> revisions{1 + Below(50), 1 + Below(50), 1 + Below(50)};
    Ask(consumer, wire::CreateUnparkDirect(builder_, OneIn(2) ? "a" : "b", OneIn(3) ? "g" : "h",
                                           OneIn(3) ? nullptr : &revisions, OneIn(3)));
  }

  // Of the third group, which little is asked of.
  void Remove(Consumer& consumer) {
    Ask(consumer, wire::CreateRemoveGroupDirect(builder_, "a", "r", nullptr));
  }
  void UseTheGroupThatIsRemoved(Consumer& consumer) {
    switch (Below(4)) {
      case 0:
        return Ask(consumer, wire::CreateTakeDirect(builder_, "a", "r", OneIn(2), 3, 200, 0));
      case 1:
        return Ask(consumer, wire::CreateUnparkDirect(builder_, "a", "r", nullptr, OneIn(3)));
      default:
        return Remove(consumer);
    }
  }

  template <typename Body>
  void Ask(Consumer& consumer, flatbuffers::Offset<Body> body) {
    builder_.Finish(wire::CreateRequest(builder_, ++consumer.number,
                                        wire::RequestBodyTraits<Body>::enum_value, body.Union()));
    Session& session = *parts_->sessions.Find(consumer.session);
    const auto* request = flatbuffers::GetRoot<wire::Request>(builder_.GetBufferPointer());
    parts_->coordinator.Handle({consumer.peer, session, consumer.number, MonotonicNs()}, *request);
    builder_.Clear();
  }

  void Leave(std::unique_ptr<Consumer>& consumer, std::string_view reason) {
    Session& session = *parts_->sessions.Find(consumer->session);
    parts_->coordinator.OnSessionEnded(session, reason);
    parts_->own_events.Add(kAgentsStream, kLeftType, "{}", session.number);
    parts_->sessions.End(session, MonotonicNs());
    // Whom the turn still owes something is kept until its end, as the sequencer does.
    gone_.push_back(std::move(consumer));
    consumer = Join();
  }

  void Step() {
    auto& consumer = consumers_[Below(consumers_.size())];
    switch (Below(16)) {
      case 0:
      case 1:
      case 2:
        return Append();
      case 3:
        return parts_->coordinator.OnTimer(MonotonicNs() + Below(600) * kNsPerMs);
      case 4:
        if (OneIn(2)) return UseTheGroupThatIsRemoved(*consumer);
        return OneIn(3) ? Leave(consumer, "left") : Unpark(*consumer);
      case 5:
        return parts_->coordinator.Cancel(*parts_->sessions.Find(consumer->session),
                                          consumer->number);
      case 6:
      case 7:
      case 8:
      case 9:
      case 10:
        return Take(*consumer);
      default:
        return Settle(*consumer);
    }
  }

  // ---- turns ----

  void TakeTurn() {
    parts_->own_events.StageWaiting();
    log_.staged_max = OneIn(5) ? 3 : SIZE_MAX;
    for (uint64_t steps = 1 + Below(6); steps > 0; --steps) Step();
    // Only what requests changed is taken back: what the broker did by itself stays, and is written later.
    parts_->turn.Finish();
    parts_->coordinator.ServeWaiting();
    for (int more = 0; more < 20 && parts_->coordinator.NextTimerNs() == 0; ++more) {
      parts_->coordinator.ServeWaiting();
    }
    gone_.clear();
    for (auto& consumer : consumers_) Receive(*consumer);
  }

  // A turn of requests alone whose commit fails.
  void FailTurn() {
    const size_t before = log_.events().size();
    log_.next_commit = {StatusCode::kExhausted, "no space left"};
    for (uint64_t steps = 1 + Below(6); steps > 0; --steps) {
      auto& consumer = consumers_[Below(consumers_.size())];
      OneIn(2) ? Take(*consumer) : OneIn(4) ? Unpark(*consumer) : Settle(*consumer);
      if (OneIn(3)) UseTheGroupThatIsRemoved(*consumer);
      if (OneIn(4)) Append();
    }
    parts_->turn.Finish();
    parts_->coordinator.ServeWaiting();
    log_.next_commit = {};
    EXPECT_EQ(log_.events().size(), before);
    for (auto& consumer : consumers_) Receive(*consumer);
  }

  void Receive(Consumer& consumer) {
    alignas(8) std::byte buffer[16384];
    while (true) {
      const Received received = ReceiveSeqpacket(consumer.client.get(), buffer, sizeof(buffer));
      if (received.outcome != SocketOutcome::kDone) return;
      const auto* reply = flatbuffers::GetRoot<wire::Reply>(buffer);
      const wire::Taken* taken = reply->body_as_Taken();
      if (taken == nullptr || taken->items() == nullptr) continue;
      for (uint32_t i = 0; i < taken->items()->size(); ++i) {
        consumer.tokens.emplace_back(taken->lease(), i);
      }
    }
  }

  void Rebuild(GroupTable* table) {
    for (size_t i = 0; i < log_.events().size(); ++i) {
      const ScriptedLog::Event& event = log_.events()[i];
      if (!event.stream.starts_with('$')) continue;
      RecordHeader header{};
      header.sequence = i + 1;
      header.session = event.origin.session;
      header.request = event.origin.request;
      table->OnOwnEvent(header, *DecodeEventBody(AsBytes(event.body)));
    }
  }

  void ExpectRebuilt() {
    GroupTable rebuilt;
    Rebuild(&rebuilt);
    ASSERT_TRUE(rebuilt.Equals(parts_->table)) << "after " << log_.head() << " events";
  }

  // The broker is gone, and another one begins with what the log says.
  void Crash() {
    parts_ = std::make_unique<Parts>(&log_, &*counters_);
    Rebuild(&parts_->table);
    for (auto& consumer : consumers_) {
      Connect(*consumer);
      Session& session = parts_->sessions.Add(consumer->session);
      session.agent = "a";
      session.peer = &consumer->peer;
    }
    parts_->coordinator.OnStarted(MonotonicNs());
    for (auto& consumer : consumers_) {
      if (OneIn(3)) Leave(consumer, "broker restarted");
    }
    parts_->turn.Finish();
  }

  void See() {
    for (; seen_ < log_.events().size(); ++seen_) {
      const ScriptedLog::Event& event = log_.events()[seen_];
      const wire::Event& body = *DecodeEventBody(AsBytes(event.body));
      oracle_.See(seen_ + 1, event.origin.session, event.stream, body.type()->str(),
                  std::string(DataOf(body)));
    }
  }

  const std::string path_ =
      ::testing::TempDir() + "/group_history_test." + std::to_string(::getpid());
  uint64_t seed_ = 0;
  std::mt19937_64 random_;
  std::optional<CountersWriter> counters_;
  ScriptedLog log_;
  std::unique_ptr<Parts> parts_;
  std::vector<std::unique_ptr<Consumer>> consumers_, gone_;
  uint64_t sessions_ = 0;
  flatbuffers::FlatBufferBuilder builder_;
  GroupOracle oracle_{kMaxTries};
  size_t seen_ = 0;
};

TEST_F(GroupHistoryTest, IsRebuiltFromTheLogAsItWas) {
  SCOPED_TRACE("ROOST_TEST_SEED=" + std::to_string(seed_));
  for (int turn = 0; turn < 1500; ++turn) {
    OneIn(4) ? FailTurn() : TakeTurn();
    if (OneIn(25)) Crash();
    See();
    ASSERT_TRUE(oracle_.violations().empty()) << oracle_.violations().front();
    // All of it each time would be quadratic.
    if (turn < 300 || OneIn(20)) ExpectRebuilt();
    if (HasFatalFailure()) return;
  }
  ExpectRebuilt();
  for (const auto& [name, seen] : oracle_.groups()) {
    const size_t slash = name.rfind('/');
    const Group* group = parts_->table.Find({name.substr(0, slash), name.substr(slash + 1)});
    ASSERT_NE(group, nullptr) << name;
    EXPECT_EQ(group->state.checkpoint(), seen.checkpoint()) << name;
    EXPECT_EQ(group->state.next(), seen.next) << name;
    EXPECT_EQ(group->state.taken(), seen.Count(GroupOracle::State::kTaken)) << name;
    EXPECT_EQ(group->state.returned(), seen.Count(GroupOracle::State::kReturned)) << name;
    EXPECT_EQ(group->state.parked(), seen.Count(GroupOracle::State::kParked)) << name;
    EXPECT_TRUE(name.ends_with("/r") || seen.Count(GroupOracle::State::kDone) > 0) << name;
  }
  EXPECT_EQ(parts_->table.size(), oracle_.groups().size());
  EXPECT_GE(oracle_.groups().size(), 4u);
  EXPECT_GT(oracle_.removed(), 0u);
}

// What a consumer held that left is free at once, and the log hears of it when it takes events again.
TEST_F(GroupHistoryTest, WritesWhatItTookBackOnceTheLogTakesItAgain) {
  while (consumers_[0]->tokens.empty()) {
    Append();
    Take(*consumers_[0]);
    parts_->turn.Finish();
    Receive(*consumers_[0]);
  }
  log_.next_commit = {StatusCode::kExhausted, "no space left"};
  Leave(consumers_[0], "left");
  parts_->turn.Finish();
  log_.next_commit = {};
  EXPECT_TRUE(parts_->own_events.HasWaiting());
  while (parts_->own_events.HasWaiting() || log_.HasStaged()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    parts_->own_events.StageWaiting();
    parts_->turn.Finish();
  }
  ExpectRebuilt();
}

// What could not be handed to the first is there for the second.
TEST_F(GroupHistoryTest, ServesTheNextWhoWaitsWhenACommitFails) {
  const auto wait = [&](Consumer& consumer) {
    Ask(consumer, wire::CreateTakeDirect(builder_, "a", "g", false, 500, 1000, 50'000));
    parts_->turn.Finish();
  };
  wait(*consumers_[0]);
  wait(*consumers_[1]);
  while (log_.RevisionOf("a") == 0) Append();
  parts_->turn.Finish();
  log_.next_commit = {StatusCode::kExhausted, "no space left"};
  parts_->room.ServeWaiting();
  parts_->turn.Finish();
  log_.next_commit = {};
  parts_->coordinator.ServeWaiting();
  Receive(*consumers_[0]);
  Receive(*consumers_[1]);
  EXPECT_TRUE(consumers_[0]->tokens.empty());
  EXPECT_FALSE(consumers_[1]->tokens.empty());
}

}  // namespace
}  // namespace roost
