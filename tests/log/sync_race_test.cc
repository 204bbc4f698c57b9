// Two threads sync one journal: the sequencer, before it acknowledges, and the syncer. What the kernel
// tells one of them concerns both.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "log/open_segment.h"
#include "tests/log/disk_calls.h"
#include "tests/log/log_fixture.h"

namespace roost {
namespace {

// Something that one thread waits for and the other brings about, or, if all is well, never does.
class Milestone {
 public:
  void Reach() {
    const std::lock_guard lock(mutex_);
    reached_ = true;
    changed_.notify_all();
  }
  bool WaitFor(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, time, [this] { return reached_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool reached_ = false;
};

constexpr std::chrono::milliseconds kLongEnough(200);
constexpr std::chrono::seconds kDeadline(60);

class ScriptedDisk : public DiskWatcher {
 public:
  int Before(const DiskCall& call) override { return before && !quiet ? before(call) : 0; }
  void After(const DiskCall& call, int64_t) override {
    if (after && !quiet) after(call);
  }
  std::function<int(const DiskCall&)> before;
  std::function<void(const DiskCall&)> after;
  bool quiet = true;
};

class SyncRaceTest : public LogFixture {
 protected:
  SyncRaceTest() : LogFixture(ScratchDirectory::Place::kMemory) {
    options_.durability = Durability::kPower;
  }

  const std::thread::id sequencer_ = std::this_thread::get_id();
  bool IsSequencer() const { return std::this_thread::get_id() == sequencer_; }
};

// Of a page that could not be written the kernel tells whoever asks first, and no one else.
TEST_F(SyncRaceTest, AcknowledgesNothingWhoseFailedSyncTheOtherThreadWasToldOf) {
  Milestone syncing;
  Milestone told;
  bool failed = false;
  ScriptedDisk disk;
  disk.before = [&](const DiskCall& call) {
    if (call.kind != DiskCall::Kind::kSyncData) return 0;
    if (IsSequencer()) {
      syncing.Reach();
      told.WaitFor(kLongEnough);
      return 0;
    }
    failed = true;
    told.Reach();
    return EIO;
  };
  // Only files that are opened while they are watched are known.
  const WatchedDisk watched(scratch_.path(), &disk);
  Open();
  Append("a", "before");
  disk.quiet = false;
  std::thread syncer([&] {
    syncing.WaitFor(kDeadline);
    const Status status = log_->SyncJournal();
    EXPECT_EQ(status.ok(), !failed) << status.message();
  });
  const Status status = TryAppend({TestEvent("a", "1")});
  syncer.join();
  EXPECT_FALSE(status.ok() && failed) << "acknowledged, and not on the disk";
  EXPECT_EQ(log_->degraded(), failed);
}

// The other way round: the syncer is at it, and the sequencer waits for its outcome.
TEST_F(SyncRaceTest, AcknowledgesNothingBehindAFailedSyncOfTheOtherThread) {
  Milestone written;
  Milestone syncing;
  Milestone synced_too;
  ScriptedDisk disk;
  disk.before = [&](const DiskCall& call) {
    if (call.kind != DiskCall::Kind::kSyncData) return 0;
    if (IsSequencer()) {
      synced_too.Reach();
      return 0;
    }
    syncing.Reach();
    synced_too.WaitFor(kLongEnough);
    return EIO;
  };
  disk.after = [&](const DiskCall& call) {
    // The first event of a new segment: its header is not synced yet.
    if (call.kind != DiskCall::Kind::kWrite || !IsSequencer() || call.size < 1000) return;
    written.Reach();
    syncing.WaitFor(kDeadline);
  };
  const WatchedDisk watched(scratch_.path(), &disk);
  const std::string large(12'000, 'x');
  Open();
  for (int i = 0; i < 5; ++i) Append("a", large);
  disk.quiet = false;
  std::thread syncer([&] {
    written.WaitFor(kDeadline);
    EXPECT_FALSE(log_->SyncJournal().ok());
  });
  EXPECT_FALSE(TryAppend({TestEvent("a", large)}).ok()) << "acknowledged, and not on the disk";
  syncer.join();
  EXPECT_TRUE(log_->degraded());
}

// Whoever was told need not have said so yet when the other asks.
TEST_F(SyncRaceTest, AsksTheKernelForNoSegmentAgainWhoseSyncFailed) {
  int syncs = 0;
  ScriptedDisk disk;
  disk.quiet = false;
  disk.before = [&](const DiskCall& call) { return call.IsSync() && ++syncs == 1 ? EIO : 0; };
  const WatchedDisk watched(scratch_.path(), &disk);
  const std::string path = scratch_.path() + "/one.segment";
  OpenSegment segment(UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)), path,
                      {.base_sequence = 1, .base_position = kFirstPosition, .size = 64 << 10});
  EXPECT_FALSE(segment.Sync().ok());
  EXPECT_FALSE(segment.Sync().ok());
  EXPECT_FALSE(segment.Close().ok());
  EXPECT_EQ(syncs, 1);
}

// A new segment is on the disk only with its name.
TEST_F(SyncRaceTest, AcknowledgesNothingWhileTheOtherThreadIsStillSyncingItsName) {
  Milestone synced;
  Milestone naming;
  Milestone acknowledged;
  bool too_early = false;
  ScriptedDisk disk;
  disk.before = [&](const DiskCall& call) {
    if (call.kind != DiskCall::Kind::kSyncFile || IsSequencer()) return 0;
    naming.Reach();
    too_early = acknowledged.WaitFor(kLongEnough);
    return 0;
  };
  disk.after = [&](const DiskCall& call) {
    if (call.kind != DiskCall::Kind::kSyncData || !IsSequencer()) return;
    synced.Reach();
    naming.WaitFor(kLongEnough);
  };
  const WatchedDisk watched(scratch_.path(), &disk);
  const std::string large(12'000, 'x');
  Open();
  for (int i = 0; i < 5; ++i) Append("a", large);
  disk.quiet = false;
  std::thread syncer([&] {
    synced.WaitFor(kDeadline);
    EXPECT_TRUE(log_->SyncJournal().ok());
  });
  Append("a", large);
  acknowledged.Reach();
  syncer.join();
  ASSERT_EQ(::access(SegmentPath(6).c_str(), F_OK), 0) << "it has begun no segment";
  EXPECT_FALSE(too_early) << "a power cut could have taken the segment's name";
}

}  // namespace
}  // namespace roost
