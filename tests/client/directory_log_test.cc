#include "client/directory_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "client/stream_list.h"
#include "tests/client/read_fixture.h"

namespace roost {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;

class DirectoryLogTest : public ReadFixture {
 protected:
  void Fill() {
    Open();
    for (int i = 0; i < 1500; ++i) {
      Append({Event{"s/" + std::to_string(i % 7), std::string(static_cast<size_t>(i % 150), 'd'),
                    "type" + std::to_string(i % 3)}});
    }
  }
  void OpenDirectory() {
    auto opened = DirectoryLog::Open(options_.directory);
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    directory_ = std::move(*opened);
  }
  std::vector<uint64_t> ReadAllOffline(ReadQuery query) {
    std::vector<uint64_t> sequences;
    Page page;
    do {
      const Status read = directory_->Read(query, &page);
      EXPECT_TRUE(read.ok()) << read.message();
      if (!read.ok()) break;
      for (size_t i = 0; i < page.size(); ++i) {
        sequences.push_back(page[i].sequence);
        ExpectAsAppended(page[i]);
      }
      if (query.order == Order::kOldestFirst) {
        query.after = page.next();
      } else {
        query.before = page.next();
      }
      if (page.gap().has_value()) gaps_.push_back(*page.gap());
    } while (page.more());
    return sequences;
  }

  std::unique_ptr<DirectoryLog> directory_;
};

TEST_F(DirectoryLogTest, ReadsEverythingThatABrokerWrote) {
  Fill();
  Close();
  OpenDirectory();
  EXPECT_EQ(directory_->oldest(), 1u);
  EXPECT_EQ(directory_->head(), 1500u);
  for (const Order order : {Order::kOldestFirst, Order::kNewestFirst}) {
    for (const Filter& filter :
         {Filter{}, Filter{.stream = "s/3"}, Filter{.stream_prefix = "s/", .types = {"type1"}}}) {
      ReadQuery query{.filter = filter, .limit = 100, .order = order};
      EXPECT_EQ(ReadAllOffline(query), Expected(query)) << Describe(query);
      query.after = 700;
      query.before = 1400;
      EXPECT_EQ(ReadAllOffline(query), Expected(query)) << Describe(query);
    }
  }
  const ReadQuery query{.filter = {.stream = "s/3"}, .from_revision = 20, .limit = 100};
  EXPECT_EQ(ReadAllOffline(query), Expected(query));
}

TEST_F(DirectoryLogTest, ReadsBesideABrokerAndAfterOneThatWasKilled) {
  Fill();
  OpenDirectory();
  EXPECT_EQ(ReadAllOffline({.limit = 100}), Expected({}));
  log_.reset();
  OpenDirectory();
  EXPECT_EQ(ReadAllOffline({.limit = 100}), Expected({}));
}

TEST_F(DirectoryLogTest, LeavesOutAnIncompleteLastBatch) {
  Open();
  Append("a", 3);
  Append({Event{"b", "1"}, Event{"b", "2"}, Event{"b", "3"}});
  // As a crash in the midst of the write would leave it: the last event's bytes are not there.
  const uint64_t last = PositionOf(6);
  const std::string path = SegmentPath();
  const SegmentReader segment =
      SegmentReader::Open(UniqueFd(::open(path.c_str(), O_RDONLY)), path).value();
  log_.reset();
  Overwrite(path, kSegmentHeaderBytes + last - segment.base_position(), std::string(200, '\0'));
  OpenDirectory();
  EXPECT_EQ(directory_->head(), 3u);
  EXPECT_THAT(ReadAllOffline({}), ElementsAre(1, 2, 3));
}

TEST_F(DirectoryLogTest, TellsOfTheGapThatRetentionLeft) {
  Fill();
  Close();
  const auto files = ListSegments(options_.directory).value();
  ASSERT_GT(files.size(), 2u);
  std::filesystem::remove(files[0].path);
  OpenDirectory();
  const uint64_t oldest = files[1].base_sequence;
  EXPECT_EQ(directory_->oldest(), oldest);
  EXPECT_EQ(ReadAllOffline({.limit = 100}), Expected({}, oldest));
  ASSERT_EQ(gaps_.size(), 1u);
  EXPECT_EQ(gaps_[0].first, 1u);
  EXPECT_EQ(gaps_[0].last, oldest - 1);
}

TEST_F(DirectoryLogTest, SaysWhereItIsDamaged) {
  Fill();
  Close();
  Overwrite(SegmentPath(), kSegmentHeaderBytes + 400, "damage");
  OpenDirectory();
  Page page;
  const Status status = directory_->Read({.limit = 100}, &page);
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_NE(status.message().find(".segment"), std::string::npos) << status.message();
}

TEST_F(DirectoryLogTest, SaysThatThereIsNoLog) {
  EXPECT_EQ(DirectoryLog::Open(scratch_.path()).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(DirectoryLog::Open(scratch_.path() + "/none").status().code(), StatusCode::kNotFound);
}

TEST_F(DirectoryLogTest, ListsTheSameStreamsAsTheRing) {
  Fill();
  const std::vector<StreamInfo> in_ring = ListStreams(*ring_, "s/", 100);
  EXPECT_EQ(in_ring.size(), 7u);
  OpenDirectory();
  const auto on_disk = directory_->ListStreams("s/", 100);
  ASSERT_TRUE(on_disk.ok()) << on_disk.status().message();
  ASSERT_EQ(on_disk->size(), in_ring.size());
  for (size_t i = 0; i < in_ring.size(); ++i) {
    EXPECT_EQ((*on_disk)[i].name, in_ring[i].name);
    EXPECT_EQ((*on_disk)[i].revision, in_ring[i].revision);
    EXPECT_EQ((*on_disk)[i].last_sequence, in_ring[i].last_sequence);
    EXPECT_EQ((*on_disk)[i].last_time_ns, in_ring[i].last_time_ns);
  }
}

TEST_F(DirectoryLogTest, ListsStreamsByPrefixPageByPage) {
  Open();
  Append("b/1");
  Append("a/1");
  Append("b/2");
  Append("b/3");
  EXPECT_THAT(ListStreams(*ring_, "b/", 2),
              ElementsAre(Field(&StreamInfo::name, "b/1"), Field(&StreamInfo::name, "b/2")));
  EXPECT_THAT(ListStreams(*ring_, "b/", 2, 2), ElementsAre(Field(&StreamInfo::name, "b/3")));
  EXPECT_EQ(ListStreams(*ring_, "", 100).size(), 4u);
}

}  // namespace
}  // namespace roost
