// Random histories of everything that the broker rebuilds from the log: what a checkpoint at any place and the
// events behind it come to equals what all events come to. And checkpoints that nobody should trust.
//
// ROOST_TEST_SEED repeats one history.
#include "broker/folded_state.h"

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include <cstdlib>
#include <random>

#include "base/clock.h"
#include "broker/coordination/own_streams.h"
#include "broker/own_event.h"
#include "ipc/messages.h"
#include "log/record.h"
#include "tests/log/test_scale.h"

namespace roost {
namespace {

using Kind = GroupEvent::Kind;

struct Event {
  RecordHeader header{};
  std::vector<std::byte> body;
};

// Writes events as a broker would, by tables of its own, and now and then ones that make no sense.
class History {
 public:
  explicit History(uint64_t seed) : random_(seed) {}

  void Add(int count) {
    for (int i = 0; i < count; ++i) AddOne();
  }
  const std::vector<Event>& events() const { return events_; }

 private:
  uint64_t Pick(uint64_t count) { return random_() % count; }
  uint64_t PickSession() { return sessions_.empty() ? 0 : sessions_[Pick(sessions_.size())]; }

  void AddOne() {
    switch (Pick(8)) {
      case 0:
        return AddPresence();
      case 1:
      case 2:
        return AddLease();
      case 3:
      case 4:
        return AddGroup();
      case 5:
        return AddQuestion();
      default:
        return AddBatch();
    }
  }

  RecordHeader Header(uint64_t session, uint64_t request) {
    RecordHeader header{};
    header.kind = RecordKind::kEvent;
    header.sequence = events_.size() + 1;
    header.revision = header.sequence;
    header.time_ns = 1'000'000'000'000 + header.sequence * 40'000'000'000;
    header.session = session;
    header.request = request;
    header.batch_count = 1;
    header.uid = static_cast<uint32_t>(1000 + Pick(2));
    return header;
  }
  void Own(std::string_view stream, std::string_view type, std::string_view data, uint64_t session,
           uint64_t request) {
    Event event;
    event.header = Header(session, request);
    event.header.flags = kRecordIsOwn;
    const Bytes body = BuildOwnEvent(builder_, stream, type, data, "agent");
    event.body.assign(body.begin(), body.end());
    if (const wire::Event* decoded = DecodeEventBody(event.body)) {
      groups_.OnOwnEvent(event.header, *decoded);
    }
    events_.push_back(std::move(event));
  }

