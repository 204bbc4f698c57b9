// The whole broker, spoken to over its socket.
#include "broker/broker.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/stat.h>

#include <filesystem>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "broker/waker.h"
#include "ipc/socket_path.h"
#include "log/record.h"
#include "log/ring_reader.h"
#include "tests/broker/control_peer.h"
#include "tests/broker/running_broker.h"

namespace roost {
namespace {

using wire::RefusalCode;

class BrokerTest : public ::testing::Test {
 protected:
  void SetUp() override { broker_.Start(); }

  // The types of the broker's own events in `stream`, in order, with the session of each.
  struct OwnEvent {
    std::string type;
    uint64_t session;
    std::string data;
    bool operator==(const OwnEvent&) const = default;
  };
  std::vector<OwnEvent> EventsOf(const ControlPeer& peer, const std::string& stream) {
    std::vector<OwnEvent> events;
    const Result<RingReader> ring = RingReader::Open(peer.ring());
    EXPECT_TRUE(ring.ok()) << ring.status().message();
    for (uint64_t sequence = 1; sequence <= ring->head(); ++sequence) {
      RecordHeader header;
      uint64_t position;
      std::vector<std::byte> record;
      EXPECT_EQ(ring->ReadHeader(sequence, &header, &position), RingReader::Outcome::kEvent);
      EXPECT_EQ(ring->ReadRecordAt(position, &record), RingReader::Outcome::kEvent);
      const wire::Event* event =
          DecodeEventBody(Bytes(record).subspan(kRecordHeaderBytes, header.body_length));
      if (event->stream()->string_view() != stream) continue;
      const auto* data = event->data();
      events.push_back({event->type()->str(), header.session,
                        data == nullptr ? ""
                                        : std::string(reinterpret_cast<const char*>(data->data()),
                                                      data->size())});
    }
    return events;
  }

  static RefusalCode CodeOf(const wire::Reply* reply) {
    if (reply == nullptr || reply->body_as_Refused() == nullptr) {
      ADD_FAILURE() << "not refused";
      return RefusalCode::Invalid;
    }
    return reply->body_as_Refused()->code();
  }

  RunningBroker broker_;
};

TEST_F(BrokerTest, AttachesAndHandsTheRingOut) {
  ControlPeer peer(broker_.socket(), "alice");
  EXPECT_GT(peer.session(), 0u);
  EXPECT_FALSE(peer.resumed());
  EXPECT_TRUE(RingReader::Open(peer.ring()).ok());
  const auto events = EventsOf(peer, "$agents");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].type, "agent.joined");
  EXPECT_TRUE(events[0].data.starts_with(R"({"agent":"alice","client":"test 1","pid":)"));
}

TEST_F(BrokerTest, AppendsAnEventThatReadersSee) {
  ControlPeer peer(broker_.socket(), "alice");
  const wire::Reply* reply = peer.Append(1, "s");
  ASSERT_NE(reply, nullptr);
  EXPECT_EQ(reply->number(), 1u);
  const wire::Appended* appended = reply->body_as_Appended();
  ASSERT_NE(appended, nullptr);
  EXPECT_EQ(appended->count(), 1u);
  EXPECT_EQ(appended->revision(), 1u);
  EXPECT_EQ(appended->first(), appended->sequence());
  EXPECT_FALSE(appended->duplicate());
  EXPECT_EQ(appended->head(), appended->sequence());
  const auto events = EventsOf(peer, "s");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0], (OwnEvent{"t", peer.session(), "{}"}));
}

TEST_F(BrokerTest, AppendsABatchOverStreamsSideBySide) {
  ControlPeer peer(broker_.socket(), "alice");
  const wire::Appended* appended =
      peer.Append(1, {{"a", "1"}, {"b", "2"}, {"a", "3"}})->body_as_Appended();
  ASSERT_NE(appended, nullptr);
  EXPECT_EQ(appended->count(), 3u);
  EXPECT_EQ(appended->sequence(), appended->first() + 2);
  EXPECT_EQ(appended->revision(), 2u);
}

TEST_F(BrokerTest, AnswersWithTheFirstConditionThatFails) {
  ControlPeer peer(broker_.socket(), "alice");
  peer.Append(1, "a");
  const wire::Reply* reply =
      peer.Append(2, {{"x", "1"}}, {.conditions = {{"a", 1}, {"b", 3}, {"a", 0}}});
  const wire::Conflict* conflict = reply->body_as_Conflict();
  ASSERT_NE(conflict, nullptr);
  EXPECT_EQ(conflict->stream()->str(), "b");
  EXPECT_EQ(conflict->expect(), 3u);
  EXPECT_EQ(conflict->revision(), 0u);
  EXPECT_TRUE(EventsOf(peer, "x").empty());
}

TEST_F(BrokerTest, AppendsWhenConditionsOnOtherStreamsHold) {
  ControlPeer peer(broker_.socket(), "alice");
  peer.Append(1, "a");
  EXPECT_NE(
      peer.Append(2, {{"x", "1"}}, {.conditions = {{"a", 1}, {"b", 0}, {"x", 0}, {"$agents", 1}}})
          ->body_as_Appended(),
      nullptr);
}

