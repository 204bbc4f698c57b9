#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "log/verdict_reader.h"
#include "log/verdict_table_writer.h"

namespace roost {
namespace {

constexpr uint64_t kNow = 1000;
constexpr uint64_t kPolicy = 7;
constexpr uint64_t kSlots = 64;

class VerdictTableTest : public ::testing::Test {
 protected:
  VerdictTableTest() : words_(kSlots * sizeof(VerdictEntry) / 8) {
    writer_.SetPolicyVersion(kPolicy);
  }

  static PublishedVerdict Make(uint8_t name, uint64_t sequence = 1, uint32_t uid = kVerdictAnyUid) {
    PublishedVerdict verdict;
    // The first eight bytes, which choose the bucket, are all alike.
    verdict.key[31] = name;
    verdict.policy_version = kPolicy;
    verdict.sequence = sequence;
    verdict.decided_ns = 55;
    verdict.uid = uid;
    verdict.verdict = 1;
    verdict.by = "alice";
    verdict.reason = "because";
    return verdict;
  }
  std::optional<PublishedVerdict> Find(uint8_t name, uint32_t uid = 5, uint64_t now_ns = kNow) {
    return reader_.Find(Make(name).key.data(), uid, now_ns);
  }
  std::byte* entries() { return reinterpret_cast<std::byte*>(words_.data()); }
  VerdictEntry& entry(size_t slot) { return reinterpret_cast<VerdictEntry*>(words_.data())[slot]; }

