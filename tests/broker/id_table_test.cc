#include "broker/id_table.h"

#include <gtest/gtest.h>

#include <string>

#include "ipc/messages.h"

namespace roost {
namespace {

constexpr int64_t kNowNs = 5'000'000'000;

class IdTableTest : public ::testing::Test {
 protected:
  void Use(IdTable& ids, const std::string& id, uint32_t uid = 1, int64_t now_ns = kNowNs) {
    UsedId used;
    used.last = ++last_;
    ids.Add(ids.KeyOf("s", id), used, uid, now_ns);
  }

  static bool Knows(IdTable& ids, const std::string& id, int64_t now_ns = kNowNs) {
    return ids.Find(ids.KeyOf("s", id), now_ns) != nullptr;
  }

  uint64_t last_ = 0;
};

TEST_F(IdTableTest, FindsAnIdInItsStreamOnly) {
  IdTable ids;
  Use(ids, "a");
  EXPECT_TRUE(Knows(ids, "a"));
  EXPECT_FALSE(Knows(ids, "b"));
  EXPECT_EQ(ids.Find(ids.KeyOf("t", "a"), kNowNs), nullptr);
}

TEST_F(IdTableTest, DoesNotConfuseWhereTheStreamEnds) {
  IdTable ids;
  EXPECT_NE(ids.KeyOf("ab", "c"), ids.KeyOf("a", "bc"));
}

TEST_F(IdTableTest, ForgetsAfterAnHour) {
  IdTable ids;
  Use(ids, "a");
  const auto hour = static_cast<int64_t>(IdTable::Limits().age_ns_max);
  EXPECT_TRUE(Knows(ids, "a", kNowNs + hour));
  EXPECT_FALSE(Knows(ids, "a", kNowNs + hour + 1));
}

TEST_F(IdTableTest, GivesTheMemoryOfOldIdsBack) {
  IdTable ids;
  for (int i = 0; i < 10; ++i) Use(ids, "old" + std::to_string(i));
  const auto later = kNowNs + 2 * static_cast<int64_t>(IdTable::Limits().age_ns_max);
  for (int i = 0; i < 10; ++i) Use(ids, "new" + std::to_string(i), 1, later);
  EXPECT_EQ(ids.size(), 10u);
}

TEST_F(IdTableTest, TakesAnIdAgainThatIsTooOldToBeFound) {
  IdTable ids;
  Use(ids, "a");
  const auto later = kNowNs + 2 * static_cast<int64_t>(IdTable::Limits().age_ns_max);
  Use(ids, "a", 1, later);
  ASSERT_TRUE(Knows(ids, "a", later));
  EXPECT_EQ(ids.Find(ids.KeyOf("s", "a"), later)->last, 2u);
  EXPECT_EQ(ids.size(), 1u);
}

TEST_F(IdTableTest, LetsAUidCrowdOutItselfAlone) {
  IdTable ids({.ids_max = 100, .ids_per_uid_max = 3, .age_ns_max = UINT64_MAX / 4});
  Use(ids, "theirs", 2);
  for (const char* id : {"a", "b", "c", "d"}) Use(ids, id, 1);
  EXPECT_FALSE(Knows(ids, "a"));
  for (const char* id : {"theirs", "b", "c", "d"}) EXPECT_TRUE(Knows(ids, id)) << id;
}

TEST_F(IdTableTest, DropsTheOldestWhenFull) {
  IdTable ids({.ids_max = 3, .ids_per_uid_max = 3, .age_ns_max = UINT64_MAX / 4});
  Use(ids, "a", 1);
  Use(ids, "b", 2);
  Use(ids, "c", 3);
  Use(ids, "d", 4);
  EXPECT_EQ(ids.size(), 3u);
  EXPECT_FALSE(Knows(ids, "a"));
  EXPECT_TRUE(Knows(ids, "d"));
}

TEST_F(IdTableTest, TakesBackWhatACommitDidNotTake) {
  IdTable ids;
  Use(ids, "a");
  Use(ids, "b");
  ids.Remove(ids.KeyOf("s", "a"));
  ids.Remove(ids.KeyOf("s", "a"));
  EXPECT_FALSE(Knows(ids, "a"));
  EXPECT_TRUE(Knows(ids, "b"));
  Use(ids, "c");
  EXPECT_TRUE(Knows(ids, "c"));
}

// The hash of a batch of one event with these fields.
Hash128 ContentOf(IdTable& ids, const EventFields& fields) {
  RequestEncoder encoder;
  encoder.BeginAppend();
  encoder.AddEvent(fields);
  const Bytes request = encoder.FinishAppend(1);
  const auto* append = wire::GetRequest(request.data())->body_as_Append();
  const wire::Event* event = append->events()->Get(0)->event_nested_root();
  return ids.ContentOf(std::span(&event, 1));
}

TEST_F(IdTableTest, TellsContentsApart) {
  IdTable ids;
  const EventFields fields{.stream = "s", .type = "t", .agent = "a", .data = "1"};
  const Hash128 content = ContentOf(ids, fields);
  EXPECT_EQ(content, ContentOf(ids, fields));
  for (auto change : {&EventFields::type, &EventFields::data, &EventFields::content_type}) {
    EventFields other = fields;
    other.*change = "other";
    EXPECT_NE(content, ContentOf(ids, other));
  }
}

TEST_F(IdTableTest, DoesNotCountWhoSaidItToTheContent) {
  IdTable ids;
  EventFields fields{.stream = "s", .type = "t", .agent = "a", .data = "1"};
  const Hash128 content = ContentOf(ids, fields);
  fields.correlation_id = "c";
  fields.agent = "b";
  EXPECT_EQ(content, ContentOf(ids, fields));
}

}  // namespace
}  // namespace roost