TEST_F(BrokerTest, LetsExactlyOneOfManyWinARevision) {
  std::vector<std::unique_ptr<ControlPeer>> peers;
  for (int i = 0; i < 8; ++i) {
    peers.push_back(std::make_unique<ControlPeer>(broker_.socket(), "agent" + std::to_string(i)));
  }
  for (uint64_t round = 0; round < 20; ++round) {
    for (auto& peer : peers) {
      peer->Send(
          peer->AppendMessage(round + 1, {{"prize", "1"}}, {.conditions = {{"prize", round}}}));
    }
    int winners = 0;
    for (auto& peer : peers) winners += peer->Receive()->body_as_Appended() != nullptr;
    ASSERT_EQ(winners, 1) << round;
  }
}

TEST_F(BrokerTest, AnswersAUsedIdWithTheFirstAnswer) {
  ControlPeer peer(broker_.socket(), "alice");
  const uint64_t first = peer.Append(1, {{"s", "1"}}, {.id = "a"})->body_as_Appended()->sequence();
  // Checked before what is expected.
  const wire::Appended* again =
      peer.Append(2, {{"s", "1"}}, {.id = "a", .conditions = {{"s", 0}}})->body_as_Appended();
  ASSERT_NE(again, nullptr);
  EXPECT_TRUE(again->duplicate());
  EXPECT_EQ(again->sequence(), first);
  EXPECT_EQ(EventsOf(peer, "s").size(), 1u);
}

TEST_F(BrokerTest, RefusesAUsedIdWithOtherContent) {
  ControlPeer peer(broker_.socket(), "alice");
  peer.Append(1, {{"s", "1"}}, {.id = "a"});
  EXPECT_EQ(CodeOf(peer.Append(2, {{"s", "2"}}, {.id = "a"})), RefusalCode::IdReused);
  EXPECT_NE(peer.Append(3, {{"other", "2"}}, {.id = "a"})->body_as_Appended(), nullptr);
}

TEST_F(BrokerTest, KnowsUsedIdsAfterARestart) {
  {
    ControlPeer peer(broker_.socket(), "alice");
    peer.Append(1, {{"s", "1"}, {"t", "2"}}, {.id = "a"});
  }
  broker_.Restart();
  ControlPeer peer(broker_.socket(), "bob");
  const wire::Appended* again =
      peer.Append(1, {{"s", "1"}, {"t", "2"}}, {.id = "a"})->body_as_Appended();
  ASSERT_NE(again, nullptr);
  EXPECT_TRUE(again->duplicate());
  EXPECT_EQ(again->count(), 2u);
}

TEST_F(BrokerTest, RepeatsAnAnswerThatIsAskedForAgain) {
  ControlPeer peer(broker_.socket(), "alice");
  const uint64_t first = peer.Append(1, "s")->body_as_Appended()->sequence();
  const wire::Appended* again = peer.Append(1, "s")->body_as_Appended();
  EXPECT_EQ(again->sequence(), first);
  EXPECT_FALSE(again->duplicate());
  EXPECT_EQ(EventsOf(peer, "s").size(), 1u);
}

TEST_F(BrokerTest, RepeatsAConflict) {
  ControlPeer peer(broker_.socket(), "alice");
  const AppendOptions options{.conditions = {{"a", 0}, {"b", 1}}};
  ASSERT_NE(peer.Append(1, {{"s", "1"}}, options)->body_as_Conflict(), nullptr);
  peer.Append(2, "b");
  const wire::Conflict* again = peer.Append(1, {{"s", "1"}}, options)->body_as_Conflict();
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(again->stream()->str(), "b");
}

TEST_F(BrokerTest, DoesARequestOnceThatIsSentTwiceAtATime) {
  ControlPeer peer(broker_.socket(), "alice");
  const Bytes message = peer.AppendMessage(1, "s");
  peer.Send(message);
  peer.Send(message);
  const uint64_t first = peer.Receive()->body_as_Appended()->sequence();
  EXPECT_EQ(peer.Receive()->body_as_Appended()->sequence(), first);
  EXPECT_EQ(EventsOf(peer, "s").size(), 1u);
}

TEST_F(BrokerTest, RefusesNumbersWhoseAnswersAreNotKept) {
  ControlPeer peer(broker_.socket(), "alice");
  peer.Append(100, "s");
  EXPECT_EQ(CodeOf(peer.Append(36, "s")), RefusalCode::TooOld);
  EXPECT_EQ(CodeOf(peer.Append(0, "s")), RefusalCode::Invalid);
  EXPECT_NE(peer.Append(37, "s")->body_as_Appended(), nullptr);
}

