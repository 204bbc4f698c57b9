// The writer as the broker uses it: staging, committing, closing, opening again.
#include "log/log_writer.h"

#include <gtest/gtest.h>

#include "tests/log/log_fixture.h"

namespace roost {
namespace {

class LogWriterTest : public LogFixture {};

TEST_F(LogWriterTest, GivesOutDenseSequencesAndRevisions) {
  Open();
  Append("a", "1");
  EXPECT_EQ(place_.first, 1u);
  EXPECT_EQ(place_.revision, 1u);
  Append({TestEvent("b", "2"), TestEvent("a", "3"), TestEvent("a", "4")});
  EXPECT_EQ(place_.first, 2u);
  EXPECT_EQ(place_.last, 4u);
  EXPECT_EQ(place_.revision, 3u);
  EXPECT_EQ(log_->head(), 4u);
  EXPECT_EQ(log_->RevisionOf("a"), 3u);
  EXPECT_EQ(log_->RevisionOf("b"), 1u);
  EXPECT_EQ(log_->RevisionOf("c"), 0u);
}

TEST_F(LogWriterTest, ShowsReadersWhatWasCommittedAndNothingElse) {
  Open();
  const RingReader reader = Reader();
  Append("a", "first");
  ASSERT_EQ(Stage({TestEvent("a", "second"), TestEvent("b", "third")}), StageOutcome::kStaged);
  EXPECT_EQ(reader.head(), 1u);
  EXPECT_EQ(reader.FindStream("b"), std::nullopt);
  ASSERT_TRUE(log_->Commit().ok());
  EXPECT_EQ(reader.head(), 3u);
  EXPECT_EQ(Read(reader, 2), (SeenEvent{2, 2, "a", "second"}));
  EXPECT_EQ(Read(reader, 3), (SeenEvent{3, 1, "b", "third"}));
  ASSERT_TRUE(reader.FindStream("b").has_value());
  EXPECT_EQ(reader.Stream(*reader.FindStream("b")).last_sequence, 3u);
}

TEST_F(LogWriterTest, GoesOnWhereACleanStopLeftOff) {
  Open();
  Append("a", "1");
  Append({TestEvent("b", "2"), TestEvent("a", "3")});
  Close();
  Open();
  EXPECT_TRUE(report_.clean);
  EXPECT_EQ(report_.bytes_cut, 0u);
  EXPECT_EQ(seen_.events,
            (std::vector<SeenEvent>{{1, 1, "a", "1"}, {2, 1, "b", "2"}, {3, 2, "a", "3"}}));
  EXPECT_EQ(Read(Reader(), 3), (SeenEvent{3, 2, "a", "3"}));
  Append("a", "4");
  EXPECT_EQ(place_.first, 4u);
  EXPECT_EQ(place_.revision, 3u);
}

TEST_F(LogWriterTest, GoesOnWhereAKillLeftOff) {
  Open();
  for (int i = 1; i <= 2000; ++i) Append("s" + std::to_string(i % 7), std::to_string(i));
  Kill();
  Open();
  EXPECT_FALSE(report_.clean);
  ASSERT_EQ(seen_.events.size(), 2000u);
  EXPECT_EQ(log_->head(), 2000u);
  EXPECT_EQ(log_->epoch(), 1u);
  EXPECT_EQ(Read(Reader(), 2000), (SeenEvent{2000, 286, "s5", "2000"}));
}

}  // namespace
}  // namespace roost
