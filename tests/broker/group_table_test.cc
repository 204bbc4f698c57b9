// How groups are kept: spans against a plain map, and what a log says that no broker wrote.
#include "broker/groups/group_table.h"

#include <flatbuffers/flatbuffer_builder.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "broker/groups/span_map.h"
#include "broker/groups/worn_out.h"
#include "broker/own_event.h"
#include "log/record.h"

namespace roost {
namespace {

TEST(SpanMapTest, IsWhatAMapOfRevisionsIs) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  SpanMap spans;
  std::map<uint64_t, uint64_t> plain;
  for (int step = 0; step < 5000; ++step) {
    const uint64_t first = 1 + random() % 60;
    const RevisionRange range{first, first + random() % 12};
    std::vector<SpanMap::Span> within;
    for (uint64_t revision = range.first; revision <= range.last; ++revision) {
      const auto found = plain.find(revision);
      if (found == plain.end()) continue;
      const SpanMap::Found span = spans.Find(revision);
      ASSERT_TRUE(span.is_there && span.owner == found->second) << revision;
      within.push_back({{revision, revision}, found->second});
    }
    uint64_t count = 0;
    for (const SpanMap::Span& span : spans.Within(range)) count += span.range.count();
    ASSERT_EQ(count, within.size());
    ASSERT_EQ(spans.Covers(range), within.size() == range.count());
    if (random() % 2 == 0) {
      spans.Erase(range);
      plain.erase(plain.lower_bound(range.first), plain.upper_bound(range.last));
    } else if (within.empty()) {
      const uint64_t owner = random() % 3;
      spans.Insert(range, owner);
      for (uint64_t i = range.first; i <= range.last; ++i) plain[i] = owner;
    }
    ASSERT_EQ(spans.count(), plain.size());
    ASSERT_EQ(spans.empty(), plain.empty());
    if (!plain.empty()) {
      ASSERT_EQ(spans.lowest(), plain.begin()->first);
    }
    RevisionRanges lowest;
    auto next = plain.begin();
    for (int i = 0; i < 7 && next != plain.end(); ++i, ++next) {
      AddRange({next->first, next->first}, &lowest);
    }
    ASSERT_EQ(spans.Lowest(7), lowest);
  }
}

TEST(SpanMapTest, KeepsARunOfOneOwnerAsOneSpan) {
  SpanMap spans;
  spans.Insert({1, 10}, 7);
  spans.Insert({21, 30}, 7);
  spans.Insert({11, 20}, 7);
  ASSERT_EQ(spans.Within({1, 100}).size(), 1u);
  EXPECT_EQ(spans.Within({1, 100})[0], (SpanMap::Span{{1, 30}, 7}));
  spans.Insert({31, 31}, 8);
  EXPECT_EQ(spans.Within({1, 100}).size(), 2u);
}

TEST(RevisionRangesTest, AreSortedAndPutTogether) {
  EXPECT_EQ(Normalized({{7, 9}, {1, 2}, {3, 3}}, 100), (RevisionRanges{{1, 3}, {7, 9}}));
  EXPECT_EQ(Normalized({}, 100), RevisionRanges());
}

TEST(RevisionRangesTest, AreRefusedWhenTheyCanNotBe) {
  EXPECT_FALSE(Normalized({{0, 3}}, 100).has_value());
  EXPECT_FALSE(Normalized({{3, 2}}, 100).has_value());
  EXPECT_FALSE(Normalized({{1, 5}, {5, 6}}, 100).has_value());
  EXPECT_FALSE(Normalized({{1, 101}}, 100).has_value());
  EXPECT_FALSE(Normalized({{1, UINT64_MAX}}, 100).has_value());
  EXPECT_FALSE(Normalized({{1, 60}, {100, 141}}, 100).has_value());
  EXPECT_TRUE(Normalized({{1, 60}, {100, 139}}, 100).has_value());
}

TEST(RevisionRangesTest, LeaveOutSomeOfThemselves) {
  EXPECT_EQ(Without({{1, 10}, {20, 30}}, {{1, 1}, {5, 6}, {10, 10}, {20, 30}}),
            (RevisionRanges{{2, 4}, {7, 9}}));
  EXPECT_EQ(Without({{1, 3}}, {}), (RevisionRanges{{1, 3}}));
}

TEST(GroupStateTest, HandsScatteredEventsOutInFewRanges) {
  GroupState state(1);
  state.Take(RevisionRanges{{1, 200}}, 1);
  for (uint64_t revision = 1; revision <= 200; revision += 2) {
    state.Return(RevisionRanges{{revision, revision}});
  }
  const RevisionRanges first = state.Available(300, 500);
  ASSERT_EQ(first.size(), GroupState::kRangesMax);
  EXPECT_EQ(first.back(), (RevisionRange{63, 63}));
  // The others come with the next ones, and new ones after them.
  for (int takes = 0; takes < 3; ++takes) state.Take(state.Available(300, 500), 2);
  const RevisionRanges last = state.Available(300, 500);
  EXPECT_EQ(last.front(), (RevisionRange{193, 193}));
  EXPECT_EQ(last.back(), (RevisionRange{201, 300}));
}

class GroupTableTest : public ::testing::Test {
 protected:
  void Tell(const std::string& type, const std::string& data,
            const std::string& stream = "$groups/tasks/g") {
    RecordHeader header{};
    header.sequence = ++sequence_;
    header.session = 3;
    const Bytes body = BuildOwnEvent(builder_, stream, type, data);
    table_.OnOwnEvent(header, *DecodeEventBody(body));
  }
  const GroupState& State() { return table_.Find({"tasks", "g"})->state; }

