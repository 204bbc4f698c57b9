#include "client/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <random>
#include <string>
#include <vector>

#include "ipc/request_memfd.h"
#include "tests/client/connection_fixture.h"

namespace roost {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// ---- attaching ----

TEST_F(ConnectionTest, DoesNothingBeforeTheFirstRequest) {
  broker_.Listen();
  EXPECT_EQ(connection_.fd(), -1);
  EXPECT_EQ(connection_.NextTimerNs(), kNever);
  EXPECT_FALSE(broker_.TryAccept());
  EXPECT_EQ(connection_.ring(), nullptr);
}

TEST_F(ConnectionTest, AttachesWithTheFirstRequestAndSendsItThen) {
  broker_.Listen();
  Append(OneEvent("a"));
  const GotRequest attach = TakeAttach();
  EXPECT_EQ(attach->body_as_Attach()->agent()->string_view(), "tester");
  EXPECT_EQ(attach->body_as_Attach()->client()->string_view(), "test/1");
  EXPECT_EQ(attach->body_as_Attach()->session(), 0u);
  const GotRequest append = Receive();
  EXPECT_EQ(append.stream(), "a");
  EXPECT_EQ(append.number(), 1u);
  broker_.ReplyAppended(1, 5);
  ASSERT_TRUE(Answered());
  EXPECT_TRUE(answer_.ok());
  EXPECT_TRUE(result_.appended);
  EXPECT_EQ(result_.sequence, 5u);
  EXPECT_EQ(result_.durability, Durability::kMemory);
  EXPECT_EQ(connection_.info().session, 11u);
  EXPECT_EQ(connection_.info().log_id.size(), 32u);
  ASSERT_NE(connection_.ring(), nullptr);
}

TEST_F(ConnectionTest, SaysAtOnceHowToStartABrokerWhenThereIsNone) {
  Append(OneEvent("a"));
  EXPECT_EQ(answers_, 1);
  EXPECT_EQ(answer_.code(), StatusCode::kUnavailable);
  EXPECT_THAT(answer_.message(), HasSubstr("roostd --socket " + broker_.socket()));
  bool attach_failed = false;
  connection_.Attach(kNever, [&](const Status& status) { attach_failed = !status.ok(); });
  EXPECT_TRUE(attach_failed);
  EXPECT_EQ(connection_.NextTimerNs(), kNever);
}

TEST_F(ConnectionTest, SaysSoTooWhenADeadBrokerLeftItsSocketBehind) {
  broker_.Listen();
  broker_.StopListening(/*unlink=*/false);
  Append(OneEvent("a"));
  EXPECT_EQ(answers_, 1);
  EXPECT_EQ(answer_.code(), StatusCode::kUnavailable);
}

TEST_F(ConnectionTest, TriesAgainWithTheNextRequest) {
  Append(OneEvent("a"));
  EXPECT_EQ(answers_, 1);
  broker_.Listen();
  Append(OneEvent("b"));
  TakeAttach();
  EXPECT_EQ(Receive().stream(), "b");
}

TEST_F(ConnectionTest, GivesUpOnABrokerOfAnotherVersion) {
  broker_.Listen();
  Append(OneEvent("a"));
  Accept();
  Receive();
  broker_.ReplyRefused(0, wire::RefusalCode::Incompatible, "too old");
  ASSERT_TRUE(Answered());
  EXPECT_EQ(answer_.code(), StatusCode::kIncompatible);
  EXPECT_EQ(answer_.message(), "too old");
}

TEST_F(ConnectionTest, TriesAgainWhenTheBrokerIsFullForNow) {
  broker_.Listen();
  Append(OneEvent("a"));
  Accept();
  Receive();
  broker_.ReplyRefused(0, wire::RefusalCode::Busy, "full");
  TakeAttach();
  EXPECT_EQ(Receive().stream(), "a");
}

TEST_F(ConnectionTest, RefusesABrokerWithoutRingOrSecret) {
  broker_.Listen();
  for (const FakeBroker::AttachedFields fields :
       {FakeBroker::AttachedFields{.with_ring = false},
        FakeBroker::AttachedFields{.secret_bytes = 5}, FakeBroker::AttachedFields{.session = 0}}) {
    answers_ = 0;
    Append(OneEvent("a"));
    Accept();
    Receive();
    broker_.ReplyAttached(fields);
    ASSERT_TRUE(Answered());
    EXPECT_EQ(answer_.code(), StatusCode::kCorruption);
  }
}

TEST_F(ConnectionTest, NeedsNoTimeWhenIdle) {
  AttachFully();
  EXPECT_EQ(connection_.NextTimerNs(), kNever);
  EXPECT_EQ(connection_.events(), POLLIN);
}

// ---- a connection that breaks ----

// The broker hangs up after so many steps of an attachment and an append.
class ConnectionCutTest : public ConnectionTest, public ::testing::WithParamInterface<int> {};

TEST_P(ConnectionCutTest, AsksAgainUnderTheSameNumberAndAnswersOnce) {
  const int cut = GetParam();
  broker_.Listen();
  Append(OneEvent("a"));
  bool attached_before = false;
  [&] {
    Accept();
    if (cut == 0) return;
    Receive();
    if (cut == 1) return;
    broker_.ReplyAttached();
    attached_before = cut > 2;
    if (cut == 2) return;
    EXPECT_EQ(Receive().number(), 1u);
    if (cut == 3) return;
    Append(OneEvent("b"));
    EXPECT_EQ(Receive().number(), 2u);
  }();
  broker_.Cut();
  Accept();
  const GotRequest attach = Receive();
  if (attached_before) {
    EXPECT_EQ(attach->body_as_Attach()->session(), 11u);
    ASSERT_NE(attach->body_as_Attach()->secret(), nullptr);
    EXPECT_EQ(attach->body_as_Attach()->secret()->Get(0), 0x5e);
  }
  broker_.ReplyAttached({.resumed = attach->body_as_Attach()->session() == 11});
  const GotRequest append = Receive();
  EXPECT_EQ(append.number(), 1u);
  EXPECT_EQ(append.stream(), "a");
  broker_.ReplyAppended(1, 7);
  ASSERT_TRUE(Answered());
  EXPECT_TRUE(answer_.ok()) << answer_.message();
  EXPECT_EQ(result_.sequence, 7u);
  if (cut == 4) {
    EXPECT_EQ(Receive().number(), 2u);
    broker_.ReplyAppended(2, 8);
    ASSERT_TRUE(Answered(2));
  }
  const int answers = answers_;
  for (int i = 0; i < 20; ++i) Turn();
  EXPECT_EQ(answers_, answers);
}

INSTANTIATE_TEST_SUITE_P(EveryPoint, ConnectionCutTest, ::testing::Range(0, 5));

TEST_F(ConnectionTest, ComesBackByItselfToKeepItsSession) {
  AttachFully();
  broker_.Cut();
  const GotRequest attach = TakeAttach(/*resumed=*/true);
  EXPECT_EQ(attach->body_as_Attach()->session(), 11u);
  EXPECT_TRUE(Until([this] { return connection_.attached(); }));
  EXPECT_EQ(connection_.NextTimerNs(), kNever);
}

TEST_F(ConnectionTest, WaitsForABrokerThatRestarts) {
  AttachFully();
  broker_.StopListening(/*unlink=*/true);
  ASSERT_TRUE(Until([this] { return !connection_.attached(); }));
  Append(OneEvent("a"));
  for (int i = 0; i < 100; ++i) Turn();
  EXPECT_EQ(answers_, 0);
  broker_.Listen();
  TakeAttach(/*resumed=*/true);
  EXPECT_EQ(Receive().stream(), "a");
}

TEST_F(ConnectionTest, DoesNotKnowWhetherItWasAppendedWhenTheSessionIsGone) {
  AttachFully();
  Append(OneEvent("sent"));
  Receive();
  broker_.Cut();
  ASSERT_TRUE(Until([this] { return !connection_.attached(); }));
  Append(OneEvent("not sent"));
  TakeAttach(/*resumed=*/false, /*session=*/12);
  ASSERT_TRUE(Answered());
  EXPECT_EQ(answer_.code(), StatusCode::kUnknownOutcome);
  // The other one had not been sent: it is sent in the new session, which counts anew.
  const GotRequest append = Receive();
  EXPECT_EQ(append.stream(), "not sent");
  EXPECT_EQ(append.number(), 1u);
  broker_.ReplyAppended(1, 3);
  ASSERT_TRUE(Answered(2));
  EXPECT_TRUE(answer_.ok());
}

TEST_F(ConnectionTest, AsksAgainInANewSessionWhatHasAnId) {
  AttachFully();
  Append(OneEvent("first"));
  EXPECT_EQ(Receive().number(), 1u);
  broker_.ReplyAppended(1, 1);
  ASSERT_TRUE(Answered());
  Append(OneEvent("a", "id-1"));
  EXPECT_EQ(Receive().number(), 2u);
  broker_.Cut();
  TakeAttach(/*resumed=*/false, /*session=*/12);
  const GotRequest again = Receive();
  EXPECT_EQ(again.stream(), "a");
  EXPECT_EQ(again.number(), 1u);
  broker_.ReplyAppended(1, 2);
  ASSERT_TRUE(Answered(2));
  EXPECT_TRUE(answer_.ok());
}

TEST_F(ConnectionTest, AsksTheNextBrokerWhatOneThatEndedRefused) {
  AttachFully();
  Append(OneEvent("a"));
  Receive();
  broker_.ReplyRefused(1, wire::RefusalCode::ShuttingDown, "bye");
  for (int i = 0; i < 10; ++i) Turn();
  EXPECT_EQ(answers_, 0);
  broker_.Cut();
  TakeAttach(/*resumed=*/true);
  EXPECT_EQ(Receive().number(), 1u);
  broker_.ReplyAppended(1, 1);
  ASSERT_TRUE(Answered());
  EXPECT_TRUE(answer_.ok());
}

// ---- time ----

TEST_F(ConnectionTest, SaysThatNothingWasAskedWhenTheBrokerDidNotComeInTime) {
  AttachFully();
  broker_.StopListening(/*unlink=*/true);
  ASSERT_TRUE(Until([this] { return !connection_.attached(); }));
  Append(OneEvent("a"), MonotonicNs() + 20 * kNsPerMs);
  ASSERT_TRUE(Answered());
  EXPECT_EQ(answer_.code(), StatusCode::kUnavailable);
}

TEST_F(ConnectionTest, SaysThatItMayStillBeDoneWhenTheAnswerIsLate) {
  AttachFully();
  Append(OneEvent("late"), MonotonicNs() + 5 * kNsPerMs);
  Receive();
  ASSERT_TRUE(Answered());
  EXPECT_EQ(answer_.code(), StatusCode::kTimedOut);
  EXPECT_THAT(answer_.message(), HasSubstr("may still be done"));
  broker_.ReplyAppended(1, 1);
  Append(OneEvent("next"));
  EXPECT_EQ(Receive().number(), 2u);
  broker_.ReplyAppended(2, 2);
  ASSERT_TRUE(Answered(2));
  EXPECT_TRUE(answer_.ok());
  EXPECT_EQ(result_.sequence, 2u);
  EXPECT_EQ(answers_, 2);
}

TEST_F(ConnectionTest, DoesNotAskAgainWhatNobodyWaitsForAnyMore) {
  AttachFully();
  Append(OneEvent("late"), MonotonicNs() + 5 * kNsPerMs);
  Receive();
  ASSERT_TRUE(Answered());
  broker_.Cut();
  TakeAttach(/*resumed=*/true);
  Append(OneEvent("next"));
  const GotRequest request = Receive();
  EXPECT_EQ(request.stream(), "next");
  EXPECT_EQ(request.number(), 2u);
}

TEST_F(ConnectionTest, TimesOutOnABrokerThatNeverAnswersAnAttachment) {
  broker_.Listen();
  Append(OneEvent("a"), MonotonicNs() + 10 * kNsPerMs);
  Accept();
  Receive();
  ASSERT_TRUE(Answered());
  EXPECT_EQ(answer_.code(), StatusCode::kTimedOut);
}

// ---- many requests ----

TEST_F(ConnectionTest, Takes64RequestsAndRefusesMore) {
  AttachFully();
  for (int i = 0; i < 64; ++i) {
    EXPECT_TRUE(connection_.CanSubmit());
    Append(OneEvent("a"));
  }
  EXPECT_FALSE(connection_.CanSubmit());
  EXPECT_EQ(answers_, 0);
  Append(OneEvent("a"));
  EXPECT_EQ(answers_, 1);
  EXPECT_EQ(answer_.code(), StatusCode::kBusy);
  for (uint64_t number = 1; number <= 64; ++number) EXPECT_EQ(Receive().number(), number);
  // Answers may come in any order; a place is free when the oldest request is answered.
  for (uint64_t number = 64; number >= 2; --number) broker_.ReplyAppended(number, number);
  ASSERT_TRUE(Answered(64));
  EXPECT_FALSE(connection_.CanSubmit());
  broker_.ReplyAppended(1, 1);
  ASSERT_TRUE(Answered(65));
  EXPECT_TRUE(connection_.CanSubmit());
}

TEST_F(ConnectionTest, AsksForRoomWhenTheSocketIsFullAndKeepsTheOrder) {
  AttachFully();
  Batch batch = OneEvent("a");
  batch.events[0].data = std::string(50'000, 'd');
  for (int i = 0; i < 40; ++i) Append(batch);
  EXPECT_EQ(connection_.events(), POLLIN | POLLOUT);
  for (uint64_t number = 1; number <= 40; ++number) ASSERT_EQ(Receive().number(), number);
  EXPECT_EQ(connection_.events(), POLLIN);
}

TEST_F(ConnectionTest, SendsALargeRequestInASealedMemfd) {
  AttachFully();
  Batch batch = OneEvent("large");
  batch.events[0].data = std::string(1 << 20, 'd');
  Append(batch);
  ASSERT_EQ(answers_, 0) << answer_.message();
  const GotRequest carrier = Receive();
  const wire::InMemory* in_memory = carrier->body_as_InMemory();
  ASSERT_NE(in_memory, nullptr);
  EXPECT_GT(in_memory->length(), kInlineRequestBytesMax);
  ASSERT_GE(carrier.fd(), 0);
  EXPECT_EQ(::fcntl(carrier.fd(), F_GET_SEALS),
            F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  std::vector<std::byte> bytes(in_memory->length());
  ASSERT_EQ(::pread(carrier.fd(), bytes.data(), bytes.size(), 0),
            static_cast<ssize_t>(bytes.size()));
  const GotRequest inside(bytes, UniqueFd());
  ASSERT_TRUE(inside.valid());
  EXPECT_EQ(inside.number(), carrier.number());
  EXPECT_EQ(inside->body_as_Append()->events()->size(), 1u);
  broker_.ReplyAppended(1, 1);
  ASSERT_TRUE(Answered());
  EXPECT_TRUE(answer_.ok());
}

TEST_F(ConnectionTest, MayBeUsedFromWithinACallback) {
  AttachFully();
  int done = 0;
  connection_.Append(OneEvent("a"), kNever, [&](const Result<AppendResult>&) {
    ++done;
    connection_.Append(OneEvent("b"), kNever, [&](const Result<AppendResult>&) { ++done; });
  });
  EXPECT_EQ(Receive().stream(), "a");
  broker_.ReplyAppended(1, 1);
  EXPECT_EQ(Receive().stream(), "b");
  broker_.ReplyAppended(2, 2);
  EXPECT_TRUE(Until([&] { return done == 2; }));
}

// ---- answers ----

TEST_F(ConnectionTest, HandsOnAConflict) {
  AttachFully();
  Append(OneEvent("a"));
  Receive();
  broker_.ReplyConflict(1, "a", 3, 5);
  ASSERT_TRUE(Answered());
  ASSERT_TRUE(answer_.ok());
  EXPECT_FALSE(result_.appended);
  ASSERT_TRUE(result_.conflict.has_value());
  EXPECT_EQ(result_.conflict->stream, "a");
  EXPECT_EQ(result_.conflict->expect, 3u);
  EXPECT_EQ(result_.conflict->revision, 5u);
  EXPECT_EQ(result_.head, 99u);
}

TEST_F(ConnectionTest, SaysWhyARequestWasRefused) {
  const std::vector<std::pair<wire::RefusalCode, StatusCode>> codes = {
      {wire::RefusalCode::Invalid, StatusCode::kInvalidArgument},
      {wire::RefusalCode::TooLarge, StatusCode::kTooLarge},
      {wire::RefusalCode::IdReused, StatusCode::kAlreadyExists},
      {wire::RefusalCode::NotAllowed, StatusCode::kPermissionDenied},
      {wire::RefusalCode::TooManyStreams, StatusCode::kExhausted},
      {wire::RefusalCode::TooOld, StatusCode::kUnknownOutcome},
      {wire::RefusalCode::Busy, StatusCode::kBusy},
      {wire::RefusalCode::Full, StatusCode::kExhausted},
      {wire::RefusalCode::Degraded, StatusCode::kIoError},
  };
  AttachFully();
  int expected = 0;
  for (const auto& [refusal, code] : codes) {
    Append(OneEvent("a"));
    broker_.ReplyRefused(Receive().number(), refusal, "because");
    ASSERT_TRUE(Answered(++expected));
    EXPECT_EQ(answer_.code(), code);
    EXPECT_EQ(answer_.message(), "because");
  }
}

TEST_F(ConnectionTest, DropsABrokerThatTalksNonsenseAndAsksAgain) {
  AttachFully();
  Append(OneEvent("a"));
  std::mt19937 random(5);
  for (int round = 0; round < 5; ++round) {
    Receive();
    std::vector<std::byte> nonsense(1 + random() % 300);
    for (std::byte& byte : nonsense) byte = static_cast<std::byte>(random());
    broker_.SendBytes(nonsense);
    ASSERT_TRUE(Until([this] { return broker_.PeerHasGone(); }));
    TakeAttach(/*resumed=*/true);
  }
  EXPECT_EQ(Receive().number(), 1u);
  broker_.ReplyAppended(1, 1);
  ASSERT_TRUE(Answered());
  EXPECT_TRUE(answer_.ok());
}

TEST_F(ConnectionTest, PassesOverAnswersToWhatItNeverAsked) {
  AttachFully();
  broker_.ReplyAppended(77, 1);
  broker_.ReplyWoken(88);
  Append(OneEvent("a"));
  Receive();
  broker_.ReplyAppended(1, 1);
  ASSERT_TRUE(Answered());
  broker_.ReplyAppended(1, 1);
  for (int i = 0; i < 10; ++i) Turn();
  EXPECT_EQ(answers_, 1);
}

TEST_F(ConnectionTest, TakesAnAnswerOfAnotherKindForAnError) {
  AttachFully();
  Append(OneEvent("a"));
  Receive();
  broker_.ReplyGone(1, 5);
  ASSERT_TRUE(Answered());
  EXPECT_EQ(answer_.code(), StatusCode::kCorruption);
}

// ---- waiting ----

TEST_F(ConnectionTest, WakesAWaitOnce) {
  AttachFully();
  int woken = 0;
  connection_.Wait({.stream = "a", .types = {"x", "y"}}, 9, [&](const Status& status) {
    EXPECT_TRUE(status.ok());
    ++woken;
  });
  const GotRequest request = Receive();
  const wire::Wait* wait = request->body_as_Wait();
  ASSERT_NE(wait, nullptr);
  EXPECT_EQ(wait->after(), 9u);
  EXPECT_EQ(wait->stream()->string_view(), "a");
  EXPECT_EQ(wait->types()->size(), 2u);
  broker_.ReplyWoken(wait->registration());
  broker_.ReplyWoken(wait->registration());
  EXPECT_TRUE(Until([&] { return woken == 1; }));
  for (int i = 0; i < 10; ++i) Turn();
  EXPECT_EQ(woken, 1);
}

TEST_F(ConnectionTest, RegistersItsWaitsAgainAfterAReconnection) {
  AttachFully();
  int woken = 0;
  connection_.Wait({.stream_prefix = "a/"}, 9, [&](const Status&) { ++woken; });
  const uint64_t registration = Receive()->body_as_Wait()->registration();
  broker_.Cut();
  TakeAttach(/*resumed=*/true);
  const GotRequest again = Receive();
  ASSERT_NE(again->body_as_Wait(), nullptr);
  EXPECT_EQ(again->body_as_Wait()->registration(), registration);
  EXPECT_EQ(woken, 0);
  broker_.ReplyWoken(registration);
  EXPECT_TRUE(Until([&] { return woken == 1; }));
}

TEST_F(ConnectionTest, CancelsAWait) {
  AttachFully();
  int woken = 0;
  const uint64_t registration = connection_.Wait({}, 0, [&](const Status&) { ++woken; });
  Receive();
  connection_.CancelWait(registration);
  const GotRequest cancel = Receive();
  ASSERT_NE(cancel->body_as_CancelWait(), nullptr);
  EXPECT_EQ(cancel->body_as_CancelWait()->registration(), registration);
  broker_.ReplyWoken(registration);  // was under way
  for (int i = 0; i < 10; ++i) Turn();
  EXPECT_EQ(woken, 0);
}

TEST_F(ConnectionTest, WakesWhoWaitsWhenTheLogIsAnotherOne) {
  AttachFully();
  int woken = 0;
  connection_.Wait({}, 9, [&](const Status& status) { woken += status.ok(); });
  Receive();
  const uint64_t generation = connection_.generation();
  broker_.Cut();
  broker_.NewLog();
  TakeAttach(/*resumed=*/false, 12);
  EXPECT_TRUE(Until([&] { return woken == 1; }));
  EXPECT_GT(connection_.generation(), generation);
}

TEST_F(ConnectionTest, SaysWhyAWaitWasRefused) {
  AttachFully();
  Status why;
  connection_.Wait({}, 9, [&](const Status& status) { why = status; });
  const uint64_t registration = Receive()->body_as_Wait()->registration();
  broker_.ReplyRefused(0, wire::RefusalCode::Busy, "too many", registration);
  EXPECT_TRUE(Until([&] { return !why.ok(); }));
  EXPECT_EQ(why.code(), StatusCode::kBusy);
}

TEST_F(ConnectionTest, KeepsTryingWhileSomebodyWaits) {
  AttachFully();
  int woken = 0;
  connection_.Wait({}, 9, [&](const Status&) { ++woken; });
  Receive();
  broker_.StopListening(/*unlink=*/true);
  ASSERT_TRUE(Until([this] { return !connection_.attached(); }));
  EXPECT_NE(connection_.NextTimerNs(), kNever);
  for (int i = 0; i < 50; ++i) Turn();
  EXPECT_NE(connection_.NextTimerNs(), kNever);
  EXPECT_EQ(woken, 0);
}

TEST_F(ConnectionTest, RefusesMoreWaitsThanABrokerTakes) {
  AttachFully();
  for (uint32_t i = 0; i < kWaitsPerSessionMax; ++i) {
    EXPECT_NE(connection_.Wait({}, 0, [](const Status&) {}), 0u);
  }
  Status why;
  EXPECT_EQ(connection_.Wait({}, 0, [&](const Status& status) { why = status; }), 0u);
  EXPECT_EQ(why.code(), StatusCode::kBusy);
}

// ---- the ring, segments, sessions ----

TEST_F(ConnectionTest, KeepsTheRingThatItHasMapped) {
  AttachFully();
  const RingReader* ring = connection_.ring();
  const uint64_t generation = connection_.generation();
  broker_.Cut();
  ASSERT_TRUE(Until([this] { return !connection_.attached(); }));
  EXPECT_EQ(connection_.ring(), ring);
  EXPECT_EQ(ring->head(), 0u);  // still readable
  TakeAttach(/*resumed=*/true);
  ASSERT_TRUE(Until([this] { return connection_.attached(); }));
  EXPECT_EQ(connection_.ring(), ring);
  EXPECT_EQ(connection_.generation(), generation);
}

TEST_F(ConnectionTest, PutsASegmentIntoTheCache) {
  ScratchDirectory directory;
  RecoveryReport report;
  auto log = LogWriter::Open({.directory = directory.path() + "/data",
                              .ring_bytes = 64 << 10,
                              .segment_bytes = 64 << 10,
                              .streams_max = 10},
                             "", nullptr, &report)
                 .value();
  const TestEvent event("a", "data");
  const EventToStage staged = event.Staged();
  BatchPlace place;
  ASSERT_EQ(log->Stage({&staged, 1}, {}, &place), StageOutcome::kStaged);
  ASSERT_TRUE(log->Commit().ok());
  const SegmentPlace segment = log->FindSegment(1, 0).value();

  AttachFully();
  Status fetched(StatusCode::kBusy, "not yet");
  connection_.FetchSegment(1, 0, kNever, [&](const Status& status) { fetched = status; });
  const GotRequest request = Receive();
  ASSERT_NE(request->body_as_FindSegment(), nullptr);
  EXPECT_EQ(request->body_as_FindSegment()->sequence(), 1u);
  broker_.ReplySegment(request.number(), segment.base_sequence, segment.base_position,
                       segment.fd.get());
  ASSERT_TRUE(Until([&] { return fetched.ok(); })) << fetched.message();
  EXPECT_NE(connection_.segments().FindBySequence(1), nullptr);

  connection_.FetchSegment(1, 0, kNever, [&](const Status& status) { fetched = status; });
  broker_.ReplySegment(Receive().number(), segment.base_sequence + 1, segment.base_position,
                       segment.fd.get());
  ASSERT_TRUE(Until([&] { return !fetched.ok(); }));
  EXPECT_EQ(fetched.code(), StatusCode::kCorruption);
}

TEST_F(ConnectionTest, SaysWhichEventIsTheOldestWhenASegmentIsGone) {
  AttachFully();
  Status fetched;
  connection_.FetchSegment(3, 0, kNever, [&](const Status& status) { fetched = status; });
  broker_.ReplyGone(Receive().number(), 50);
  ASSERT_TRUE(Until([&] { return !fetched.ok(); }));
  EXPECT_EQ(fetched.code(), StatusCode::kGone);
  EXPECT_EQ(connection_.oldest_told(), 50u);
}

TEST_F(ConnectionTest, ListsAllSessionsPageByPage) {
  AttachFully();
  std::vector<uint64_t> found;
  connection_.ListSessions(kNever, [&](const Result<std::vector<SessionInfo>>& sessions) {
    ASSERT_TRUE(sessions.ok());
    for (const SessionInfo& session : *sessions) found.push_back(session.session);
  });
  broker_.ReplySessions(Receive().number(), {3, 5}, /*more=*/true);
  const GotRequest second = Receive();
  EXPECT_EQ(second->body_as_ListSessions()->after(), 5u);
  broker_.ReplySessions(second.number(), {8}, /*more=*/false);
  EXPECT_TRUE(Until([&] { return !found.empty(); }));
  EXPECT_THAT(found, ElementsAre(3, 5, 8));
}

}  // namespace
}  // namespace roost