TEST_F(BrokerTest, TakesASessionUpAgainWithItsAnswers) {
  ControlPeer peer(broker_.socket(), "alice");
  const uint64_t first = peer.Append(7, "s")->body_as_Appended()->sequence();
  peer.HangUp();
  ControlPeer again(broker_.socket());
  ASSERT_TRUE(again.Attach("alice", peer.session(), peer.secret()));
  EXPECT_TRUE(again.resumed());
  EXPECT_EQ(again.session(), peer.session());
  EXPECT_EQ(again.answered(), 7u);
  EXPECT_EQ(again.Append(7, "s")->body_as_Appended()->sequence(), first);
}

TEST_F(BrokerTest, ClosesTheOlderConnectionOfASessionThatIsTakenUp) {
  ControlPeer peer(broker_.socket(), "alice");
  ControlPeer again(broker_.socket());
  ASSERT_TRUE(again.Attach("alice", peer.session(), peer.secret()));
  EXPECT_TRUE(again.resumed());
  EXPECT_TRUE(peer.Ends());
  EXPECT_NE(again.Append(1, "s")->body_as_Appended(), nullptr);
  // It never left.
  EXPECT_EQ(EventsOf(again, "$agents").size(), 1u);
}

TEST_F(BrokerTest, DisturbsNobodyForAWrongSecret) {
  ControlPeer peer(broker_.socket(), "alice");
  std::vector<std::byte> wrong(peer.secret().begin(), peer.secret().end());
  wrong[31] ^= std::byte{1};
  ControlPeer other(broker_.socket());
  ASSERT_TRUE(other.Attach("alice", peer.session(), wrong));
  EXPECT_FALSE(other.resumed());
  EXPECT_NE(other.session(), peer.session());
  EXPECT_NE(peer.Append(1, "s")->body_as_Appended(), nullptr);
}

TEST_F(BrokerTest, TakesASessionUpAfterARestartWithItsAnswers) {
  ControlPeer peer(broker_.socket(), "alice");
  const uint64_t first = peer.Append(7, {{"s", "1"}, {"t", "2"}})->body_as_Appended()->first();
  broker_.Restart();
  EXPECT_TRUE(peer.Ends());
  ControlPeer again(broker_.socket());
  ASSERT_TRUE(again.Attach("alice", peer.session(), peer.secret()));
  EXPECT_TRUE(again.resumed());
  EXPECT_EQ(again.Append(7, {{"s", "1"}, {"t", "2"}})->body_as_Appended()->first(), first);
  EXPECT_EQ(EventsOf(again, "s").size(), 1u);
  EXPECT_EQ(EventsOf(again, "$agents").size(), 1u);
}

TEST_F(BrokerTest, EndsASessionThatDoesNotComeBackAfterARestart) {
  ControlPeer peer(broker_.socket(), "alice");
  const uint64_t session = peer.session();
  broker_.Restart();
  ControlPeer other(broker_.socket(), "bob");
  other.Send(other.encoder().Wait(
      {.registration = 1, .after = EventsOf(other, "$agents").size() + 3, .stream = "$agents"}));
  ASSERT_NE(other.Receive(), nullptr);
  const auto events = EventsOf(other, "$agents");
  EXPECT_EQ(events.back().type, "agent.left");
  EXPECT_EQ(events.back().session, session);
  EXPECT_NE(events.back().data.find(R"("reason":"broker restarted")"), std::string::npos);
  EXPECT_NE(events.back().data.find(R"("agent":"alice")"), std::string::npos);
}

TEST_F(BrokerTest, TellsWhoJoinedLeftAndCameBack) {
  ControlPeer peer(broker_.socket(), "alice");
  peer.HangUp();
  ControlPeer again(broker_.socket());
  ASSERT_TRUE(again.Attach("alice", peer.session(), peer.secret()));
  again.Append(1, "s");
  std::vector<std::string> types;
  for (const OwnEvent& event : EventsOf(again, "$agents")) types.push_back(event.type);
  EXPECT_EQ(types, (std::vector<std::string>{"agent.joined", "agent.left", "agent.rejoined"}));
}

TEST_F(BrokerTest, TellsOfItsOwnStartAndStop) {
  broker_.Restart();
  ControlPeer peer(broker_.socket(), "alice");
  const auto events = EventsOf(peer, "$broker");
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].type, "broker.started");
  EXPECT_EQ(events[1].type, "broker.stopped");
  EXPECT_EQ(events[2].type, "broker.started");
  EXPECT_NE(events[2].data.find(R"("clean":true)"), std::string::npos) << events[2].data;
}

// ---- waiting ----

TEST_F(BrokerTest, WakesWhoWaitsForAStream) {
  ControlPeer waiting(broker_.socket(), "alice");
  ControlPeer other(broker_.socket(), "bob");
  waiting.Send(waiting.encoder().Wait({.registration = 5, .after = 1000, .stream = "s"}));
  waiting.Send(waiting.encoder().Wait({.registration = 6, .after = 0, .stream = "s"}));
  waiting.Append(1, "else");
  other.Append(1, "s");
  const wire::Reply* reply = waiting.Receive();
  ASSERT_NE(reply, nullptr);
  ASSERT_NE(reply->body_as_Woken(), nullptr);
  EXPECT_EQ(reply->body_as_Woken()->registration(), 6u);
}

