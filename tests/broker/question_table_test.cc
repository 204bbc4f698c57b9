#include "broker/verdicts/question_table.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "broker/own_event.h"
#include "log/record.h"

namespace roost {
namespace {

using Type = QuestionEvent::Type;

VerdictKey KeyOf(uint32_t name) {
  VerdictKey key{};
  std::memcpy(key.data(), &name, sizeof(name));
  return key;
}

// As much of a table as its events say.
std::string Describe(const QuestionTable& table) {
  std::string text;
  for (const auto& [id, open] : table.open()) {
    text += fmt::format("open {} {} {} {}: {} {} {} {} {} {} {}\n", KeyDigits(id.key), id.policy,
                        id.uid, open.kind, open.sequence, open.revision, open.last_revision,
                        open.session, open.token, open.agent, open.is_assigned);
  }
  for (const auto& [id, known] : table.verdicts()) {
    text += fmt::format("verdict {} {} {} {}: {} {} {} {} {} {}\n", KeyDigits(id.key), id.policy,
                        id.uid, known.kind, static_cast<int>(known.verdict), known.reason, known.by,
                        known.decided_ns, known.sequence, known.ttl_ms);
  }
  return text;
}

// Events as the room writes them, one after another.
class QuestionTableTest : public ::testing::Test {
 protected:
  QuestionEvent Make(Type type, uint32_t name, uint64_t session) {
    QuestionEvent event;
    event.type = type;
    event.key = KeyOf(name);
    event.session = session;
    event.agent = type == Type::kRuled ? "asker" : "a" + std::to_string(session);
    event.sequence = ++sequence_;
    event.revision = ++revision_;
    event.time_ns = 1'000'000 + sequence_;
    if (type == Type::kReassigned || type == Type::kAbandoned) return event;
    event.kind = "kind";
    event.policy = policy_;
    event.uid = type == Type::kRuled ? kAnyUid : 7;
    if (type == Type::kAsked) return event;
    event.verdict = wire::Verdict::Deny;
    event.reason = "because of \"this\"";
    event.ttl_ms = 1000;
    return event;
  }
  uint64_t Ask(uint32_t name, uint64_t session, UndoLog* undo = nullptr) {
    const QuestionEvent event = Make(Type::kAsked, name, session);
    table_.Apply(event, now_ns_, undo);
    return event.sequence;
  }
  void Decide(uint32_t name, UndoLog* undo = nullptr) {
    table_.Apply(Make(Type::kDecided, name, 1), now_ns_, undo);
  }
  QuestionId Id(uint32_t name) const { return {KeyOf(name), policy_, 7}; }

