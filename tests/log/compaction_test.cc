// Segments that are compressed: the same events as before, whatever is killed, cut off or rotten.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "log/data_directory.h"
#include "log/segment_compactor.h"
#include "log/segment_file.h"
#include "log/segment_reader.h"
#include "log/verify.h"
#include "tests/log/disk_calls.h"
#include "tests/log/disk_image.h"
#include "tests/log/disk_model.h"
#include "tests/log/log_fixture.h"
#include "tests/log/test_scale.h"

namespace roost {
namespace {

using ::testing::HasSubstr;
using Contents = DiskModel::Contents;

// Nothing is done any more from the change number `at` on: as if killed.
class KillingDisk : public DiskWatcher {
 public:
  explicit KillingDisk(uint64_t at) : at_(at) {}
  int Before(const DiskCall& call) override {
    if (is_dead_) return EIO;
    if (!(call.Changes() || call.IsSync()) || ++changes_ != at_) return 0;
    is_dead_ = true;
    return call.kind == DiskCall::Kind::kWrite && call.size > 1 ? kShort : EIO;
  }
  bool is_dead() const { return is_dead_; }

 private:
  const uint64_t at_;
  uint64_t changes_ = 0;
  bool is_dead_ = false;
};

// What a power cut may leave after each change.
class StateTakingDisk : public DiskWatcher {
 public:
  StateTakingDisk(DiskModel model, std::vector<Contents>* states, std::mt19937_64* random)
      : model_(std::move(model)), states_(states), random_(random) {}
  void After(const DiskCall& call, int64_t result) override {
    model_.Apply(call, result);
    if (!call.Changes()) return;
    model_.FindChoices();
    for (const bool newest : {false, true}) {
      states_->push_back(
          model_.Build(model_.Choose(std::vector<bool>(model_.OpenChoices(), newest))));
    }
    for (int i = 0; i < 4; ++i) states_->push_back(model_.Build(model_.ChooseAny(random_)));
  }

 private:
  DiskModel model_;
  std::vector<Contents>* const states_;
  std::mt19937_64* const random_;
};

class CompactionTest : public LogFixture {
 protected:
  CompactionTest() : LogFixture(ScratchDirectory::Place::kMemory) { PretendBoot(1); }
  ~CompactionTest() override { PretendBoot(0); }

