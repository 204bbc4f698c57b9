// What the writer knows of streams: names, ids, links, and taking all of it back.
#include "log/stream_directory.h"

#include <gtest/gtest.h>

#include <bit>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "log/record.h"
#include "log/ring_format.h"

namespace roost {
namespace {

class StreamDirectoryTest : public ::testing::Test {
 protected:
  StreamDirectoryTest() : names_(kStreams * kStreamNameBytesMax), directory_(names_, kStreams) {}

  static constexpr uint64_t kStreams = 100;
  std::vector<char> names_;
  StreamDirectory directory_;
};

TEST_F(StreamDirectoryTest, GivesIdsInOrderOfFirstAppearance) {
  EXPECT_EQ(directory_.FindOrAdd("a"), 0u);
  EXPECT_EQ(directory_.FindOrAdd("b"), 1u);
  EXPECT_EQ(directory_.FindOrAdd("a"), 0u);
  EXPECT_EQ(directory_.Find("b"), 1u);
  EXPECT_EQ(directory_.Find("c"), kNoStream);
  EXPECT_EQ(directory_.Name(1), "b");
  EXPECT_EQ(directory_.count(), 2u);
}

TEST_F(StreamDirectoryTest, RefusesMoreStreamsThanItHasRoomFor) {
  for (uint64_t i = 0; i < kStreams; ++i) {
    ASSERT_EQ(directory_.FindOrAdd("stream " + std::to_string(i)), i);
  }
  EXPECT_EQ(directory_.FindOrAdd("one more"), kNoStream);
  EXPECT_EQ(directory_.FindOrAdd("stream 7"), 7u);
}

TEST_F(StreamDirectoryTest, LinksToThePreviousEventAndToThatOfTheJumpRevision) {
  const uint32_t id = directory_.FindOrAdd("s");
  std::vector<uint64_t> positions{0};  // by revision
  for (uint64_t revision = 1; revision <= 5000; ++revision) {
    const StreamLinks links = directory_.NextLinks(id);
    ASSERT_EQ(links.revision, revision);
    ASSERT_EQ(links.previous, positions[revision - 1]);
    ASSERT_EQ(links.jump, positions[JumpRevision(revision)]) << revision;
    positions.push_back(kFirstPosition + revision * 128);
    directory_.Append(id, positions.back());
  }
}

TEST_F(StreamDirectoryTest, LetsAReaderReachEveryRevisionInALogarithmOfSteps) {
  constexpr uint64_t kNewest = 3000;
  const auto steps_max = 3 * static_cast<uint64_t>(std::bit_width(kNewest));
  for (uint64_t wanted = 1; wanted <= kNewest; ++wanted) {
    uint64_t steps = 0;
    for (uint64_t at = kNewest; at != wanted; ++steps) {
      const uint64_t jump = JumpRevision(at);
      at = jump >= wanted ? jump : at - 1;
    }
    ASSERT_LE(steps, steps_max) << wanted;
  }
}

TEST_F(StreamDirectoryTest, TakesEverythingBackThatWasStaged) {
  std::mt19937 random(1);
  std::map<std::string, std::vector<uint64_t>> accepted;
  uint64_t position = kFirstPosition;
  for (int turn = 0; turn < 2000; ++turn) {
    auto staged = accepted;
    const uint64_t count = random() % 12;
    for (uint64_t i = 0; i < count; ++i) {
      const std::string name = "stream " + std::to_string(random() % 40);
      const uint32_t id = directory_.FindOrAdd(name);
      auto& positions = staged[name];
      const StreamLinks links = directory_.NextLinks(id);
      ASSERT_EQ(links.revision, positions.size() + 1);
      ASSERT_EQ(links.previous, positions.empty() ? 0 : positions.back());
      const uint64_t jump = JumpRevision(links.revision);
      ASSERT_EQ(links.jump, jump == 0 ? 0 : positions[jump - 1]) << links.revision;
      position += 128;
      positions.push_back(position);
      directory_.Append(id, position);
    }
    if (random() % 2 == 0) {
      directory_.Accept();
      accepted = staged;
    } else {
      directory_.RollBackTo(0);
    }
    ASSERT_EQ(directory_.count(), accepted.size());
  }
  for (const auto& [name, positions] : accepted) {
    const uint32_t id = directory_.Find(name);
    ASSERT_NE(id, kNoStream);
    EXPECT_EQ(directory_.Revision(id), positions.size());
  }
}

TEST_F(StreamDirectoryTest, TakesBackToTheMiddleOfATurn) {
  const uint32_t a = directory_.FindOrAdd("a");
  directory_.Append(a, 4096);
  const size_t savepoint = directory_.Savepoint();
  directory_.Append(a, 4224);
  const uint32_t b = directory_.FindOrAdd("b");
  directory_.Append(b, 4352);
  directory_.RollBackTo(savepoint);
  EXPECT_EQ(directory_.Find("b"), kNoStream);
  EXPECT_EQ(directory_.count(), 1u);
  EXPECT_EQ(directory_.Revision(a), 1u);
  EXPECT_EQ(directory_.NextLinks(a).previous, 4096u);
}

TEST_F(StreamDirectoryTest, GoesOnBehindEventsThatAreLost) {
  directory_.AddWithId(3, "late");
  directory_.Accept();
  EXPECT_EQ(directory_.count(), 4u);
  EXPECT_EQ(directory_.Name(1), "");
  // Revision 6 is the root of a tree of 3 behind another one, of which the root is at 3.
  directory_.Restart(3, 6, 9000, 8000);
  EXPECT_EQ(directory_.NextLinks(3).revision, 7u);
  EXPECT_EQ(directory_.NextLinks(3).previous, 9000u);
  EXPECT_EQ(directory_.NextLinks(3).jump, 0u);  // 7 joins both trees under itself
  directory_.Append(3, 9128);
  EXPECT_EQ(directory_.NextLinks(3).jump, 9128u);
  EXPECT_EQ(directory_.FindOrAdd("new"), 4u);
}

TEST_F(StreamDirectoryTest, TakesARestartBack) {
  const uint32_t id = directory_.FindOrAdd("s");
  for (uint64_t i = 0; i < 40; ++i) directory_.Append(id, 5000 + i * 128);
  directory_.Accept();
  const StreamLinks before = directory_.NextLinks(id);
  directory_.Restart(id, 1000, 90000, 80000);
  directory_.AddWithId(9, "nine");
  directory_.RollBackTo(0);
  EXPECT_EQ(directory_.count(), 1u);
  EXPECT_EQ(directory_.NextLinks(id).revision, before.revision);
  EXPECT_EQ(directory_.NextLinks(id).previous, before.previous);
  EXPECT_EQ(directory_.NextLinks(id).jump, before.jump);
}

}  // namespace
}  // namespace roost