  void AddPresence() {
    const uint64_t session = PickSession();
    switch (Pick(5)) {
      case 0:
        return Own(kAgentsStream, kLeftType, SessionData(session, R"("agent":"a")", ""), session,
                   0);
      case 1:
        return Own(kAgentsStream, kRejoinedType, SessionData(session, R"("agent":"b")", ""),
                   session, 0);
      case 2:
        return Own(kAgentsStream, Pick(2) == 0 ? kIdleType : kWorkingType, "{}", session, 0);
      default:
        sessions_.push_back(events_.size() + 1);
        return Own(kAgentsStream, kJoinedType, JoinedData(R"("agent":"a")"), 0, 0);
    }
  }
  void AddLease() {
    const uint64_t session = PickSession();
    if (tokens_.empty() || Pick(3) > 0) {
      LeaseGrant grant{.keys = {fmt::format("key/{}", Pick(30))}, .ttl_ms = 1000};
      if (Pick(3) == 0) grant.keys.push_back(fmt::format("glob/{}/*", Pick(9)));
      if (!tokens_.empty() && Pick(2) == 0) grant.replaces.push_back(tokens_[Pick(tokens_.size())]);
      tokens_.push_back(events_.size() + 1);
      return Own(kLeasesStream, Pick(4) == 0 ? kLeaseRenewedType : kLeaseGrantedType,
                 EncodeLeaseGrant(grant), session, ++request_);
    }
    Own(kLeasesStream, Pick(2) == 0 ? kLeaseReleasedType : kLeaseExpiredType,
        EncodeLeaseEnd(tokens_[Pick(tokens_.size())], {"key/1"}, "", "left"), session, ++request_);
  }
  void AddGroup() {
    const GroupName name{"tasks", Pick(2) == 0 ? "g" : "h"};
    const std::string stream = GroupStreamOf(name);
    const Group* group = groups_.Find(name);
    GroupEvent event{.session = PickSession()};
    if (group == nullptr) {
      event.next = 1 + Pick(5);
      return Own(stream, TypeOf(event), DataOf(event), event.session, ++request_);
    }
    const GroupState& state = group->state;
    event.lease_ms = 5000;
    event.revisions = {{1 + Pick(state.next()), state.next()}};
    const auto taken = state.Taken();
    switch (Pick(9)) {
      case 0:
      case 1:
      case 2:
        event.kind = Kind::kTaken;
        event.revisions = state.Available(state.next() + Pick(9), 1 + Pick(6));
        break;
      case 3:
      case 4:
        event.kind = Kind::kSettled;
        event.outcome = static_cast<wire::Outcome>(Pick(3));
        event.count = 2;
        if (Pick(3) == 0) event.refused = {1};
        if (!taken.empty()) event.revisions = {taken[Pick(taken.size())].range};
        break;
      case 5:
        event.kind = Kind::kReturned;
        event.reason = "expired";
        if (!taken.empty()) event.revisions = {taken[0].range};
        break;
      case 6:
        event.kind = Kind::kParked;
        if (!taken.empty()) event.revisions = {{taken[0].range.first, taken[0].range.first}};
        break;
      case 7: {
        event.kind = Pick(2) == 0 ? Kind::kRetried : Kind::kDropped;
        const auto parked = state.Parked(0, 1);
        if (!parked.empty()) event.revisions = {{parked[0].revision, parked[0].revision}};
        break;
      }
      default:
        event.kind = Pick(20) == 0 ? Kind::kRemoved : Kind::kSkipped;
        event.next = Pick(4) == 0 ? state.next() + Pick(3) : 2 + Pick(state.next());
        break;
    }
    Own(stream, TypeOf(event), DataOf(event), event.session, ++request_);
  }
  void AddQuestion() {
    QuestionEvent event;
    event.key[0] = static_cast<uint8_t>(Pick(20));
    event.kind = "review";
    event.policy = events_.size() / 400;
    event.uid = static_cast<uint32_t>(1000 + Pick(2));
    event.question = questions_.empty() ? 0 : questions_[Pick(questions_.size())];
    event.type = static_cast<QuestionEvent::Type>(Pick(5));
    if (event.type == QuestionEvent::Type::kAsked) questions_.push_back(events_.size() + 1);
    if (event.type >= QuestionEvent::Type::kDecided) {
      event.verdict = wire::Verdict::Deny;
      event.reason = "no";
      event.ttl_ms = Pick(2) * 5000;
    }
    Own(QuestionEventStream(event.type), QuestionEventType(event.type),
        EncodeQuestionEvent(event, "{}", "rule"), PickSession(), ++request_);
  }
  void AddBatch() {
    const uint64_t session = PickSession();
    const auto count = static_cast<uint16_t>(1 + Pick(3));
    const std::string id = Pick(2) == 0 ? fmt::format("id{}", Pick(200)) : "";
    ++request_;
    for (uint16_t i = 0; i < count; ++i) {
      RequestEncoder encoder;
      encoder.BeginAppend();
      encoder.AddEvent({.stream = "s", .type = "t", .agent = "a", .id = i == 0 ? id : ""});
      const Bytes message = encoder.FinishAppend(1);
      const auto* body =
          wire::GetRequest(message.data())->body_as_Append()->events()->Get(0)->event();
      Event event;
      event.header = Header(session, request_);
      event.header.uid = 1000;
      event.header.batch_index = i;
      event.header.batch_count = count;
      event.header.flags = i == 0 && !id.empty() ? kRecordHasId : 0;
      const Bytes bytes = std::as_bytes(std::span(body->data(), body->size()));
      event.body.assign(bytes.begin(), bytes.end());
      events_.push_back(std::move(event));
    }
  }