  // A closed segment of so many bytes, with data that compresses and data that does not, and a newest one.
  void Fill(uint64_t segment_bytes) {
    options_.segment_bytes = segment_bytes;
    Open();
    for (int i = 0; Segments().size() < 2; ++i) {
      std::string noise;
      for (int n = 0; n < 40 + i % 200; ++n)
        noise.push_back(static_cast<char>('0' + random_() % 64));
      Append({TestEvent("s" + std::to_string(i % 7), std::string(200 + i % 90, 'r')),
              TestEvent("t", noise)});
      ASSERT_LT(i, 10'000) << "the segment is never full";
    }
    Append("t", "the last one");
    Close();
    Open();
    written_ = seen_.events;
    Close();
    name_ = SegmentName(1);
    plain_ = ReadFile(SegmentPath(1));
  }
  std::vector<SegmentFile> Segments() const { return ListSegments(options_.directory).value(); }

  static Result<CompactionOutcome> CompactAll(const std::string& path) {
    auto directory = DataDirectory::Open(path, "/tmp/test.sock");
    if (!directory.ok()) return directory.status();
    auto plan = PlanCompaction(path, 0);
    if (!plan.ok()) return plan.status();
    CompactionOutcome outcome;
    for (const std::string& name : plan->names) {
      auto one = CompactSegment(*directory, name, 3);
      if (!one.ok()) return one.status();
      outcome = *one;
    }
    return outcome;
  }
  void Compact() {
    const auto compacted = CompactAll(options_.directory);
    ASSERT_TRUE(compacted.ok()) << compacted.status().message();
    ASSERT_LT(ReadFile(SegmentPath(1)).size(), plain_.size());
  }
  void ExpectSound(const std::string& directory) {
    const auto verified = VerifyJournal(directory);
    ASSERT_TRUE(verified.ok()) << verified.status().message();
    EXPECT_EQ(verified->errors, 0u)
        << verified->findings[0].file << ":" << verified->findings[0].offset << " "
        << verified->findings[0].text;
    LogOptions options = options_;
    options.directory = directory;
    SeenEvents seen;
    const auto log = LogWriter::Open(options, "/tmp/test.sock", &seen, nullptr);
    ASSERT_TRUE(log.ok()) << log.status().message();
    EXPECT_EQ(seen.events, written_);
  }
  SegmentReader OpenReader() const {
    const std::string path = SegmentPath(1);
    auto reader = SegmentReader::Open(UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), path);
    EXPECT_TRUE(reader.ok()) << reader.status().message();
    return std::move(*reader);
  }
  // Whatever it gives out must be what was written.
  uint64_t CountRight(SegmentReader* reader, uint64_t step = 1) const {
    uint64_t right = 0;
    std::vector<std::byte> record;
    for (uint64_t sequence = 1; sequence <= closed_last(); sequence += step) {
      const auto position = reader->FindSequence(sequence);
      if (!position.ok()) continue;
      record.clear();
      if (reader->ReadRecordAt(*position, &record) != SegmentReader::Outcome::kRecord) continue;
      RecordHeader header;
      std::memcpy(&header, record.data(), sizeof(header));
      if (header.sequence != sequence) continue;
      EXPECT_EQ(Seen(header, Bytes(record).subspan(kRecordHeaderBytes, header.body_length)),
                written_[sequence - 1]);
      ++right;
    }
    return right;
  }
  uint64_t closed_last() const { return Segments()[1].base_sequence - 1; }
  Contents Files() const {
    Contents files;
    for (const auto& entry : std::filesystem::directory_iterator(options_.directory)) {
      files[image_.path() + "/data/" + entry.path().filename().string()] = ReadFile(entry.path());
    }
    return files;
  }