  std::vector<uint64_t> words_;
  std::atomic<uint64_t> policy_{0};
  VerdictTableWriter writer_{{entries(), kSlots, &policy_}};
  VerdictReader reader_{{entries(), kSlots, &policy_}};
};

TEST_F(VerdictTableTest, FindsWhatWasPublished) {
  EXPECT_FALSE(Find(1).has_value());
  writer_.Publish(Make(1, 42), kNow);
  const auto found = Find(1);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->key, Make(1).key);
  EXPECT_EQ(found->policy_version, kPolicy);
  EXPECT_EQ(found->sequence, 42u);
  EXPECT_EQ(found->decided_ns, 55u);
  EXPECT_EQ(found->expires_ns, kVerdictForEver);
  EXPECT_EQ(found->verdict, 1);
  EXPECT_EQ(found->by, "alice");
  EXPECT_EQ(found->reason, "because");
  EXPECT_FALSE(Find(2).has_value());
}

TEST_F(VerdictTableTest, ShowsAUsersVerdictToThatUserAlone) {
  writer_.Publish(Make(1, 1, 5), kNow);
  EXPECT_TRUE(Find(1, 5).has_value());
  EXPECT_FALSE(Find(1, 6).has_value());
  writer_.Publish(Make(1, 2, 6), kNow);
  EXPECT_EQ(Find(1, 5)->sequence, 1u);
  EXPECT_EQ(Find(1, 6)->sequence, 2u);
}

TEST_F(VerdictTableTest, ForgetsAllWhenThePolicyChanges) {
  writer_.Publish(Make(1), kNow);
  writer_.SetPolicyVersion(kPolicy + 1);
  EXPECT_FALSE(Find(1).has_value());
  writer_.SetPolicyVersion(kPolicy);
  EXPECT_TRUE(Find(1).has_value());
}

TEST_F(VerdictTableTest, ForgetsWhatHasExpired) {
  PublishedVerdict verdict = Make(1);
  verdict.expires_ns = kNow + 10;
  writer_.Publish(verdict, kNow);
  EXPECT_TRUE(Find(1, 5, kNow + 9).has_value());
  EXPECT_FALSE(Find(1, 5, kNow + 10).has_value());
}

TEST_F(VerdictTableTest, ReplacesTheSameThenWhatCountsNoMoreThenTheOldest) {
  for (uint8_t name = 1; name <= kVerdictBucketSlots; ++name)
    writer_.Publish(Make(name, name), kNow);
  writer_.Publish(Make(3, 20), kNow);  // the same
  for (uint8_t name = 1; name <= kVerdictBucketSlots; ++name) EXPECT_TRUE(Find(name).has_value());
  EXPECT_EQ(Find(3)->sequence, 20u);

  PublishedVerdict expires = Make(5, 21);
  expires.expires_ns = kNow + 1;
  writer_.Publish(expires, kNow);
  writer_.Publish(Make(100, 22), kNow + 1);  // instead of the one that has expired
  EXPECT_TRUE(Find(100).has_value());
  EXPECT_FALSE(Find(5, 5, kNow).has_value());
  EXPECT_TRUE(Find(1).has_value());

  writer_.Publish(Make(101, 23), kNow + 1);  // instead of the oldest
  EXPECT_FALSE(Find(1).has_value());
  EXPECT_TRUE(Find(2).has_value());
}

TEST_F(VerdictTableTest, CutsALongReasonBetweenCharacters) {
  PublishedVerdict verdict = Make(1);
  verdict.reason = std::string(kVerdictReasonBytesMax, 'x');
  writer_.Publish(verdict, kNow);
  EXPECT_EQ(Find(1)->reason, verdict.reason);
  verdict.reason = std::string(kVerdictReasonBytesMax - 4, 'x') + "ééé";
  writer_.Publish(verdict, kNow);
  EXPECT_EQ(Find(1)->reason, std::string(kVerdictReasonBytesMax - 4, 'x') + "...");
}

TEST_F(VerdictTableTest, PassesByWhatIsBeingWrittenAndWhatCannotBe) {
  writer_.Publish(Make(1), kNow);
  VerdictEntry& only = entry(VerdictBucket(Make(1).key.data(), kSlots));
  const VerdictEntry good = only;
  only.generation = 1;  // its writer died within
  EXPECT_FALSE(Find(1).has_value());
  only = good;
  only.reason_length = kVerdictReasonBytesMax + 1;
  EXPECT_FALSE(Find(1).has_value());
  only = good;
  only.by_length = 255;
  EXPECT_FALSE(Find(1).has_value());
  for (const uint8_t verdict : std::initializer_list<uint8_t>{0, 4, 255}) {
    only = good;
    only.verdict = verdict;
    EXPECT_FALSE(Find(1).has_value());
  }
  only = good;
  EXPECT_TRUE(Find(1).has_value());
}

// One writer changes the verdicts of two users and of many keys in one bucket all the time; whatever a reader
// finds must be of one piece: all of its fields are made from its sequence.
TEST_F(VerdictTableTest, NeverShowsATornVerdictWhileItIsWritten) {
  constexpr uint8_t kNames = 12;  // more than a bucket has
  const auto made_from = [](uint8_t name, uint64_t sequence) {
    PublishedVerdict verdict = Make(name, sequence, sequence % 2 == 0 ? 5u : kVerdictAnyUid);
    verdict.verdict = static_cast<uint8_t>(1 + sequence % 3);
    verdict.decided_ns = sequence * 3;
    verdict.by = std::string(1 + sequence % 100, static_cast<char>('a' + sequence % 26));
    verdict.reason = std::string(sequence % 256, static_cast<char>('a' + sequence % 26));
    return verdict;
  };
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> found_count{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      for (uint8_t name = 0; !stop.load(std::memory_order_relaxed);
           name = static_cast<uint8_t>((name + 1) % kNames)) {
        const auto found = Find(name);
        if (!found.has_value()) continue;
        found_count.fetch_add(1, std::memory_order_relaxed);
        const PublishedVerdict expected = made_from(name, found->sequence);
        ASSERT_EQ(found->key, expected.key);
        ASSERT_EQ(found->verdict, expected.verdict);
        ASSERT_EQ(found->decided_ns, expected.decided_ns);
        ASSERT_EQ(found->uid, expected.uid);
        ASSERT_EQ(found->by, expected.by);
        ASSERT_EQ(found->reason, expected.reason);
      }
    });
  }
  uint64_t sequence = 1;
  while (sequence < 100'000 || found_count.load(std::memory_order_relaxed) < 1000) {
    writer_.Publish(made_from(static_cast<uint8_t>(sequence % kNames), sequence), kNow);
    ++sequence;
  }
  stop.store(true, std::memory_order_relaxed);
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace roost