TEST_F(BrokerTest, WakesAtOnceWhoIsBehind) {
  ControlPeer peer(broker_.socket(), "alice");
  peer.Append(1, "s");
  peer.Send(peer.encoder().Wait({.registration = 5, .after = 0, .stream_prefix = "s"}));
  EXPECT_EQ(peer.Receive()->body_as_Woken()->registration(), 5u);
}

TEST_F(BrokerTest, DoesNotWakeWhoCancelled) {
  ControlPeer peer(broker_.socket(), "alice");
  peer.Send(peer.encoder().Wait({.registration = 5, .after = 0, .stream = "s"}));
  peer.Send(peer.encoder().CancelWait(5));
  peer.Send(peer.encoder().Wait({.registration = 6, .after = 0, .stream = "s"}));
  // Waits are taken in order: once this one was woken, the cancellation before it is done.
  peer.Send(peer.encoder().Wait({.registration = 7, .after = 0, .stream = "other"}));
  const auto wakes = [&peer] {
    std::set<uint64_t> woken;
    for (int i = 0; i < 2; ++i) {
      const wire::Reply* reply = peer.Receive();
      if (const auto* one = reply->body_as_Woken()) woken.insert(one->registration());
    }
    return woken;
  };
  peer.Send(peer.AppendMessage(1, "other"));
  EXPECT_EQ(wakes(), std::set<uint64_t>{7});
  peer.Send(peer.AppendMessage(2, "s"));
  EXPECT_EQ(wakes(), std::set<uint64_t>{6});
  EXPECT_TRUE(peer.HasNothing());
}

TEST_F(BrokerTest, WakesAVagueWaitEachTimeHoweverOftenItAsks) {
  ControlPeer peer(broker_.socket(), "alice");
  for (uint64_t round = 1; round <= 20; ++round) {
    peer.Send(peer.AppendMessage(round, "s"));
    peer.Send(peer.encoder().Wait({.registration = round, .after = 0}));
    bool woken = false;
    for (int i = 0; i < 2; ++i) {
      const auto* one = peer.Receive()->body_as_Woken();
      woken = woken || (one != nullptr && one->registration() == round);
    }
    ASSERT_TRUE(woken) << round;
  }
}

// A wait for a prefix that was woken just now is woken again a little later, also when nothing more comes that could do it.
TEST_F(BrokerTest, WakesAVagueWaitThoughNothingComesBehind) {
  ControlPeer peer(broker_.socket(), "alice");
  ControlPeer other(broker_.socket(), "bob");
  uint64_t number = 0;
  uint64_t after = other.Append(++number, "s")->body_as_Appended()->sequence();
  for (uint64_t round = 1; round <= 200; ++round) {
    peer.Send(peer.encoder().Wait({.registration = round, .after = after, .stream_prefix = "s"}));
    other.Append(++number, "else");  // the wait is registered by then
    const wire::Reply* appended = other.Append(++number, "s");
    after = appended->body_as_Appended()->sequence();
    const wire::Reply* reply = peer.Receive();
    ASSERT_NE(reply, nullptr) << round;
    ASSERT_EQ(reply->body_as_Woken()->registration(), round);
  }
}

// Few are woken by the sequencer itself, many by another thread: now these, now those.
TEST_F(BrokerTest, WakesEachWaitOnceWhetherFewOrManyWait) {
  ControlPeer peer(broker_.socket(), "alice");
  ControlPeer other(broker_.socket(), "bob");
  uint64_t registration = 0;
  for (uint64_t round = 1; round <= 200; ++round) {
    const size_t waits = round * 7 % (3 * Waker::kFewWaits) + 1;
    std::set<uint64_t> waiting;
    for (size_t i = 0; i < waits; ++i) {
      waiting.insert(++registration);
      peer.Send(peer.encoder().Wait({.registration = registration, .after = UINT64_MAX / 2, .stream = "never"}));
    }
    const uint64_t after = other.Append(2 * round, "before")->body_as_Appended()->sequence();
    for (const uint64_t one : waiting) {
      peer.Send(peer.encoder().Wait({.registration = one, .after = after, .stream = "s"}));  // in place of the other
    }
    ASSERT_NE(other.Append(2 * round + 1, "s")->body_as_Appended(), nullptr);
    while (!waiting.empty()) {
      const wire::Reply* reply = peer.Receive();
      ASSERT_NE(reply, nullptr) << waiting.size() << " of " << waits << " are not woken in round " << round;
      ASSERT_EQ(waiting.erase(reply->body_as_Woken()->registration()), 1u) << round;
    }
  }
  EXPECT_TRUE(peer.HasNothing());
}