  std::mt19937_64 random_{11};
  DiskImage image_;
  std::vector<SeenEvent> written_;
  std::string name_;
  std::string plain_;
};

TEST_F(CompactionTest, KeepsEveryEventInItsPlace) {
  Fill(512 << 10);
  SegmentReader before = OpenReader();
  Compact();
  ExpectSound(options_.directory);
  SegmentReader after = OpenReader();
  for (uint64_t sequence = closed_last(); sequence > 0; --sequence) {
    const auto there = before.FindSequence(sequence);
    const auto here = after.FindSequence(sequence);
    ASSERT_TRUE(there.ok() && here.ok());
    ASSERT_EQ(*there, *here);
    std::vector<std::byte> old_record;
    std::vector<std::byte> new_record;
    // The one that was opened before goes on with the plain file, which has no name any more.
    ASSERT_EQ(before.ReadRecordAt(*there, &old_record), SegmentReader::Outcome::kRecord);
    ASSERT_EQ(after.ReadRecordAt(*here, &new_record), SegmentReader::Outcome::kRecord);
    ASSERT_EQ(old_record, new_record);
  }
  EXPECT_EQ(CountRight(&after), closed_last());
}

TEST_F(CompactionTest, GoesOnBehindCompressedSegmentsAndDoesNothingTwice) {
  Fill(64 << 10);
  Compact();
  const std::string compressed = ReadFile(SegmentPath(1));
  Compact();
  EXPECT_EQ(ReadFile(SegmentPath(1)), compressed);
  Open();
  Append("t", "behind");
  Kill();
  Open();
  EXPECT_EQ(seen_.events.size(), written_.size() + 1);
  Kill();
  const auto plan = PlanCompaction(options_.directory, 0);
  ASSERT_TRUE(plan.ok());
  EXPECT_TRUE(plan->names.empty());
  EXPECT_EQ(plan->compressed_already, 1u);
  EXPECT_EQ(plan->not_closed, 1u);
}

TEST_F(CompactionTest, LeavesTheOldOrTheNewSegmentWhereverItIsKilled) {
  Fill(128 << 10);
  const Contents before = Files();
  Compact();
  const std::string compressed = ReadFile(SegmentPath(1));
  const std::string path = image_.path() + "/data";
  bool was_killed = true;
  bool was_old = false;
  bool was_new = false;
  for (uint64_t at = 1; was_killed; ++at) {
    image_.Write(image_.path(), before);
    KillingDisk disk(at);
    {
      const WatchedDisk watched(image_.path(), &disk);
      const auto compacted = CompactAll(path);
      EXPECT_EQ(compacted.ok(), !disk.is_dead()) << compacted.status().message() << at;
    }
    was_killed = disk.is_dead();
    const std::string left = ReadFile(path + "/" + name_);
    (left == plain_ ? was_old : was_new) = true;
    ASSERT_TRUE(left == plain_ || left == compressed) << "killed at change " << at;
    ExpectSound(path);
    // What a killed one left is in nobody's way.
    EXPECT_TRUE(CompactAll(path).ok());
    EXPECT_FALSE(std::filesystem::exists(path + "/compact.new"));
    if (HasFailure()) return;
  }
  EXPECT_TRUE(was_old && was_new);
}

TEST_F(CompactionTest, SurvivesAPowerCutAtAnyTime) {
  Fill(64 << 10);
  const Contents before = Files();
  image_.Write(image_.path(), before);
  DiskModel model;
  model.Assume(image_.path());
  std::vector<Contents> states;
  StateTakingDisk disk(model, &states, &random_);
  {
    const WatchedDisk watched(image_.path(), &disk);
    ASSERT_TRUE(CompactAll(image_.path() + "/data").ok());
  }
  ASSERT_GT(states.size(), 30u);
  DiskImage after;
  for (const Contents& state : states) {
    after.Write(image_.path(), state);
    PretendBoot(2);
    ExpectSound(after.path() + "/data");
    if (HasFailure()) return;
  }
}

TEST_F(CompactionTest, IsFoundWhicheverBitFlips) {
  Fill(64 << 10);
  Compact();
  const std::string path = SegmentPath(1);
  const std::string bytes = ReadFile(path);
  const uint64_t step = Scaled({.soak = 1, .gate = 97, .sanitized = 1999});
  for (uint64_t bit = 0; bit < bytes.size() * 8; ++bit) {
    const uint64_t offset = bit / 8;
    // No other checksum covers a frame's header.
    const bool in_header = offset - kSegmentHeaderBytes < sizeof(FrameHeader);
    if (!in_header && bit % step != 0) continue;
    const char flipped = static_cast<char>(bytes[offset] ^ (1 << bit % 8));
    Overwrite(path, offset, {&flipped, 1});
    const auto verified = VerifyJournal(options_.directory);
    ASSERT_TRUE(verified.ok()) << verified.status().message();
    ASSERT_GT(verified->errors, 0u) << "offset " << offset;
    EXPECT_EQ(verified->findings[0].file, path);
    EXPECT_LE(verified->findings[0].offset, bytes.size());
    auto reader = SegmentReader::Open(UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), path);
    if (reader.ok()) CountRight(&*reader, 37);
    Overwrite(path, offset, {&bytes[offset], 1});
    if (HasFailure()) return;
  }
}

TEST_F(CompactionTest, HidesOnlyTheFramesThatAreDamaged) {
  Fill(512 << 10);
  Compact();
  const std::string path = SegmentPath(1);
  const std::string bytes = ReadFile(path);
  Overwrite(path, bytes.size() / 2, "damage");
  SegmentReader reader = OpenReader();
  const uint64_t right = CountRight(&reader);
  EXPECT_LT(right, closed_last());
  EXPECT_GT(right, closed_last() / 2);
  const auto verified = VerifyJournal(options_.directory);
  ASSERT_TRUE(verified.ok());
  ASSERT_GT(verified->errors, 0u);
  EXPECT_THAT(verified->findings[0].text, HasSubstr("frame"));
  EXPECT_LT(verified->findings[0].offset, bytes.size() / 2);
}

TEST_F(CompactionTest, IsMadePlainAgainWhereDamageIsAccepted) {
  Fill(512 << 10);
  Compact();
  const std::string path = SegmentPath(1);
  Overwrite(path, ReadFile(path).size() / 2, "damage");
  EXPECT_EQ(TryOpen().code(), StatusCode::kCorruption);
  options_.accept_damage = true;
  Open();
  const std::vector<SeenEvent> left = seen_.events;
  EXPECT_THAT(report_.damage, HasSubstr("frame"));
  ASSERT_GT(left.size(), 100u);
  ASSERT_LT(left.size(), written_.size());
  EXPECT_TRUE(std::equal(left.begin(), left.end() - 1, written_.begin()) ||
              std::all_of(left.begin(), left.end(), [&](const SeenEvent& event) {
                return std::find(written_.begin(), written_.end(), event) != written_.end();
              }));
  Append("t", "goes on");
  Close();
  options_.accept_damage = false;
  Open();
  EXPECT_EQ(seen_.events.size(), left.size() + 1);
  Close();
  EXPECT_EQ(VerifyJournal(options_.directory)->errors, 0u);
}

TEST_F(CompactionTest, IsReadFromItsFramesWhereItsEndIsDamagedAndThatIsAccepted) {
  Fill(512 << 10);
  Compact();
  const std::string path = SegmentPath(1);
  const std::string compressed = ReadFile(path);
  const Contents before = Files();
  for (const size_t cut : {size_t{1}, sizeof(SegmentFooter), sizeof(SegmentFooter) + 100}) {
    for (const bool is_cut : {true, false}) {
      for (const auto& [file, bytes] : before) {
        WriteFile(options_.directory + file.substr(file.rfind('/')), bytes);
      }
      if (is_cut) {
        std::filesystem::resize_file(path, compressed.size() - cut);
      } else {
        Overwrite(path, compressed.size() - cut, "?");
      }
      options_.accept_damage = false;
      EXPECT_EQ(TryOpen().code(), StatusCode::kCorruption);
      options_.accept_damage = true;
      Open();
      EXPECT_EQ(seen_.events, written_);
      EXPECT_THAT(report_.damage, HasSubstr(path));
      EXPECT_GT(log_->epoch(), 1u);
      Append("t", "goes on");
      Close();
      EXPECT_EQ(VerifyJournal(options_.directory)->errors, 0u);
      EXPECT_EQ(VerifyJournal(options_.directory)->warnings, 0u);
      EXPECT_FALSE(std::filesystem::exists(path + ".damaged"));
      std::filesystem::remove_all(options_.directory);
      std::filesystem::create_directory(options_.directory);
      ASSERT_EQ(::chmod(options_.directory.c_str(), 0700), 0);
    }
  }
}

// Whoever was killed may never come back to compress the rest.
TEST_F(CompactionTest, LeavesNothingOfAnInterruptedOneBehindTheNextStart) {
  Fill(64 << 10);
  const std::string left = options_.directory + "/" + std::string(kCompactName);
  WriteFile(left, std::string(100'000, 'x'));
  auto verified = VerifyJournal(options_.directory);
  ASSERT_TRUE(verified.ok());
  EXPECT_EQ(verified->errors, 0u);
  ASSERT_EQ(verified->warnings, 1u);
  EXPECT_EQ(verified->findings[0].file, left);
  Open();
  EXPECT_FALSE(std::filesystem::exists(left));
  Close();
  EXPECT_EQ(VerifyJournal(options_.directory)->warnings, 0u);
}

TEST_F(CompactionTest, LeavesDamagedSegmentsAsTheyAre) {
  Fill(64 << 10);
  Overwrite(SegmentPath(1), 20'000, "damage");
  const std::string bytes = ReadFile(SegmentPath(1));
  const auto compacted = CompactAll(options_.directory);
  EXPECT_EQ(compacted.status().code(), StatusCode::kCorruption);
  EXPECT_THAT(compacted.status().message(), HasSubstr(name_ + " at offset "));
  EXPECT_EQ(ReadFile(SegmentPath(1)), bytes);
}

}  // namespace
}  // namespace roost
