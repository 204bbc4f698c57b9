// A broker is killed while it recovers, at every call by which it changes its files, and the next one too,
// and so on: however many die, the one that lives finds the same bytes and the same events. The states of
// the disk are visited until no kill leads to a new one, so any number deep.
#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "log/segment_file.h"
#include "tests/log/disk_calls.h"
#include "tests/log/disk_model.h"
#include "tests/log/log_fixture.h"
#include "tests/log/ram_disk.h"

namespace roost {
namespace {

using Contents = DiskModel::Contents;

// From the call number `at` that changes something on, nothing is done any more: as if killed. With
// `torn`, half of that call is, if it writes.
class KillingDisk : public DiskWatcher {
 public:
  KillingDisk(uint64_t at, bool torn) : at_(at), torn_(torn) {}

  int Before(const DiskCall& call) override {
    if (is_dead_) return EIO;
    if (!call.Changes() || call.IsSync() || ++changes_ != at_) return 0;
    is_dead_ = true;
    was_torn_ = torn_ && call.kind == DiskCall::Kind::kWrite && call.size > 1;
    return was_torn_ ? kShort : EIO;
  }
  bool is_dead() const { return is_dead_; }
  bool was_torn() const { return was_torn_; }

 private:
  const uint64_t at_;  // 0: never
  const bool torn_;
  uint64_t changes_ = 0;
  bool is_dead_ = false;
  bool was_torn_ = false;
};

class RecoveryKillTest : public LogFixture {
 protected:
  RecoveryKillTest() : LogFixture(ScratchDirectory::Place::kMemory) { PretendBoot(1); }
  ~RecoveryKillTest() override { PretendBoot(0); }

  void AppendMany(int events, bool maintained) {
    for (int i = 0; i < events; ++i) {
      Append({TestEvent("s" + std::to_string(i % 5), std::string(700, 'l')),
              TestEvent("t", std::to_string(i))});
      ASSERT_TRUE(!maintained || log_->MaintainJournal().ok());
    }
  }
  std::vector<std::string> Segments() const {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(options_.directory)) {
      if (ParseSegmentName(entry.path().filename().string())) paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    return paths;
  }
  // Half of the last batch.
  void TearTheEnd(const std::string& path) {
    std::string bytes = ReadFile(path);
    const size_t end = bytes.find_last_not_of('\0');
    std::fill(bytes.begin() + static_cast<ptrdiff_t>(end - 100), bytes.end(), '\0');
    WriteFile(path, bytes);
  }

  // Without what may differ: who has the lock, when a segment was begun, and how often the epoch grew.
  static Contents Essence(Contents contents) {
    for (auto& [name, content] : contents) {
      if (name.ends_with("/lock")) content.clear();
      if (name.ends_with("/identity") && content.size() == sizeof(IdentityFile)) {
        std::memset(content.data() + offsetof(IdentityFile, epoch), 0, sizeof(uint64_t));
        std::memset(content.data() + offsetof(IdentityFile, crc32c), 0, sizeof(uint32_t));
      }
      if (!name.ends_with("segment") || content.size() < sizeof(SegmentHeader)) continue;
      std::memset(content.data() + offsetof(SegmentHeader, epoch), 0, sizeof(uint64_t));
      std::memset(content.data() + offsetof(SegmentHeader, created_ns), 0, sizeof(uint64_t));
      std::memset(content.data() + offsetof(SegmentHeader, crc32c), 0, sizeof(uint32_t));
    }
    return contents;
  }
  static size_t Hash(const Contents& contents) {
    std::string all;
    for (const auto& [name, content] : contents) {
      all += name + '\0' + content + std::to_string(content.size());
    }
    return std::hash<std::string>()(all);
  }

  // A start on these files, killed at change `at`; 0: not at all. What is there afterwards.
  Contents Start(const Contents& contents, uint64_t at, bool torn) {
    image_.Write(image_.path(), contents);
    LogOptions options = options_;
    options.directory = image_.path() + "/data";
    KillingDisk disk(at, torn);
    const WatchedDisk watched(image_.path(), &disk);
    seen_.events.clear();
    const auto log = LogWriter::Open(options, "/tmp/test.sock", &seen_, nullptr);
    EXPECT_EQ(log.ok(), !disk.is_dead()) << log.status().message();
    if (log.ok()) epoch_ = (*log)->epoch();
    was_killed_ = disk.is_dead();
    was_torn_ = disk.was_torn();
    const UnwatchedCalls unwatched;
    return image_.Read();
  }

