#include "client/log_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "tests/client/read_fixture.h"

namespace roost {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Step = LogReader::Step;

class LogReaderTest : public ReadFixture {
 protected:
  // A log of which the ring has only the last part, several times overwritten, and of which the
  // segments are partly closed.
  void OpenLong() {
    Open();
    std::mt19937 random(1);
    while (model_.size() < 3000) {
      std::vector<Event> batch;
      const size_t count = random() % 10 == 0 ? 1 + random() % 8 : 1;
      for (size_t i = 0; i < count; ++i) {
        // A few busy streams, many quiet ones.
        const bool busy = random() % 3 != 0;
        const std::string stream = busy ? "busy/" + std::to_string(random() % 3)
                                        : "quiet/" + std::to_string(random() % 60);
        batch.push_back({stream, std::string(random() % 200, 'd'),
                         "type" + std::to_string(random() % 4),
                         "agent" + std::to_string(random() % 3)});
      }
      // Time goes back now and then, as the wall clock may.
      Append(batch, 1000 + model_.size() - random() % 50);
      if (random() % 64 == 0) {
        ASSERT_TRUE(log_->MaintainJournal().ok());
      }
    }
    ASSERT_GT(ring_->oldest(), 1000u);
  }

  static std::function<bool(uint64_t, uint64_t)> OrderOf(const ReadQuery& query) {
    if (query.order == Order::kOldestFirst) return std::less<uint64_t>();
    return std::greater<uint64_t>();
  }
  ReadQuery RandomQuery(std::mt19937* random) {
    auto pick = [random](uint64_t n) { return (*random)() % n; };
    ReadQuery query;
    switch (pick(4)) {
      case 0:
        query.filter.stream = "busy/" + std::to_string(pick(3));
        break;
      case 1:
        query.filter.stream = "quiet/" + std::to_string(pick(62));
        break;
      case 2:
        query.filter.stream_prefix = pick(2) == 0 ? "quiet/1" : "busy/";
        break;
      default:
        break;
    }
    if (pick(3) == 0) query.filter.types.push_back("type" + std::to_string(pick(5)));
    if (pick(6) == 0) query.filter.types.push_back("type" + std::to_string(pick(5)));
    if (pick(4) == 0) query.filter.agent = "agent" + std::to_string(pick(4));
    if (pick(4) == 0) query.filter.since_ns = 900 + pick(3000);
    if (pick(2) == 0) query.after = pick(model_.size() + 1);
    if (pick(2) == 0) query.before = 1 + pick(model_.size() + 5);
    if (pick(4) == 0 && !query.filter.stream.empty()) query.from_revision = 1 + pick(800);
    query.limit = static_cast<uint32_t>(1 + pick(pick(2) == 0 ? 10 : 400));
    query.order = pick(2) == 0 ? Order::kOldestFirst : Order::kNewestFirst;
    return query;
  }
};

TEST_F(LogReaderTest, ReadsAnEmptyLog) {
  Open();
  EXPECT_THAT(ReadAll({}), IsEmpty());
  EXPECT_EQ(last_next_, 0u);
  EXPECT_THAT(ReadAll({.filter = {.stream = "none"}}), IsEmpty());
  EXPECT_THAT(ReadAll({.order = Order::kNewestFirst}), IsEmpty());
}

TEST_F(LogReaderTest, ReadsWhatTheRingHasWithoutAnySegment) {
  Open();
  Append("a", 3);
  Append("b", 2);
  Append("a", 1);
  EXPECT_THAT(ReadAll({}), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(ReadAll({.order = Order::kNewestFirst}), ElementsAre(6, 5, 4, 3, 2, 1));
  EXPECT_THAT(ReadAll({.filter = {.stream = "a"}}), ElementsAre(1, 2, 3, 6));
  EXPECT_THAT(ReadAll({.filter = {.stream = "b"}, .order = Order::kNewestFirst}),
              ElementsAre(5, 4));
  EXPECT_EQ(fetched_, 0u);
}

TEST_F(LogReaderTest, SaysWhereToGoOn) {
  Open();
  Append("a", 10);
  Page page;
  ASSERT_EQ(Run({.limit = 4}, &page), Step::kDone);
  EXPECT_EQ(page.next(), 4u);
  EXPECT_EQ(page.head(), 10u);
  EXPECT_TRUE(page.more());
  ASSERT_EQ(Run({.after = 4, .limit = 100}, &page), Step::kDone);
  EXPECT_EQ(page.next(), 10u);
  EXPECT_FALSE(page.more());
  ASSERT_EQ(Run({.limit = 4, .order = Order::kNewestFirst}, &page), Step::kDone);
  EXPECT_EQ(page.next(), 7u);
  EXPECT_TRUE(page.more());
  ASSERT_EQ(Run({.filter = {.stream = "a"}, .limit = 10}, &page), Step::kDone);
  EXPECT_EQ(page.next(), 10u);
  EXPECT_FALSE(page.more());
}

TEST_F(LogReaderTest, SaysThatItLookedUpToHeadWhenNothingMatched) {
  Open();
  Append("a", 10);
  Page page;
  for (const Filter& filter :
       {Filter{.stream = "none"}, Filter{.stream_prefix = "none"}, Filter{.types = {"none"}},
        Filter{.stream = "a", .types = {"none"}}}) {
    ASSERT_EQ(Run({.filter = filter}, &page), Step::kDone);
    EXPECT_TRUE(page.empty());
    EXPECT_EQ(page.next(), 10u);
    EXPECT_FALSE(page.more());
  }
}

TEST_F(LogReaderTest, EndsAPageWithTheEventThatReachesItsBytes) {
  Open();
  Append("a", 10, 1000);
  Page page;
  ASSERT_EQ(Run({.bytes_max = 2500}, &page), Step::kDone);
  EXPECT_EQ(page.size(), 3u);
  EXPECT_TRUE(page.more());
  ASSERT_EQ(Run({.filter = {.stream = "a"}, .bytes_max = 2500}, &page), Step::kDone);
  EXPECT_EQ(page.size(), 3u);
  EXPECT_EQ(page.next(), 3u);
  EXPECT_TRUE(page.more());
  ASSERT_EQ(Run({.filter = {.stream = "a"}, .bytes_max = 1, .order = Order::kNewestFirst}, &page),
            Step::kDone);
  EXPECT_EQ(page.size(), 1u);
  EXPECT_EQ(page[0].sequence, 10u);
}

TEST_F(LogReaderTest, GivesTheWholeRecordOfAnEvent) {
  Open();
  Append("a", 2);
  Page page;
  ASSERT_EQ(Run({}, &page), Step::kDone);
  ASSERT_EQ(page.size(), 2u);
  EXPECT_TRUE(RecordIsSound(page.record(1)));
  EXPECT_EQ(page.record(1).size() % 8, 0u);
}

TEST_F(LogReaderTest, GoesFromTheJournalIntoTheRingWithoutGapOrDuplicate) {
  OpenLong();
  EXPECT_EQ(ReadAll({.limit = 100}), Expected({}));
  EXPECT_GT(fetched_, 0u);
  EXPECT_EQ(ReadAll({.limit = 100, .order = Order::kNewestFirst}),
            Expected({.order = Order::kNewestFirst}));
  EXPECT_THAT(gaps_, IsEmpty());
}

TEST_F(LogReaderTest, GoesOnInTheJournalWhenTheRingIsOverwrittenMeanwhile) {
  Open();
  Append("a", 600, 100);
  int appends = 0;
  const auto overwrite = [&]() -> std::optional<uint64_t> {
    if (++appends % 3 == 1 && appends < 30) Append("a", 400, 100);
    return std::nullopt;
  };
  const std::vector<uint64_t> found = ReadAll({.filter = {.stream = "a"}, .limit = 50}, overwrite);
  EXPECT_EQ(found, Expected({.filter = {.stream = "a"}}));
  appends = 0;
  const std::vector<uint64_t> all = ReadAll({.limit = 50}, overwrite);
  EXPECT_EQ(all, Expected({}));
}

TEST_F(LogReaderTest, CountsWhoReadsOnWhereTheRingWentAway) {
  Open();
  Append("a", 10, 100);
  Page page;
  ASSERT_EQ(Run({.limit = 5}, &page), Step::kDone);
  Append("a", 1000, 100);
  ASSERT_GT(ring_->oldest(), 100u);
  EXPECT_EQ(own_work_.Fields().overtaken, 0u);
  ASSERT_EQ(Run({.after = page.next(), .limit = 5}, &page), Step::kDone);
  EXPECT_EQ(own_work_.Fields().overtaken, 1u);
  // Whoever reads what is old, page by page, is overtaken by nobody.
  ASSERT_EQ(Run({.after = page.next(), .limit = 5}, &page), Step::kDone);
  ASSERT_EQ(Run({.filter = {.stream = "a"}, .limit = 5}, &page), Step::kDone);
  ASSERT_EQ(Run({.after = page.next(), .limit = 5, .order = Order::kNewestFirst}, &page), Step::kDone);
  EXPECT_EQ(own_work_.Fields().overtaken, 1u);
}

TEST_F(LogReaderTest, CountsAReadInWhichTheRingWentAwayOnce) {
  Open();
  Append("a", 1000, 100);
  bool appended = false;
  const auto overwrite = [&]() -> std::optional<uint64_t> {
    if (!appended) Append("a", 1000, 100);
    appended = true;
    return std::nullopt;
  };
  Page page;
  for (const char* stream : {"a", ""}) {
    appended = false;
    own_work_ = {};
    ReadQuery query{.after = ring_->oldest() - 2, .limit = 100};
    query.filter.stream = stream;
    ASSERT_EQ(Run(query, &page, overwrite), Step::kDone);
    EXPECT_EQ(page.size(), 100u);
    EXPECT_EQ(own_work_.Fields().overtaken, 1u) << stream;
  }
}

TEST_F(LogReaderTest, SeesASegmentClosedThatItHadOpen) {
  Open();
  Append("a", 700, 100);  // the first segment is closed, the second one open
  Page page;
  ASSERT_EQ(Run({.limit = 10}, &page), Step::kDone);
  while (ring_->oldest() < 1500) Append("a", 50, 100);
  ASSERT_TRUE(log_->MaintainJournal().ok());
  EXPECT_EQ(ReadAll({.limit = 100}), Expected({}));
}

TEST_F(LogReaderTest, AnswersAnyQueryAsAPlainListDoes) {
  OpenLong();
  std::mt19937 random(2);
  for (int i = 0; i < 1200; ++i) {
    if (i % 100 == 0) segments_.Clear();
    const ReadQuery query = RandomQuery(&random);
    ASSERT_EQ(ReadAll(query), Expected(query)) << Describe(query);
    ASSERT_THAT(gaps_, IsEmpty()) << Describe(query);
    if (HasFailure()) break;
  }
}

TEST_F(LogReaderTest, AnswersAnyQueryAfterTheLogWasOpenedAgain) {
  OpenLong();
  Close();
  Open();
  Append("busy/1", 300, 100);
  std::mt19937 random(3);
  for (int i = 0; i < 300; ++i) {
    const ReadQuery query = RandomQuery(&random);
    ASSERT_EQ(ReadAll(query), Expected(query)) << Describe(query);
    if (HasFailure()) break;
  }
}

// Where a stream lies alone its events are read as they lie, elsewhere by their links.
TEST_F(LogReaderTest, AnswersAnyQueryOfAStreamThatMostlyLiesAloneAsAPlainListDoes) {
  Open();
  std::mt19937 random(5);
  auto pick = [&random](uint64_t n) { return random() % n; };
  for (int run = 0; run < 40; ++run) {
    for (uint64_t i = 1 + pick(60); i > 0; --i) {
      const std::string type = "type" + std::to_string(pick(8) == 0 ? pick(5) : 0);
      Append({{"alone", std::string(2 + (pick(4) == 0 ? pick(300) : 0), 'x'), type}});
    }
    for (uint64_t i = pick(4); i > 0; --i) Append({{"other", "{}", "type1"}, {"alone"}});
    if (run % 3 == 0) Append("other", pick(3));
  }
  ASSERT_GT(ring_->oldest(), 300u);
  for (int i = 0; i < 600; ++i) {
    ReadQuery query = RandomQuery(&random);
    query.filter.stream = pick(5) == 0 ? "other" : "alone";
    query.filter.stream_prefix.clear();
    query.filter.agent.clear();
    if (pick(2) == 0) query.from_revision = 1 + pick(1500);
    ASSERT_EQ(ReadAll(query), Expected(query)) << Describe(query);
    ASSERT_THAT(gaps_, IsEmpty()) << Describe(query);
    if (HasFailure()) break;
  }
}

TEST_F(LogReaderTest, FindsFewEventsOfALongStreamWithFewFetches) {
  OpenLong();
  fetched_ = 0;
  Page page;
  ASSERT_EQ(Run({.filter = {.stream = "busy/0"}, .limit = 10, .order = Order::kNewestFirst}, &page),
            Step::kDone);
  EXPECT_EQ(page.size(), 10u);
  EXPECT_EQ(fetched_, 0u);
  // From where the ring begins on, no old segment is needed.
  ASSERT_EQ(Run({.filter = {.stream = "busy/0"}, .after = ring_->oldest() + 1, .limit = 10}, &page),
            Step::kDone);
  EXPECT_EQ(page.size(), 10u);
  EXPECT_EQ(fetched_, 0u);
  segments_.Clear();
  ASSERT_EQ(Run({.filter = {.stream = "busy/0"}, .from_revision = 5, .limit = 2}, &page),
            Step::kDone);
  EXPECT_EQ(page.size(), 2u);
  EXPECT_LE(fetched_, 6u);
}

// ---- what is gone ----

TEST_F(LogReaderTest, TellsWhichEventsOfALogWithoutJournalAreGone) {
  options_.durability = Durability::kMemory;
  Open();
  Append("a", 1000, 100);
  const uint64_t oldest = ring_->oldest();
  ASSERT_GT(oldest, 100u);
  EXPECT_EQ(ReadAll({.limit = 50}), Expected({}, oldest));
  ASSERT_EQ(gaps_.size(), 1u);
  EXPECT_EQ(gaps_[0].first, 1u);
  EXPECT_EQ(gaps_[0].last, oldest - 1);
  EXPECT_EQ(gaps_[0].oldest, oldest);
  EXPECT_EQ(fetched_, 0u);

  EXPECT_EQ(ReadAll({.filter = {.stream = "a"}, .after = 20, .limit = 50}), Expected({}, oldest));
  ASSERT_EQ(gaps_.size(), 1u);
  EXPECT_EQ(gaps_[0].first, 21u);
  EXPECT_EQ(gaps_[0].last, oldest - 1);

  for (const Filter& filter : {Filter{}, Filter{.stream = "a"}}) {
    const ReadQuery backwards{.filter = filter, .limit = 50, .order = Order::kNewestFirst};
    EXPECT_EQ(ReadAll(backwards), Expected(backwards, oldest));
    ASSERT_EQ(gaps_.size(), 1u);
    EXPECT_EQ(gaps_[0].first, 1u);
    EXPECT_EQ(gaps_[0].last, oldest - 1);
  }
}

TEST_F(LogReaderTest, TellsOfNoGapBehindWhatIsThere) {
  options_.durability = Durability::kMemory;
  Open();
  Append("a", 1000, 100);
  EXPECT_EQ(ReadAll({.after = ring_->oldest()}), Expected({.after = ring_->oldest()}));
  EXPECT_THAT(gaps_, IsEmpty());
}

TEST_F(LogReaderTest, AnswersAnyQueryOfALogWithoutJournalAsAPlainListDoes) {
  options_.durability = Durability::kMemory;
  Open();
  std::mt19937 random(4);
  for (int i = 0; i < 2500; ++i) {
    const bool busy = random() % 2 == 0;
    Append({Event{
        busy ? "busy/" + std::to_string(random() % 3) : "quiet/" + std::to_string(random() % 60),
        std::string(random() % 100, 'd'), "type" + std::to_string(random() % 4),
        "agent" + std::to_string(random() % 3)}});
  }
  for (int i = 0; i < 1000; ++i) {
    const ReadQuery query = RandomQuery(&random);
    ASSERT_EQ(ReadAll(query), Expected(query, ring_->oldest())) << Describe(query);
    if (HasFailure()) break;
  }
}

TEST_F(LogReaderTest, GoesOnWhereRetentionLeftOff) {
  OpenLong();
  // Retention takes whole segments.
  const uint64_t oldest = ListSegments(options_.directory).value().at(3).base_sequence;
  const auto retained = [&]() -> std::optional<uint64_t> {
    const bool gone = reader_->needed_position() != 0
                          ? reader_->needed_position() < PositionOf(oldest)
                          : reader_->needed_sequence() < oldest;
    return gone ? std::optional(oldest) : std::nullopt;
  };
  EXPECT_EQ(ReadAll({.limit = 100}, retained), Expected({}, oldest));
  ASSERT_EQ(gaps_.size(), 1u);
  EXPECT_EQ(gaps_[0].first, 1u);
  EXPECT_EQ(gaps_[0].last, oldest - 1);
  EXPECT_EQ(gaps_[0].oldest, oldest);
  for (const Order order : {Order::kOldestFirst, Order::kNewestFirst}) {
    const ReadQuery query{.filter = {.stream = "busy/2"}, .limit = 20, .order = order};
    segments_.Clear();
    EXPECT_EQ(ReadAll(query, retained), Expected(query, oldest));
    EXPECT_EQ(gaps_.size(), 1u);
  }
}

TEST_F(LogReaderTest, TellsOfAGapWithinAStreamThatLiesAlone) {
  Open();
  Append("a", 1000, 100);
  const uint64_t oldest = ring_->oldest();
  int fetches = 0;
  const auto all_but_the_first_is_gone = [&]() -> std::optional<uint64_t> {
    return ++fetches > 1 ? std::optional(oldest) : std::nullopt;
  };
  const std::vector<uint64_t> read =
      ReadAll({.filter = {.stream = "a"}, .limit = 10'000}, all_but_the_first_is_gone);
  ASSERT_EQ(gaps_.size(), 1u);
  EXPECT_GT(gaps_[0].first, 100u);
  EXPECT_EQ(gaps_[0].last, oldest - 1);
  EXPECT_EQ(gaps_[0].oldest, oldest);
  std::vector<uint64_t> there = Expected({});
  std::erase_if(there, [&](uint64_t sequence) {
    return sequence >= gaps_[0].first && sequence <= gaps_[0].last;
  });
  EXPECT_EQ(read, there);
}

// What was damaged and left out by --accept-damage: no reader passes over it without being told, and what lies behind it is there.
TEST_F(LogReaderTest, TellsOfWhatWasLeftOutInTheMiddleOfTheLog) {
  Open();
  Append("alone", 700, 100);
  for (int i = 0; i < 300; ++i) Append({{"one", std::string(100, 'x')}, {"two"}});
  Append("alone", 700, 100);
  Close();
  const std::vector<SegmentFile> files = ListSegments(options_.directory).value();
  ASSERT_GT(files.size(), 5u);
  for (const size_t damaged : {size_t{1}, files.size() / 2}) {
    const std::string& path = files[damaged].path;
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(path) / 3));
    file.write("damage!!", 8);
  }
  options_.accept_damage = true;
  Open();
  std::mt19937 random(6);
  uint64_t gaps = 0;
  for (int i = 0; i < 300; ++i) {
    ReadQuery query = RandomQuery(&random);
    query.filter = {};
    query.from_revision = 0;
    query.filter.stream = std::array{"", "alone", "one", "two"}[random() % 4];
    fetched_ = 0;
    const std::vector<uint64_t> read = ReadAll(query);
    std::vector<uint64_t> missing;
    std::vector<uint64_t> expected = Expected(query);
    ASSERT_TRUE(std::ranges::includes(expected, read, OrderOf(query))) << Describe(query);
    std::ranges::set_difference(expected, read, std::back_inserter(missing), OrderOf(query));
    for (const uint64_t sequence : missing) {
      ASSERT_TRUE(std::ranges::any_of(gaps_, [sequence](const Gap& gap) {
        return gap.first <= sequence && sequence <= gap.last;
      })) << "event " << sequence << " is missing, and nobody said so: " << Describe(query);
    }
    EXPECT_LT(fetched_, 2000u) << Describe(query);
    gaps += gaps_.size();
  }
  EXPECT_GT(gaps, 100u);
  // The whole log has each event but those that were left out.
  const uint64_t all = ReadAll({}).size();
  ASSERT_EQ(gaps_.size(), 2u);
  uint64_t lost = 0;
  for (const Gap& gap : gaps_) lost += gap.last - gap.first + 1;
  EXPECT_EQ(all + lost, model_.size());
}

TEST_F(LogReaderTest, DoesNotAskForEverWhenWhatItNeedsIsToldToBeThereAndGone) {
  OpenLong();
  EXPECT_EQ(ReadAll({.limit = 100}, [] { return std::optional<uint64_t>(1); }),
            Expected({}, ring_->oldest()));
}

// ---- what is wrong ----

TEST_F(LogReaderTest, RefusesAnAfterBeyondHeadAndSpeaksOfTheEpoch) {
  Open();
  Append("a", 3);
  Page page;
  ASSERT_EQ(Run({.after = 3}, &page), Step::kDone);
  EXPECT_EQ(page.next(), 3u);
  ASSERT_EQ(Run({.after = 4}, &page), Step::kFailed);
  EXPECT_EQ(last_failure_.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(last_failure_.message().find("epoch"), std::string::npos);
}

TEST_F(LogReaderTest, RefusesWhatMakesNoSense) {
  Open();
  Page page;
  EXPECT_EQ(Run({.limit = 0}, &page), Step::kFailed);
  EXPECT_EQ(Run({.filter = {.stream = "a", .stream_prefix = "a"}}, &page), Step::kFailed);
  EXPECT_EQ(Run({.from_revision = 3}, &page), Step::kFailed);
  EXPECT_EQ(last_failure_.code(), StatusCode::kInvalidArgument);
}

TEST_F(LogReaderTest, ReportsAnEventThatIsDamagedInASegment) {
  OpenLong();
  Page page;
  ASSERT_EQ(Run({.limit = 1}, &page), Step::kDone);
  RecordHeader first;
  std::memcpy(&first, page.record(0).data(), sizeof(first));
  // The checksum of the second event does not see this coming.
  Overwrite(SegmentPath(), kSegmentHeaderBytes + first.size + kRecordHeaderBytes + 20, "damage");
  segments_.Clear();
  ASSERT_EQ(Run({.limit = 10}, &page), Step::kFailed);
  EXPECT_EQ(last_failure_.code(), StatusCode::kCorruption) << last_failure_.message();
}

TEST_F(LogReaderTest, StopsWhenSegmentsDoNotHaveWhatTheyShould) {
  OpenLong();
  Page page;
  // The owner "fetches" but puts nothing into the cache.
  Step step = reader_->Begin({}, &page);
  for (int i = 0; i < 10 && step == Step::kNeedsSegment; ++i) step = reader_->Continue();
  EXPECT_EQ(step, Step::kFailed);
  EXPECT_EQ(reader_->status().code(), StatusCode::kCorruption);
}

}  // namespace
}  // namespace roost