  GroupTable table_;
  flatbuffers::FlatBufferBuilder builder_;
  uint64_t sequence_ = 0;
};

TEST_F(GroupTableTest, SkipsWhatIsOfNoGroup) {
  Tell("group.created", R"({"next":1})", "$groups/tasks");
  Tell("group.created", R"({"next":1})", "$groups//g");
  Tell("group.created", R"({"next":1})", "$groups/tasks/");
  Tell("group.created", R"({"next":1})", "$leases");
  Tell("group.taken", R"({"lease_ms":100,"revisions":[[1,1]]})");
  EXPECT_EQ(table_.size(), 0u);
}

TEST_F(GroupTableTest, SkipsWhatMakesNoSense) {
  Tell("group.created", R"({"next":0})");
  Tell("group.created", R"({"next":-1})");
  Tell("group.created", "[");
  Tell("group.created", "7");
  EXPECT_EQ(table_.size(), 0u);
  Tell("group.created", R"({"next":1})");
  Tell("group.taken", R"({"lease_ms":100,"revisions":[[1,2]]})");
  const GroupState before = State();
  for (const char* data :
       {R"({})", R"({"revisions":[]})", R"({"revisions":[[1]]})", R"({"revisions":[["1",2]]})",
        R"({"revisions":[[1,1]]})", R"({"revisions":[[1,18446744073709551615]]})",
        R"({"revisions":[[4,4]]})", R"({"revisions":[[2,3]],"lease_ms":100})",
        R"({"revisions":[[3,3]],"lease_ms":99999999999})", R"({"revisions":7})"}) {
    Tell("group.taken", data);
  }
  for (const char* data : {R"({"revisions":[[3,3]],"outcome":"done","count":1})",
                           R"({"revisions":[[1,1]],"outcome":"lost","count":1})",
                           R"({"revisions":[[1,1]],"outcome":"done","count":501})",
                           R"({"revisions":[[1,1]],"outcome":"done"})"}) {
    Tell("group.settled", data);
  }
  Tell("group.returned", R"({"revisions":[[3,3]]})");
  Tell("group.parked", R"({"revisions":[[3,3]]})");
  Tell("group.retried", R"({"revisions":[[1,1]]})");
  Tell("group.dropped", R"({"revisions":[[1,1]]})");
  Tell("group.created", R"({"next":9})");
  Tell("group.unheard.of", R"({"revisions":[[1,1]]})");
  EXPECT_EQ(State(), before);
  EXPECT_EQ(table_.open_in_all(), 2u);
}

TEST_F(GroupTableTest, TakesAMemberMoreThanItKnows) {
  Tell("group.created", R"({"next":5,"colour":"red"})");
  EXPECT_EQ(State().next(), 5u);
}

}  // namespace
}  // namespace roost