  // What was left, however many brokers died over it, becomes the same.
  void ExpectTheSameInTheEnd() {
    Contents first;
    for (const auto& entry : std::filesystem::directory_iterator(options_.directory)) {
      first[image_.path() + "/data/" + entry.path().filename().string()] = ReadFile(entry.path());
    }
    const Contents expected = Essence(Start(first, 0, false));
    const std::vector<SeenEvent> expected_events = seen_.events;
    lowest_epoch_ = epoch_;
    ASSERT_FALSE(expected_events.empty());

    std::deque<Contents> left = {first};
    std::unordered_set<size_t> known = {Hash(Essence(first))};
    size_t starts = 0;
    while (!left.empty()) {
      const Contents state = std::move(left.front());
      left.pop_front();
      was_killed_ = true;
      for (uint64_t at = 1; was_killed_; ++at) {
        for (const bool torn : {false, true}) {
          const Contents after = Start(state, at, torn);
          ++starts;
          if (was_killed_ && known.insert(Hash(Essence(after))).second) left.push_back(after);
          if (was_killed_) continue;
          ASSERT_TRUE(Essence(after) == expected) << "after " << known.size() << " states";
          ASSERT_EQ(seen_.events, expected_events);
          lowest_epoch_ = std::min(lowest_epoch_, epoch_);
        }
      }
      ASSERT_LT(known.size(), 5000u);
    }
    EXPECT_GT(known.size(), 2u);
    RecordProperty("states", static_cast<int>(known.size()));
    RecordProperty("starts", static_cast<int>(starts));
    std::printf("%zu states, %zu starts\n", known.size(), starts);
  }

  RamDisk image_;
  uint64_t epoch_ = 0;
  uint64_t lowest_epoch_ = 0;  // of all that lived
  bool was_killed_ = false;
  bool was_torn_ = false;
};

TEST_F(RecoveryKillTest, EndsTheSameAfterAKill) {
  Open();
  AppendMany(60, false);
  ASSERT_TRUE(log_->SyncJournal().ok());
  AppendMany(5, false);
  Kill();
  TearTheEnd(Segments().back());
  WriteFile(options_.directory + "/next.segment", std::string(9000, '\0'));
  ExpectTheSameInTheEnd();
}

TEST_F(RecoveryKillTest, EndsTheSameAfterAPowerCut) {
  Open();
  AppendMany(40, false);
  ASSERT_TRUE(log_->SyncJournal().ok());
  AppendMany(200, false);
  Kill();
  const auto segments = Segments();
  ASSERT_GE(segments.size(), 4u);
  std::string bytes = ReadFile(segments[1]);
  std::fill(bytes.begin() + 40'960, bytes.begin() + 45'056, '\0');
  WriteFile(segments[1], bytes);
  WriteFile(segments.back(), std::string(65536, '\0'));
  PretendBoot(2);
  ExpectTheSameInTheEnd();
}

// The newest segment is closed: the next one is begun.
TEST_F(RecoveryKillTest, EndsTheSameWhenASegmentHasToBeBegun) {
  Open();
  AppendMany(100, true);
  Kill();
  std::filesystem::remove(Segments().back());
  ASSERT_LT(std::filesystem::file_size(Segments().back()), 65536u);
  PretendBoot(2);
  ExpectTheSameInTheEnd();
}

// Nothing that was to be deleted is gone yet but the first segment's bytes.
TEST_F(RecoveryKillTest, EndsTheSameWhenADeletionHasToBeFinished) {
  options_.retain_bytes = 2 * options_.segment_bytes;
  Open();
  AppendMany(200, true);
  std::map<std::string, std::string> before;
  for (const std::string& path : Segments()) before[path] = ReadFile(path);
  const auto retained = log_->Retain([] { return std::make_unique<SeenEvents>(); });
  ASSERT_TRUE(retained.ok()) << retained.status().message();
  ASSERT_GE(retained->segments, 2u);
  Kill();
  for (const auto& [path, bytes] : before) {
    if (!std::filesystem::exists(path)) WriteFile(path, bytes);
  }
  WriteFile(SegmentPath(1), "");
  WriteFile(options_.directory + "/checkpoint.new", "half of one");
  WriteFile(options_.directory + "/00000000000000000002.checkpoint", "one before");
  ExpectTheSameInTheEnd();
}

TEST_F(RecoveryKillTest, EndsTheSameWhenDamageIsAccepted) {
  Open();
  AppendMany(200, true);
  Kill();
  const auto segments = Segments();
  ASSERT_GE(segments.size(), 4u);
  Overwrite(segments[1], 20'000, "damage");
  Overwrite(segments[2], 40, "damage");
  Overwrite(segments.back(), 12'000, "damage");
  options_.accept_damage = true;
  ExpectTheSameInTheEnd();
  EXPECT_GE(lowest_epoch_, 2u) << "numbers are given out again under the same epoch";
}

}  // namespace
}  // namespace roost