  std::mt19937_64 random_;
  flatbuffers::FlatBufferBuilder builder_;
  std::vector<Event> events_;
  std::vector<uint64_t> sessions_, tokens_, questions_;
  GroupTable groups_;  // so that most events of groups are possible ones
  uint64_t request_ = 0;
};

using Sections = std::vector<StateSection>;

Checkpoint CheckpointOf(const Sections& sections) {
  CheckpointHeader header{};
  header.first_sequence = 2;
  header.first_position = 8192;
  Checkpoint checkpoint;
  checkpoint.path = "c";
  checkpoint.bytes = MakeCheckpoint(header, sections);
  checkpoint.view = *ParseCheckpoint(checkpoint.bytes, "c");
  return checkpoint;
}

// What events [from, to) make of `before`.
Sections Fold(const Sections& before, const std::vector<Event>& events, size_t from, size_t to) {
  FoldedState state;
  if (!before.empty()) {
    const Status loaded = state.LoadState(CheckpointOf(before));
    EXPECT_TRUE(loaded.ok()) << loaded.message();
  }
  for (size_t i = from; i < to; ++i) state.OnEvent(events[i].header, events[i].body);
  Sections sections;
  state.SaveState(&sections);
  return sections;
}

bool IsBoundary(const std::vector<Event>& events, size_t place) {
  return place == events.size() || events[place].header.batch_index == 0;
}

class FoldedStateTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_GE(sodium_init(), 0);
    const char* given = ::getenv("ROOST_TEST_SEED");
    seed_ = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
    std::printf("ROOST_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed_));
  }
  uint64_t seed_ = 0;
};

TEST_F(FoldedStateTest, ComesToTheSameFromACheckpointAtAnyPlace) {
  for (uint64_t round = 0; round < Scaled({.soak = 200, .gate = 10, .sanitized = 2}); ++round) {
    History history(seed_ + round);
    history.Add(1200);
    const std::vector<Event>& events = history.events();
    // Hashes of ids are under a secret, which a checkpoint hands on.
    const Sections first = Fold({}, events, 0, 0);
    const Sections whole = Fold(first, events, 0, events.size());
    for (const StateSection& section : whole) {
      ASSERT_GT(section.bytes.size(), 30u)
          << "the history is too poor: section " << static_cast<int>(section.kind);
    }
    for (size_t place = 1; place <= events.size(); place += 1 + (seed_ + place) % 97) {
      while (!IsBoundary(events, place)) ++place;
      const Sections parts = Fold(Fold(first, events, 0, place), events, place, events.size());
      ASSERT_EQ(parts.size(), whole.size());
      for (size_t i = 0; i < whole.size(); ++i) {
        ASSERT_TRUE(parts[i].bytes == whole[i].bytes)
            << "seed " << seed_ + round << ", section " << static_cast<int>(whole[i].kind)
            << ", checkpoint after event " << place;
      }
    }
  }
}

TEST_F(FoldedStateTest, KnowsIdsOfBeforeTheCheckpointByTheClockOfTheStart) {
  RequestEncoder encoder;
  encoder.BeginAppend();
  encoder.AddEvent({.stream = "s", .type = "t", .agent = "a", .id = "id"});
  const Bytes message = encoder.FinishAppend(1);
  const auto* body = wire::GetRequest(message.data())->body_as_Append()->events()->Get(0)->event();
  const Bytes bytes = std::as_bytes(std::span(body->data(), body->size()));
  for (const uint64_t age_ns : {60 * kNsPerSecond, 7200 * kNsPerSecond}) {
    Event event;
    event.header.batch_count = 1;
    event.header.sequence = 5;
    event.header.request = 1;
    event.header.flags = kRecordHasId;
    event.header.time_ns = WallNs() - age_ns;
    event.body.assign(bytes.begin(), bytes.end());
    const Sections folded = Fold({}, {event}, 0, 1);

    IdTable ids;
    GroupTable groups;
    LeaseTable leases;
    QuestionTable questions;
    RecoveredLeases recovered_leases(&leases);
    RecoveredState recovered(&ids, {&groups, &recovered_leases, &questions});
    ASSERT_TRUE(recovered.LoadState(CheckpointOf(folded)).ok());
    const UsedId* found = ids.Find(ids.KeyOf("s", "id"), static_cast<int64_t>(MonotonicNs()));
    EXPECT_EQ(found != nullptr, age_ns < IdTable::Limits().age_ns_max);
    if (found != nullptr) {
      EXPECT_EQ(found->first, 5u);
    }
  }
}

TEST_F(FoldedStateTest, SurvivesWhateverACheckpointSays) {
  History history(seed_);
  history.Add(400);
  const Sections sound = Fold({}, history.events(), 0, history.events().size());
  std::mt19937_64 random(seed_);
  for (uint64_t i = 0; i < Scaled({.soak = 200'000, .gate = 3000, .sanitized = 500}); ++i) {
    Sections damaged = sound;
    std::vector<std::byte>& bytes = damaged[random() % damaged.size()].bytes;
    for (uint64_t changes = 1 + random() % 3; changes > 0; --changes) {
      const size_t place = random() % bytes.size();
      switch (random() % 3) {
        case 0:
          bytes[place] = static_cast<std::byte>(random());
          break;
        case 1:
          bytes[place] ^= static_cast<std::byte>(1 << random() % 8);
          break;
        default:
          bytes.resize(place + 1);
          break;
      }
    }
    FoldedState state;
    const Status loaded = state.LoadState(CheckpointOf(damaged));
    if (!loaded.ok()) {
      EXPECT_EQ(loaded.code(), StatusCode::kCorruption);
      continue;
    }
    // It makes sense, though not the same: then nothing that comes may break it.
    for (const Event& event : history.events()) state.OnEvent(event.header, event.body);
    Sections again;
    state.SaveState(&again);
  }
}

}  // namespace
}  // namespace roost
