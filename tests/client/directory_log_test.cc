#include "client/directory_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "client/stream_list.h"
#include "log/segment_file.h"
#include "tests/client/read_fixture.h"
#include "tests/log/test_scale.h"

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
      told_.insert(told_.end(), directory_->lost().begin(), directory_->lost().end());
    } while (page.more());
    return sequences;
  }

  struct Place {
    size_t file;
    uint64_t sequence;
    uint64_t offset;
    uint64_t end;
  };
  static void FindPlaces(size_t file, const std::string& path, std::vector<Place>* places) {
    auto reader =
        SegmentReader::Open(UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), path).value();
    RecordHeader record;
    for (uint64_t position = reader.base_position();
         reader.ReadHeaderAt(position, &record) == SegmentReader::Outcome::kRecord;
         position += record.size) {
      if (record.kind != RecordKind::kEvent) continue;
      const uint64_t offset = OffsetInSegment(reader.header(), position);
      places->push_back({file, record.sequence, offset, offset + record.size});
    }
  }
  // The last event stays: nobody could know that it was there.
  void Damage(const std::vector<Place>& places, size_t file, const std::string& path,
              std::minstd_rand& random) const {
    const auto is_last = [&](const Place& place) {
      return place.file > file || place.sequence == model_.size();
    };
    const auto first = std::find_if(places.begin(), places.end(),
                                    [&](const Place& place) { return place.file == file; });
    const uint64_t end = (std::find_if(first, places.end(), is_last) - 1)->end;
    const uint64_t offset = first->offset + random() % (end - first->offset);
    constexpr uint64_t kLengths[] = {1, 8, 300, 2000};
    const uint64_t length = std::min(kLengths[random() % 4], end - offset);
    std::string bytes = ReadFile(path).substr(offset, length);
    const bool zero = random() % 2 == 0;
    for (char& byte : bytes) byte = zero ? '\0' : static_cast<char>(byte ^ 0x55);
    Overwrite(path, offset, bytes);
  }

  std::unique_ptr<DirectoryLog> directory_;
  std::vector<LostStretch> told_;
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

// Damage of all kinds at random places of a closed segment and of the newest: what is read is what was not
// touched, and what is missing is told, with the file and the place.
TEST_F(DirectoryLogTest, ReadsEverythingAroundDamage) {
  Fill();
  ASSERT_TRUE(log_->SyncJournal().ok());
  log_.reset();
  const auto files = ListSegments(options_.directory).value();
  ASSERT_GE(files.size(), 4u);
  const size_t newest = files.size() - 1;
  std::vector<Place> places;
  for (size_t file = 0; file < files.size(); ++file) FindPlaces(file, files[file].path, &places);
  ASSERT_EQ(places.size(), model_.size());

  std::minstd_rand random(7);
  for (uint64_t round = 0; round < Scaled({.soak = 1000, .gate = 40, .sanitized = 6}); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    std::vector<std::string> before;
    for (const SegmentFile& file : files) before.push_back(ReadFile(file.path));
    for (const size_t file : {size_t{1}, newest}) {
      for (int spot = 0; spot < 3; ++spot) Damage(places, file, files[file].path, random);
    }
    std::set<uint64_t> touched;
    for (const size_t file : {size_t{1}, newest}) {
      const std::string after = ReadFile(files[file].path);
      for (const Place& place : places) {
        const uint64_t length = place.end - place.offset;
        if (place.file == file &&
            after.compare(place.offset, length, before[file], place.offset, length) != 0) {
          touched.insert(place.sequence);
        }
      }
    }
    OpenDirectory();
    for (const Order order : {Order::kOldestFirst, Order::kNewestFirst}) {
      std::vector<uint64_t> good;
      for (const ModelEvent& event : model_) {
        if (!touched.contains(event.sequence)) good.push_back(event.sequence);
      }
      if (order == Order::kNewestFirst) std::reverse(good.begin(), good.end());
      told_.clear();
      EXPECT_EQ(ReadAllOffline({.limit = 100, .order = order}), good);
      std::set<uint64_t> told;
      for (const LostStretch& lost : told_) {
        for (uint64_t sequence = lost.first; sequence <= lost.last; ++sequence) {
          EXPECT_TRUE(told.insert(sequence).second) << sequence << " was told twice";
        }
        EXPECT_TRUE(lost.file == files[1].path || lost.file == files[newest].path);
        EXPECT_GE(lost.offset, kSegmentHeaderBytes);
      }
      EXPECT_EQ(told, touched);
    }
    for (size_t file = 0; file < files.size(); ++file) WriteFile(files[file].path, before[file]);
    if (HasFailure()) return;
  }
}

TEST_F(DirectoryLogTest, TellsOfDamageWhereItIsAskedForAlone) {
  Fill();
  const uint64_t place = PositionOf(5) - kFirstPosition;
  Close();
  Overwrite(SegmentPath(), kSegmentHeaderBytes + place + 100, "damage");
  OpenDirectory();
  Page page;
  ASSERT_TRUE(directory_->Read({.before = 4, .limit = 100}, &page).ok());
  EXPECT_TRUE(directory_->lost().empty());
  ASSERT_TRUE(directory_->Read({.limit = 100}, &page).ok());
  ASSERT_EQ(directory_->lost().size(), 1u);
  const LostStretch& lost = directory_->lost()[0];
  EXPECT_EQ(lost.file, SegmentPath());
  EXPECT_EQ(lost.offset, kSegmentHeaderBytes + place);
  EXPECT_EQ(lost.first, 5u);
  EXPECT_EQ(lost.last, 5u);
  ASSERT_TRUE(directory_->ListStreams("", 100).ok());
  EXPECT_EQ(directory_->lost().size(), 1u);
}

TEST_F(DirectoryLogTest, ReadsASegmentWithoutHeader) {
  Fill();
  Close();
  const auto files = ListSegments(options_.directory).value();
  for (const size_t file : {files.size() - 1, size_t{1}}) {
    Overwrite(files[file].path, 24, "damage");
    OpenDirectory();
    told_.clear();
    EXPECT_EQ(ReadAllOffline({.limit = 100}), Expected({}));
    ASSERT_FALSE(told_.empty());
    EXPECT_EQ(told_[0].file, files[file].path);
    EXPECT_EQ(told_[0].offset, 0u);
  }
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