TEST_F(BrokerTest, LimitsTheWaitsOfASession) {
  ControlPeer peer(broker_.socket(), "alice");
  for (uint64_t i = 1; i <= kWaitsPerSessionMax; ++i) {
    peer.Send(peer.encoder().Wait({.registration = i, .after = 0, .stream = "s"}));
  }
  peer.Send(peer.encoder().Wait({.registration = 1000, .after = 0, .stream = "s"}));
  const wire::Reply* reply = peer.Receive();
  ASSERT_EQ(CodeOf(reply), RefusalCode::Busy);
  EXPECT_EQ(reply->body_as_Refused()->registration(), 1000u);
}

TEST_F(BrokerTest, RefusesWaitsThatCanNeverMatch) {
  ControlPeer peer(broker_.socket(), "alice");
  peer.Send(peer.encoder().Wait({.registration = 1, .stream = "a", .stream_prefix = "b"}));
  EXPECT_EQ(CodeOf(peer.Receive()), RefusalCode::Invalid);
  const std::vector<std::string> types(65, "t");
  peer.Send(peer.encoder().Wait({.registration = 2, .types = types}));
  EXPECT_EQ(CodeOf(peer.Receive()), RefusalCode::TooLarge);
}

// ---- other requests ----

TEST_F(BrokerTest, ListsWhoIsAttached) {
  ControlPeer alice(broker_.socket(), "alice");
  ControlPeer bob(broker_.socket(), "bob");
  ControlPeer gone(broker_.socket(), "gone");
  gone.HangUp();
  alice.Append(1, "s");
  alice.Send(alice.encoder().ListSessions(2, 0, 100));
  const wire::Sessions* list = alice.Receive()->body_as_Sessions();
  ASSERT_NE(list, nullptr);
  EXPECT_FALSE(list->more());
  std::vector<std::string> agents;
  for (const wire::SessionInfo* info : *list->sessions()) agents.push_back(info->agent()->str());
  EXPECT_EQ(agents, (std::vector<std::string>{"alice", "bob"}));
  EXPECT_EQ(list->sessions()->Get(0)->pid(), static_cast<uint32_t>(::getpid()));
  EXPECT_EQ(list->sessions()->Get(0)->uid(), ::geteuid());
  EXPECT_EQ(list->sessions()->Get(0)->requests(), 2u);
  alice.Send(alice.encoder().ListSessions(3, 0, 1));
  list = alice.Receive()->body_as_Sessions();
  EXPECT_EQ(list->sessions()->size(), 1u);
  EXPECT_TRUE(list->more());
}

TEST_F(BrokerTest, HandsOutTheSegmentOfAnEvent) {
  ControlPeer peer(broker_.socket(), "alice");
  peer.Append(1, "s");
  peer.Send(peer.encoder().FindSegment(2, 1, 0));
  const wire::Reply* reply = peer.Receive();
  ASSERT_NE(reply->body_as_Segment(), nullptr);
  EXPECT_EQ(reply->number(), 2u);
  EXPECT_EQ(reply->body_as_Segment()->base_sequence(), 1u);
  ASSERT_TRUE(peer.received_fd().valid());
  EXPECT_EQ(::fcntl(peer.received_fd().get(), F_GETFL) & O_ACCMODE, O_RDONLY);
  peer.Send(peer.encoder().FindSegment(3, 1'000'000, 0));
  EXPECT_EQ(CodeOf(peer.Receive()), RefusalCode::Invalid);
  peer.Send(peer.encoder().FindSegment(4, 1, 1));
  EXPECT_EQ(CodeOf(peer.Receive()), RefusalCode::Invalid);
}

TEST_F(BrokerTest, RefusesAnotherVersionOfTheProtocol) {
  flatbuffers::FlatBufferBuilder builder;
  const auto attach =
      wire::CreateAttach(builder, kProtocolVersion + 1, builder.CreateString("alice"));
  builder.Finish(wire::CreateRequest(builder, 0, wire::RequestBody::Attach, attach.Union()));
  ControlPeer peer(broker_.socket());
  peer.Send(std::as_bytes(std::span(builder.GetBufferPointer(), builder.GetSize())));
  EXPECT_EQ(CodeOf(peer.Receive()), RefusalCode::Incompatible);
}

TEST_F(BrokerTest, RefusesToAttachWhoHasNoProperLabel) {
  ControlPeer peer(broker_.socket());
  EXPECT_FALSE(peer.Attach("$broker"));
  EXPECT_FALSE(peer.Attach(""));
  EXPECT_FALSE(peer.Attach("a\nb"));
  EXPECT_TRUE(peer.Attach("alice"));
  EXPECT_FALSE(peer.Attach("alice"));  // once a connection
}

TEST_F(BrokerTest, RefusesRequestsBeforeAttaching) {
  ControlPeer peer(broker_.socket());
  EXPECT_EQ(CodeOf(peer.Append(1, "s")), RefusalCode::NotAllowed);
}

