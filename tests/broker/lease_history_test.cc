// Random histories of claims, with commits that fail, leases that expire, sessions that end and brokers that begin anew from
// the log: whatever happened, the table is what the log says, nobody holds what another holds, and nobody overtakes who
// waits. The oracle knows keys as sets of texts and reads events by itself.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <deque>
#include <map>
#include <random>
#include <set>

#include "broker/coordination/own_streams.h"
#include "broker/leases/lease_room.h"
#include "broker/leases/recovered_leases.h"
#include "broker/logging.h"
#include "broker/own_event.h"
#include "tests/broker/coordination_fixture.h"
#include "tests/support/claim_oracle.h"

namespace roost {
namespace {

TEST(LeaseHistoryTest, KnowsItsKeys) {
  for (const auto& [a, a_texts] : kClaimTexts) {
    for (const auto& [b, b_texts] : kClaimTexts) {
      MatchBudget budget(10'000);
      EXPECT_EQ(KeysOverlap(a, b, &budget), Meet(a_texts, b_texts)) << a << " " << b;
    }
  }
}

class LeaseHistoryTest : public CoordinationFixture {
 protected:
  struct Pending {
    uint64_t asked;  // when, in the order of all that was asked
    uint64_t session;
    uint64_t number;
    std::vector<std::string> keys;
    uint64_t deadline_ns;
  };

  static uint64_t Now() { return now_ns_; }

  void SetUp() override {
    SetLogLevel(LogLevel::kError);
    CoordinationFixture::SetUp();
    room_.emplace(LeaseRoom::Parts{&leases_, &sessions_, &*changes_, &waiting_, &Now});
    MakeCoordinator({{&*room_,
                      {wire::RequestBody::Claim, wire::RequestBody::Release},
                      {KeptAnswer::Kind::kGranted, KeptAnswer::Kind::kReleased}}});
    now_ns_ = 1'000'000'000;
    for (int i = 0; i < 4; ++i) NewMember();
  }

  void NewMember() {
    const uint64_t number = 1'000'000 + ++sessions_made_;
    members_.push_back(Join(number, "agent" + std::to_string(number)));
    numbers_[number] = 0;
  }

  uint32_t Random(size_t below) { return static_cast<uint32_t>(random_() % below); }

  Member& AnyMember() { return *members_[Random(members_.size())]; }

  void AskClaim() {
    Member& member = AnyMember();
    ClaimFields fields;
    for (size_t i = 0; i < 1 + Random(3); ++i) {
      fields.keys.push_back(std::next(kClaimTexts.begin(), Random(kClaimTexts.size()))->first);
    }
    fields.ttl_ms = 100 + Random(4000);
    if (Random(3) == 0) fields.ttl_ms = 3000;
    if (Random(2) == 0) fields.wait_ms = 1 + Random(10'000);
    const uint64_t session = member.session->number;
    const uint64_t number = ++numbers_[session];
    ++asked_;
    asked_at_[{session, number}] = asked_;
    Ask(member, ClaimBytes(number, fields));
    // Queued comes at once; the keys are only known here.
    last_claim_ = {asked_, session, number, fields.keys, now_ns_ + fields.wait_ms * kNsPerMs};
    Drain();
  }

  void AskRelease() {
    Member& member = AnyMember();
    if (leases_.size() == 0) return;
    const Lease* lease = leases_.FindAfter(0);
    for (size_t i = Random(leases_.size()); i > 0; --i) lease = leases_.FindAfter(lease->token);
    Ask(member, ReleaseBytes(++numbers_[member.session->number], lease->token));
  }

  void CancelOne() {
    if (pending_.empty()) return;
    const auto chosen = pending_.begin() + static_cast<ptrdiff_t>(Random(pending_.size()));
    coordinator_->Cancel(*sessions_.Find(chosen->session), chosen->number);
    pending_.erase(chosen);
  }

  void PassTime() {
    now_ns_ += Random(3'000'000'000);
    own_events_in_turn_ = own_events_in_turn_ || now_ns_ >= leases_.NextExpiryNs();
    coordinator_->OnTimer(now_ns_);
  }

  void EndMember() {
    const size_t which = Random(members_.size());
    Session& session = *members_[which]->session;
    own_events_in_turn_ = own_events_in_turn_ || !leases_.TokensOf(session.number).empty();
    coordinator_->OnSessionEnded(session, "left");
    std::erase_if(pending_, [&](const Pending& p) { return p.session == session.number; });
    // Its leases are gone from the table at once.
    ASSERT_TRUE(leases_.TokensOf(session.number).empty());
    sessions_.End(session, now_ns_);
    turn_->Finish();  // what it is owed goes with it
    members_.erase(members_.begin() + static_cast<ptrdiff_t>(which));
    NewMember();
  }

  // Whatever members were sent.
  void Drain() {
    for (const auto& member : members_) {
      while (const wire::Reply* reply = member->Receive()) {
        const std::pair id{member->session->number, reply->number()};
        if (reply->body_as_Queued() != nullptr) {
          pending_.push_back(last_claim_);
        } else if (const wire::Granted* granted = reply->body_as_Granted()) {
          told_.emplace_back(id.first, granted->token());
        }
        if (reply->body_as_Queued() == nullptr) RemovePending(id.first, id.second);
      }
    }
  }
  void RemovePending(uint64_t session, uint64_t number) {
    std::erase_if(pending_,
                  [&](const Pending& p) { return p.session == session && p.number == number; });
  }

  void EndTurnAndCheck() {
    const bool fails = !own_events_in_turn_ && Random(4) == 0;
    if (fails) log_.next_commit = full_;
    EndTurn();
    log_.next_commit = {};
    if (fails) Drain();                                  // who was refused does not wait any more
    while (coordinator_->NextTimerNs() == 0) EndTurn();  // as the sequencer does, at once
    own_events_in_turn_ = false;
    CheckEvents();
    Drain();
    CheckTold();
    CheckRebuilt();
    CheckWaiting();
  }

  void CheckEvents() {
    for (; seen_ < log_.events().size(); ++seen_) {
      const ScriptedLog::Event& event = log_.events()[seen_];
      const wire::Event& body = *DecodeEventBody(AsBytes(event.body));
      if (body.type()->str() == "lease.granted") CheckOrder(event, body);
      if (event.stream == kLeasesStream) {
        oracle_.See(seen_ + 1, event.origin.session, body.type()->str(), DataOf(body));
      }
      ASSERT_TRUE(oracle_.violations().empty()) << oracle_.violations().front();
      RemovePending(event.origin.session, event.origin.request);
    }
  }

  // Nobody of another session who asked before waits for one of these keys.
  void CheckOrder(const ScriptedLog::Event& event, const wire::Event& body) {
    const uint64_t asked = asked_at_.at({event.origin.session, event.origin.request});
    const auto keys = ClaimOracle::KeysIn(boost::json::parse(std::string(DataOf(body))));
    const ClaimTexts fresh = oracle_.NewTexts(event.origin.session, keys);
    for (const Pending& pending : pending_) {
      if (pending.asked >= asked || pending.session == event.origin.session) continue;
      if (pending.deadline_ns <= now_ns_) continue;  // its time was over before
      ASSERT_FALSE(Meet(fresh, oracle_.NewTexts(pending.session, pending.keys)))
          << "event " << seen_ + 1 << " overtakes request " << pending.number << " of "
          << pending.session << "\n"
          << Describe();
    }
  }

  void CheckTold() {
    for (const auto& [session, token] : told_) {
      ASSERT_LE(token, log_.events().size());
      ASSERT_EQ(log_.events()[token - 1].origin.session, session);
      ASSERT_EQ(log_.events()[token - 1].stream, kLeasesStream);
    }
    told_.clear();
  }

  void CheckRebuilt() {
    LeaseTable rebuilt = Rebuild();
    ASSERT_EQ(rebuilt.size(), leases_.size());
    ASSERT_EQ(rebuilt.keys(), leases_.keys());
    ASSERT_EQ(rebuilt.glob_leases(), leases_.glob_leases());
    ASSERT_EQ(oracle_.held().size(), leases_.size());
    for (const auto& [token, held] : oracle_.held()) {
      const Lease* live = leases_.Find(token);
      const Lease* again = rebuilt.Find(token);
      ASSERT_NE(live, nullptr) << token;
      ASSERT_NE(again, nullptr) << token;
      for (const Lease* lease : {live, again}) {
        ASSERT_EQ(lease->session, held.session);
        ASSERT_EQ(lease->keys, held.keys);
      }
      ASSERT_EQ(live->agent, again->agent);
      ASSERT_EQ(live->ttl_ms, again->ttl_ms);
      ASSERT_EQ(live->note, again->note);
      ASSERT_GT(live->expires_ns, now_ns_);
    }
  }

  LeaseTable Rebuild() {
    LeaseTable rebuilt;
    RecoveredLeases recovered(&rebuilt);
    for (size_t i = 0; i < log_.events().size(); ++i) {
      const ScriptedLog::Event& event = log_.events()[i];
      RecordHeader header{};
      header.sequence = i + 1;
      header.session = event.origin.session;
      recovered.OnOwnEvent(header, *DecodeEventBody(AsBytes(event.body)));
    }
    return rebuilt;
  }

  // Who waits does so for somebody.
  void CheckWaiting() {
    ASSERT_EQ(waiting_.waiting(), pending_.size());
    for (const Pending& pending : pending_) {
      const ClaimTexts fresh = oracle_.NewTexts(pending.session, pending.keys);
      const bool is_held = std::ranges::any_of(oracle_.held(), [&](const auto& lease) {
        return lease.second.session != pending.session && Meet(fresh, TextsOf(lease.second.keys));
      });
      const bool is_behind = std::ranges::any_of(pending_, [&](const Pending& before) {
        return before.asked < pending.asked && before.session != pending.session &&
               Meet(fresh, TextsOf(before.keys));
      });
      ASSERT_TRUE(is_held || is_behind)
          << "request " << pending.number << " of " << pending.session << " waits for nobody\n"
          << Describe();
    }
  }

  std::string Describe() const {
    std::string text;
    const auto add = [&text](const std::string& what, const std::vector<std::string>& keys) {
      text += what + ":";
      for (const std::string& key : keys) text += " " + key;
      text += "\n";
    };
    for (const auto& [token, held] : oracle_.held()) {
      add(std::to_string(token) + " held by " + std::to_string(held.session), held.keys);
    }
    for (const Pending& pending : pending_) {
      add("asked " + std::to_string(pending.asked) + " by " + std::to_string(pending.session),
          pending.keys);
    }
    return text;
  }

  // A broker that begins anew with the same sessions.
  void BeginAnew() {
    leases_ = Rebuild();
    coordinator_->OnStarted(now_ns_);
  }

  void Run(uint32_t seed, int steps) {
    random_.seed(seed);
    for (int i = 0; i < steps && !HasFatalFailure(); ++i) {
      const uint32_t kind = Random(100);
      if (kind < 45) {
        AskClaim();
      } else if (kind < 70) {
        AskRelease();
      } else if (kind < 75) {
        CancelOne();
      } else if (kind < 80) {
        PassTime();
      } else if (kind < 82) {
        EndMember();
      } else if (kind < 98) {
        EndTurnAndCheck();
      } else {
        EndTurnAndCheck();
        if (!HasFatalFailure()) BeginAnew();
      }
    }
    EndTurnAndCheck();
  }

  static inline uint64_t now_ns_ = 0;
  LeaseTable leases_;
  std::optional<LeaseRoom> room_;
  std::deque<std::unique_ptr<Member>> members_;
  std::map<uint64_t, uint64_t> numbers_;  // newest request by session
  std::map<std::pair<uint64_t, uint64_t>, uint64_t> asked_at_;
  std::vector<Pending> pending_;
  Pending last_claim_{};
  std::vector<std::pair<uint64_t, uint64_t>> told_;  // session, token
  ClaimOracle oracle_;
  std::mt19937 random_;
  uint64_t asked_ = 0;
  uint64_t sessions_made_ = 0;
  size_t seen_ = 0;
  bool own_events_in_turn_ = false;
};

class LeaseHistoriesTest : public LeaseHistoryTest,
                           public ::testing::WithParamInterface<uint32_t> {};

TEST_P(LeaseHistoriesTest, AreWhatTheLogSays) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  Run(GetParam(), 3000);
  EXPECT_GT(log_.events().size(), 100u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, LeaseHistoriesTest, ::testing::Range(1u, 9u));

}  // namespace
}  // namespace roost