  QuestionTable table_;
  uint64_t sequence_ = 0;
  uint64_t revision_ = 0;
  uint64_t policy_ = 0;
  uint64_t now_ns_ = 1'000;
};

TEST_F(QuestionTableTest, KnowsWhoDecidesUntilItIsDecided) {
  const uint64_t token = Ask(1, 5);
  ASSERT_NE(table_.FindOpen(Id(1)), nullptr);
  EXPECT_EQ(table_.FindOpen(Id(1))->token, token);
  EXPECT_EQ(table_.DecidedBy(5), std::vector<QuestionId>{Id(1)});
  Decide(1);
  EXPECT_EQ(table_.FindOpen(Id(1)), nullptr);
  EXPECT_TRUE(table_.DecidedBy(5).empty());
  EXPECT_NE(table_.FindVerdict(Id(1), now_ns_), nullptr);
  EXPECT_EQ(table_.FindVerdict(Id(1), now_ns_ + 1'000'000'000), nullptr);
}

// As a start reads it: the policy went and came back, and nothing was written about it.
TEST_F(QuestionTableTest, AsksAnewWhatAnotherPolicyMadeItForget) {
  Ask(1, 5);
  const uint64_t token = Ask(1, 6);
  ASSERT_NE(table_.FindOpen(Id(1)), nullptr);
  EXPECT_EQ(table_.FindOpen(Id(1))->token, token);
  EXPECT_TRUE(table_.DecidedBy(5).empty());
  EXPECT_EQ(table_.DecidedBy(6), std::vector<QuestionId>{Id(1)});
}

TEST_F(QuestionTableTest, EndsLeasesInTheirOrder) {
  Ask(1, 5);
  now_ns_ += 10;
  Ask(2, 5);
  EXPECT_EQ(table_.NextLeaseEndNs(), 1'000 + QuestionTable::kLeaseNs);
  EXPECT_EQ(table_.FirstLate(table_.NextLeaseEndNs() - 1), std::nullopt);
  EXPECT_EQ(table_.FirstLate(table_.NextLeaseEndNs()), Id(1));
  table_.StopLease(Id(1));
  EXPECT_EQ(table_.NextLeaseEndNs(), 1'010 + QuestionTable::kLeaseNs);
}

TEST_F(QuestionTableTest, ForgetsTheLongestAbandonedQuestionForANewOne) {
  for (uint32_t name = 0; name < QuestionTable::kOpenMax; ++name) Ask(name, 1 + name % 100);
  EXPECT_FALSE(table_.HasRoomFor(5000));
  QuestionEvent abandoned = Make(Type::kAbandoned, 3, 4);
  abandoned.question = table_.FindOpen(Id(3))->sequence;
  table_.Apply(abandoned, now_ns_, nullptr);
  EXPECT_TRUE(table_.HasRoomFor(5000));
  const std::string before = Describe(table_);
  UndoLog undo;
  Ask(1'000'000, 5000, &undo);
  EXPECT_EQ(table_.FindOpen(Id(3)), nullptr);
  EXPECT_NE(table_.FindOpen(Id(1'000'000)), nullptr);
  EXPECT_EQ(table_.open().size(), QuestionTable::kOpenMax);
  undo.RollBack();
  EXPECT_EQ(Describe(table_), before);
}

TEST_F(QuestionTableTest, LetsNoSessionDecideAllThereIs) {
  for (uint32_t name = 0; name < QuestionTable::kOpenPerSessionMax; ++name) Ask(name, 1);
  EXPECT_FALSE(table_.HasRoomFor(1));
  EXPECT_TRUE(table_.HasRoomFor(2));
}

TEST_F(QuestionTableTest, ForgetsTheOldestVerdicts) {
  for (uint32_t name = 0; name <= QuestionTable::kDecidedPerUidMax; ++name) Decide(name);
  EXPECT_EQ(table_.FindVerdict(Id(0), now_ns_), nullptr);
  EXPECT_NE(table_.FindVerdict(Id(1), now_ns_), nullptr);
  EXPECT_EQ(table_.verdicts().size(), QuestionTable::kDecidedPerUidMax);
}

TEST_F(QuestionTableTest, ForgetsOpenQuestionsOfAnotherPolicy) {
  Ask(1, 5);
  Decide(2);
  table_.SetPolicy(9);
  EXPECT_TRUE(table_.open().empty());
  EXPECT_EQ(table_.NextLeaseEndNs(), UINT64_MAX);
  EXPECT_EQ(table_.verdicts().size(), 1u);
}

TEST_F(QuestionTableTest, RestartsNoTimeThatIsOver) {
  Decide(1);
  const uint64_t decided_ns = table_.verdicts().at(Id(1)).decided_ns;
  const uint64_t end_ns = decided_ns + 1000 * 1'000'000;
  const QuestionTable before = table_;
  table_.RestartTimes(now_ns_, end_ns - 1);
  EXPECT_NE(table_.FindVerdict(Id(1), now_ns_), nullptr);
  EXPECT_EQ(table_.FindVerdict(Id(1), now_ns_ + 1'000'000'000), nullptr);
  table_ = before;
  table_.RestartTimes(now_ns_, end_ns);
  EXPECT_EQ(table_.FindVerdict(Id(1), now_ns_), nullptr);
  // The clock was set back.
  table_ = before;
  table_.RestartTimes(now_ns_, decided_ns - 1);
  EXPECT_EQ(table_.FindVerdict(Id(1), now_ns_), nullptr);
}

TEST_F(QuestionTableTest, RestartsWhatHoldsForEverAndNoRuleThatDoesNot) {
  for (const uint64_t ttl_ms : {0u, 1000u}) {
    QuestionEvent decided = Make(Type::kDecided, 1, 1);
    QuestionEvent ruled = Make(Type::kRuled, 2, 1);
    decided.ttl_ms = ruled.ttl_ms = ttl_ms;
    table_.Apply(decided, now_ns_, nullptr);
    table_.Apply(ruled, now_ns_, nullptr);
    table_.RestartTimes(now_ns_, decided.time_ns + 1);
    EXPECT_NE(table_.FindVerdict(Id(1), now_ns_), nullptr);
    const QuestionId ruled_id{KeyOf(2), policy_, kAnyUid};
    EXPECT_EQ(table_.FindVerdict(ruled_id, now_ns_) != nullptr, ttl_ms == 0);
  }
}

TEST_F(QuestionTableTest, ForgetsTheVerdictOfWhatIsAskedAnew) {
  Decide(1);
  const std::string before = Describe(table_);
  UndoLog undo;
  Ask(1, 5, &undo);
  EXPECT_TRUE(table_.verdicts().empty());
  undo.RollBack();
  EXPECT_EQ(Describe(table_), before);
}

TEST_F(QuestionTableTest, SkipsEventsThatMakeNoSense) {
  QuestionEvent nonsense = Make(Type::kReassigned, 1, 1);
  nonsense.question = 77;
  table_.Apply(nonsense, 0, nullptr);
  EXPECT_TRUE(table_.open().empty());
  flatbuffers::FlatBufferBuilder builder;
  RecordHeader header{};
  for (const char* data :
       {"", "1", "{}", R"({"key":"00"})", R"({"key":1})",
        R"({"key":"zz00000000000000000000000000000000000000000000000000000000000000"})"}) {
    for (const auto& [stream, type] : {std::pair("$questions", "question.asked"),
                                       {"$questions", "question.reassigned"},
                                       {"$verdicts", "verdict.decided"},
                                       {"$verdicts", "verdict.ruled"},
                                       {"$verdicts", "other"}}) {
      const Bytes body = BuildOwnEvent(builder, stream, type, data, "a");
      table_.OnOwnEvent(header, *DecodeEventBody(body));
    }
  }
  EXPECT_TRUE(table_.open().empty());
  EXPECT_TRUE(table_.verdicts().empty());
}

// Random histories, some changes of which are taken back: what is rebuilt from the events that stayed is equal.
TEST_F(QuestionTableTest, IsRebuiltFromItsEventsAlone) {
  for (uint32_t seed = 1; seed <= 30; ++seed) {
    std::mt19937 random(seed);
    QuestionTable live, rebuilt;
    sequence_ = revision_ = policy_ = 0;
    flatbuffers::FlatBufferBuilder builder;
    std::vector<QuestionEvent> turn;
    UndoLog undo;
    const auto apply = [&](const QuestionEvent& event) {
      live.Apply(event, sequence_, &undo);
      turn.push_back(event);
    };
    for (int step = 0; step < 400; ++step) {
      const auto name = static_cast<uint32_t>(random() % 12);
      const uint64_t session = 1 + random() % 5;
      const OpenQuestion* open = live.FindOpen(Id(name));
      QuestionEvent event;
      switch (random() % 8) {
        case 0:
          apply(Make(Type::kRuled, name + 100, session));
          break;
        case 1:
        case 2:
          if (open != nullptr) break;
          apply(Make(Type::kAsked, name, session));
          break;
        case 3:
        case 4:
          if (open == nullptr) break;
          event = Make(random() % 2 == 0 ? Type::kReassigned : Type::kAbandoned, name, session);
          event.question = open->sequence;
          apply(event);
          break;
        case 5:
          if (open == nullptr) break;
          event = Make(Type::kDecided, name, session);
          event.question = open->sequence;
          apply(event);
          break;
        default:
          break;
      }
      if (random() % 3 != 0 && step != 399) continue;
      // The end of the turn.
      if (random() % 4 == 0) {
        undo.RollBack();
        sequence_ -= turn.size();
        revision_ -= turn.size();
      } else {
        undo.Accept();
        for (const QuestionEvent& done : turn) {
          RecordHeader header{};
          header.sequence = done.sequence;
          header.revision = done.revision;
          header.session = done.session;
          header.time_ns = done.time_ns;
          const Bytes body =
              BuildOwnEvent(builder, QuestionEventStream(done.type), QuestionEventType(done.type),
                            EncodeQuestionEvent(done, R"({"in":[1]})", "rule"), done.agent);
          rebuilt.OnOwnEvent(header, *DecodeEventBody(body));
        }
      }
      turn.clear();
      if (random() % 40 == 0) live.SetPolicy(++policy_);
    }
    live.SetPolicy(++policy_);
    rebuilt.SetPolicy(policy_);
    ASSERT_EQ(Describe(rebuilt), Describe(live)) << "seed " << seed;
    ASSERT_FALSE(live.verdicts().empty());
  }
}

}  // namespace
}  // namespace roost