TEST_F(BrokerTest, DoesWhatComesRightBehindAnAttach) {
  ControlPeer peer(broker_.socket());
  peer.Send(peer.encoder().Attach("alice", "", 0, {}));
  peer.encoder().BeginAppend();
  peer.encoder().AddEvent({.stream = "s", .type = "t", .agent = "alice"});
  peer.Send(peer.encoder().FinishAppend(1));
  EXPECT_NE(peer.Receive()->body_as_Attached(), nullptr);
  EXPECT_NE(peer.Receive()->body_as_Appended(), nullptr);
}

// ---- large requests ----

TEST_F(BrokerTest, TakesARequestInAMemfd) {
  ControlPeer peer(broker_.socket(), "alice");
  const std::string data(200'000, 'x');
  const Bytes request = peer.AppendMessage(1, {{"s", data}}, {});
  const UniqueFd memfd = MakeMemfd(request);
  peer.Send(peer.encoder().InMemory(1, request.size()), memfd.get());
  ASSERT_NE(peer.Receive()->body_as_Appended(), nullptr);
  EXPECT_EQ(EventsOf(peer, "s").at(0).data, data);
}

TEST_F(BrokerTest, RefusesMemfdsThatAreNotWhatTheySay) {
  ControlPeer peer(broker_.socket(), "alice");
  const std::string data(200'000, 'x');
  const Bytes message = peer.AppendMessage(1, {{"s", data}}, {});
  const std::vector<std::byte> request(message.begin(), message.end());
  const UniqueFd memfd = MakeMemfd(request);
  const auto ask = [&](uint64_t number, uint64_t length, int fd) {
    peer.Send(peer.encoder().InMemory(number, length), fd);
    return CodeOf(peer.Receive());
  };
  EXPECT_EQ(ask(1, request.size() + 1, memfd.get()), RefusalCode::Invalid);
  EXPECT_EQ(ask(2, request.size(), memfd.get()), RefusalCode::Invalid);  // another number
  EXPECT_EQ(ask(1, request.size(), -1), RefusalCode::Invalid);
  EXPECT_EQ(ask(1, 0, memfd.get()), RefusalCode::TooLarge);
  EXPECT_EQ(ask(1, UINT64_MAX, memfd.get()), RefusalCode::TooLarge);
  EXPECT_NE(peer.Append(1, "s")->body_as_Appended(), nullptr);
}

// Reading these would wait for somebody who never comes.
TEST_F(BrokerTest, IsNotBlockedByDescriptorsThatAreNoMemfds) {
  ControlPeer peer(broker_.socket(), "alice");
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd read_end(ends[0]), write_end(ends[1]);
  const UniqueFd file(::open((broker_.directory() + "/file").c_str(), O_RDWR | O_CREAT, 0600));
  for (const int fd : {read_end.get(), file.get(), peer.fd(), peer.ring().get()}) {
    peer.Send(peer.encoder().InMemory(1, 4096), fd);
    EXPECT_EQ(CodeOf(peer.Receive()), RefusalCode::Invalid);
  }
}

TEST_F(BrokerTest, IsNotConfusedByAMemfdThatChangesWhileItIsRead) {
  ControlPeer peer(broker_.socket(), "alice");
  const std::string data(100'000, 'x');
  const Bytes message = peer.AppendMessage(1, {{"s", data}}, {});
  const std::vector<std::byte> request(message.begin(), message.end());
  const UniqueFd memfd = MakeMemfd(request);
  std::atomic<bool> done{false};
  std::thread scribbler([&] {
    std::minstd_rand random(1);
    while (!done.load(std::memory_order_relaxed)) {
      const auto value = static_cast<char>(random());
      (void)!::pwrite(memfd.get(), &value, 1, static_cast<off_t>(random() % 200));
      (void)!::ftruncate(memfd.get(), static_cast<off_t>(request.size() - random() % 2));
    }
  });
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(peer.Send(peer.encoder().InMemory(1, request.size()), memfd.get()));
    ASSERT_NE(peer.Receive(), nullptr);
  }
  done.store(true, std::memory_order_relaxed);
  scribbler.join();
  ControlPeer other(broker_.socket(), "bob");
  EXPECT_NE(other.Append(1, "t")->body_as_Appended(), nullptr);
}

// ---- hostile clients ----

TEST_F(BrokerTest, HangsUpOnBytesThatAreNoRequest) {
  ControlPeer good(broker_.socket(), "good");
  std::minstd_rand random(1);
  for (int round = 0; round < 50; ++round) {
    ControlPeer peer(broker_.socket());
    std::vector<std::byte> bytes(1 + random() % 500);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
    peer.Send(bytes);
    EXPECT_TRUE(peer.Ends());
  }
  EXPECT_NE(good.Append(1, "s")->body_as_Appended(), nullptr);
}

TEST_F(BrokerTest, HangsUpOnAMessageThatIsTooLarge) {
  ControlPeer peer(broker_.socket(), "alice");
  peer.Send(std::vector<std::byte>(kInlineRequestBytesMax + 1));
  EXPECT_TRUE(peer.Ends());
}

TEST_F(BrokerTest, HangsUpOnHundredsOfDescriptors) {
  ControlPeer peer(broker_.socket(), "alice");
  std::byte byte{};
  iovec piece{&byte, 1};
  std::string control(CMSG_SPACE(253 * sizeof(int)), '\0');
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  cmsghdr* item = CMSG_FIRSTHDR(&header);
  item->cmsg_level = SOL_SOCKET;
  item->cmsg_type = SCM_RIGHTS;
  item->cmsg_len = CMSG_LEN(253 * sizeof(int));
  const int fd = peer.fd();
  for (size_t i = 0; i < 253; ++i) std::memcpy(CMSG_DATA(item) + i * sizeof(int), &fd, sizeof(int));
  ASSERT_EQ(::sendmsg(peer.fd(), &header, 0), 1);
  EXPECT_TRUE(peer.Ends());
  ControlPeer other(broker_.socket(), "bob");
  EXPECT_NE(other.Append(1, "s")->body_as_Appended(), nullptr);
}

// Closing such a socket waits as long as its maker said.
UniqueFd MakeLingeringSocket() {
  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  EXPECT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(listener.get(), 1), 0);
  EXPECT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  UniqueFd near(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(near.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  // Never read from, and never closed as long as this program runs.
  static std::vector<UniqueFd> far_ends;
  far_ends.emplace_back(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  const linger lingering{.l_onoff = 1, .l_linger = 60};
  EXPECT_EQ(::setsockopt(near.get(), SOL_SOCKET, SO_LINGER, &lingering, sizeof(lingering)), 0);
  const std::string filler(1 << 16, 'x');
  while (::send(near.get(), filler.data(), filler.size(), MSG_DONTWAIT) > 0) {
  }
  return near;
}

// A broker that has hung up by now takes nothing: then the socket is closed here, without lingering.
void PassOrDrop(const ControlPeer& peer, Bytes message, const UniqueFd& lingering_socket) {
  if (SendSeqpacket(peer.fd(), message, lingering_socket.get()) == SocketOutcome::kDone) return;
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  EXPECT_EQ(::setsockopt(lingering_socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)),
            0);
}

// Who closes the last of a socket's descriptors lingers. That must not be the test.
void CloseElsewhere(UniqueFd fd) {
  std::thread([fd = std::move(fd)]() mutable { fd.Reset(); }).detach();
}

// Each test would take a minute if the broker closed these descriptors where it serves its clients.
TEST_F(BrokerTest, IsNotBlockedByClosingADescriptorThatWasPassed) {
  ControlPeer peer(broker_.socket(), "alice");
  ControlPeer other(broker_.socket(), "bob");
  UniqueFd lingering = MakeLingeringSocket();
  peer.Send(peer.AppendMessage(1, "s"), lingering.get());
  CloseElsewhere(std::move(lingering));
  EXPECT_NE(peer.Receive()->body_as_Appended(), nullptr);
  for (uint64_t number = 1; number <= 3; ++number) {
    EXPECT_NE(other.Append(number, "t")->body_as_Appended(), nullptr);
  }
}

TEST_F(BrokerTest, IsNotBlockedByDescriptorsThatNobodyReceived) {
  ControlPeer other(broker_.socket(), "bob");
  {
    ControlPeer peer(broker_.socket(), "alice");
    UniqueFd with_nothing = MakeLingeringSocket();
    UniqueFd with_garbage = MakeLingeringSocket();
    (void)SendSeqpacket(peer.fd(), {});  // as good as a hang-up; what follows may lie unread
    PassOrDrop(peer, {}, with_nothing);
    PassOrDrop(peer, AsBytes("garbage"), with_garbage);
    CloseElsewhere(std::move(with_nothing));
    CloseElsewhere(std::move(with_garbage));
    EXPECT_TRUE(peer.Ends());
  }
  for (uint64_t number = 1; number <= 3; ++number) {
    EXPECT_NE(other.Append(number, "t")->body_as_Appended(), nullptr);
  }
}

// It asks and asks and never takes an answer: its problem alone.
TEST_F(BrokerTest, HangsUpOnWhoDoesNotTakeAnswers) {
  ControlPeer peer(broker_.socket(), "alice");
  ControlPeer other(broker_.socket(), "bob");
  const Bytes message = peer.AppendMessage(1, "s");
  const std::vector<std::byte> request(message.begin(), message.end());
  uint64_t number = 0;
  bool hung_up = false;
  while (!hung_up) {
    switch (SendSeqpacket(peer.fd(), request)) {
      case SocketOutcome::kClosed:
        hung_up = true;
        break;
      case SocketOutcome::kWouldBlock:
        ASSERT_NE(other.Append(++number, "o"), nullptr);
        break;
      default:
        break;
    }
    ASSERT_LT(number, 100'000u);
  }
  EXPECT_NE(other.Append(number + 1, "o")->body_as_Appended(), nullptr);
}

TEST_F(BrokerTest, IsNotHeldUpByAFlooder) {
  ControlPeer flooder(broker_.socket(), "flooder");
  ControlPeer peer(broker_.socket(), "alice");
  std::atomic<bool> done{false};
  std::thread flood([&] {
    uint64_t number = 0;
    while (!done.load(std::memory_order_relaxed)) {
      flooder.Send(flooder.AppendMessage(++number, "flood"));
      while (flooder.Receive(0) != nullptr) {
      }
    }
  });
  for (uint64_t number = 1; number <= 100; ++number) {
    ASSERT_NE(peer.Append(number, "s")->body_as_Appended(), nullptr);
  }
  done.store(true, std::memory_order_relaxed);
  flood.join();
}

// ---- the process's surroundings ----

TEST_F(BrokerTest, RefusesASecondBrokerOnTheSameSocketOrDirectory) {
  const Result<std::unique_ptr<Broker>> same_socket = Broker::Open(broker_.options());
  ASSERT_FALSE(same_socket.ok());
  EXPECT_EQ(same_socket.status().code(), StatusCode::kAlreadyExists);
  BrokerOptions options = broker_.options();
  options.socket = broker_.directory() + "/other.sock";
  const Result<std::unique_ptr<Broker>> same_directory = Broker::Open(options);
  ASSERT_FALSE(same_directory.ok());
  EXPECT_NE(same_directory.status().message().find(std::to_string(::getpid())), std::string::npos);
}

TEST_F(BrokerTest, RemovesItsFilesWhenItStops) {
  EXPECT_TRUE(std::filesystem::exists(CountersPath(broker_.socket())));
  broker_.Stop();
  EXPECT_FALSE(std::filesystem::exists(broker_.socket()));
  EXPECT_FALSE(std::filesystem::exists(CountersPath(broker_.socket())));
}

class BrokerLimitsTest : public BrokerTest {
 protected:
  void SetUp() override {}
};

TEST_F(BrokerLimitsTest, RefusesSessionsPastTheLimit) {
  broker_.options().sessions_max = 2;
  broker_.Start();
  ControlPeer alice(broker_.socket(), "alice");
  ControlPeer bob(broker_.socket(), "bob");
  ControlPeer carol(broker_.socket());
  carol.Send(carol.encoder().Attach("carol", "", 0, {}));
  EXPECT_EQ(CodeOf(carol.Receive()), RefusalCode::Busy);
  bob.HangUp();
  alice.Append(1, "s");
  EXPECT_TRUE(carol.Attach("carol"));
}

TEST_F(BrokerLimitsTest, RefusesStreamsPastTheLimit) {
  broker_.options().log.streams_max = 16;
  broker_.Start();
  ControlPeer peer(broker_.socket(), "alice");
  uint64_t number = 0;
  const wire::Reply* reply;
  do {
    ++number;
    reply = peer.Append(number, "s" + std::to_string(number));
    ASSERT_LT(number, 20u);
  } while (reply->body_as_Appended() != nullptr);
  EXPECT_EQ(CodeOf(reply), RefusalCode::TooManyStreams);
  EXPECT_NE(peer.Append(number + 1, "s1")->body_as_Appended(), nullptr);
}

TEST_F(BrokerLimitsTest, RefusesABatchThatNeverFits) {
  broker_.options().log.ring_bytes = 64 << 10;
  broker_.Start();
  ControlPeer peer(broker_.socket(), "alice");
  EXPECT_EQ(CodeOf(peer.Append(1, {{"s", std::string(20'000, 'x')}})), RefusalCode::TooLarge);
  EXPECT_NE(peer.Append(2, {{"s", std::string(10'000, 'x')}})->body_as_Appended(), nullptr);
}

TEST_F(BrokerLimitsTest, KeepsGoingOverManyTurnsOfTheRing) {
  broker_.options().log.ring_bytes = 64 << 10;
  broker_.options().log.segment_bytes = 64 << 10;
  broker_.Start();
  ControlPeer peer(broker_.socket(), "alice");
  for (uint64_t number = 1; number <= 200; ++number) {
    ASSERT_NE(peer.Append(number, {{"s", std::string(5'000, 'x')}})->body_as_Appended(), nullptr)
        << number;
  }
  broker_.Restart();
  ControlPeer again(broker_.socket(), "bob");
  EXPECT_EQ(again.Append(1, "s")->body_as_Appended()->revision(), 201u);
}

TEST_F(BrokerLimitsTest, ServesALogInMemory) {
  broker_.options().log.durability = Durability::kMemory;
  broker_.Start();
  ControlPeer peer(broker_.socket(), "alice");
  EXPECT_NE(peer.Append(1, "s")->body_as_Appended(), nullptr);
  peer.Send(peer.encoder().FindSegment(2, 1, 0));
  const wire::Reply* reply = peer.Receive();
  EXPECT_NE(reply->body_as_Refused(), nullptr);
  broker_.Restart();
  ControlPeer again(broker_.socket());
  ASSERT_TRUE(again.Attach("alice", peer.session(), peer.secret()));
  EXPECT_FALSE(again.resumed());
}

}  // namespace
}  // namespace roost
