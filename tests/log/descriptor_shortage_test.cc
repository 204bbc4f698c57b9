// No descriptor is left, in this process (EMFILE) or on the whole machine (ENFILE), just when the log needs another
// file: it says so, loses nothing, is not degraded, and goes on when there is one again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <functional>

#include "log/segment_file.h"
#include "log/verify.h"
#include "tests/log/disk_calls.h"
#include "tests/log/log_fixture.h"

namespace roost {
namespace {

using ::testing::HasSubstr;

// Opens of which `hits` says so fail.
class Shortage : public DiskWatcher {
 public:
  int Before(const DiskCall& call) override {
    return is_there && call.kind == DiskCall::Kind::kOpen && hits(call) ? error : 0;
  }
  bool is_there = false;
  std::function<bool(const DiskCall&)> hits = [](const DiskCall&) { return true; };
  int error = EMFILE;
};

class DescriptorShortageTest : public LogFixture, public ::testing::WithParamInterface<int> {
 protected:
  DescriptorShortageTest() : LogFixture(ScratchDirectory::Place::kMemory) {
    shortage_.error = GetParam();
  }
  void AppendLarge() { Append("s" + std::to_string(count_++ % 5), std::string(3000, 'x')); }
  size_t Count(std::string_view ending) const {
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(options_.directory)) {
      const std::string name = entry.path().filename();
      if (name.ends_with(ending) && name != kNextSegmentName) ++count;
    }
    return count;
  }

  Shortage shortage_;
  const WatchedDisk watched_{scratch_.path(), &shortage_};  // from the first open on
  uint64_t count_ = 0;
};

TEST_P(DescriptorShortageTest, RefusesWhatNeedsAnotherSegmentAndGoesOnWhenThereIsADescriptor) {
  Open();
  uint64_t refused = 0;
  for (int round = 0; round < 3; ++round) {
    shortage_.is_there = true;
    Status status;
    while (status.ok()) {
      // What there is room for is taken, and what can wait waits.
      if (const Status kept = log_->MaintainJournal(); !kept.ok()) {
        EXPECT_EQ(kept.code(), StatusCode::kBusy) << kept.message();
      }
      status = TryAppend({TestEvent("s", std::string(3000, 'x'))});
      ASSERT_LT(++count_, 1000u);
    }
    --count_;
    ++refused;
    EXPECT_EQ(status.code(), StatusCode::kBusy);
    EXPECT_THAT(status.message(), HasSubstr(options_.directory + "/next.segment"));
    EXPECT_THAT(status.message(), HasSubstr("oo many open files"));
    EXPECT_FALSE(log_->degraded());
    EXPECT_TRUE(log_->SyncJournal().ok());
    shortage_.is_there = false;
    ASSERT_TRUE(TryAppend({TestEvent("s", std::string(3000, 'y'))}).ok());
    ++count_;
    ASSERT_TRUE(log_->MaintainJournal().ok());
  }
  EXPECT_EQ(refused, 3u);
  EXPECT_EQ(log_->head(), count_);
  Kill();
  Open();
  EXPECT_EQ(seen_.events.size(), count_);
  Close();
  EXPECT_EQ(VerifyJournal(options_.directory)->errors, 0u);
}

TEST_P(DescriptorShortageTest, DeletesLaterWhatItCouldNotDelete) {
  options_.retain_bytes = 2 * options_.segment_bytes;
  Open();
  const auto fill = [&] {
    for (int i = 0; i < 200; ++i) {
      AppendLarge();
      ASSERT_TRUE(log_->MaintainJournal().ok());
    }
  };
  const auto retain = [&] { return log_->Retain([] { return std::make_unique<SeenEvents>(); }); };
  for (int round = 0; round < 2; ++round) {
    fill();
    // The second one to be cut: the first is gone by then.
    int cuts = 0;
    shortage_.hits = [&](const DiskCall& call) {
      return (call.flags & O_ACCMODE) == O_WRONLY && call.path.ends_with(".segment") && ++cuts > 1;
    };
    shortage_.is_there = true;
    const auto first = retain();
    ASSERT_EQ(first.status().code(), StatusCode::kBusy) << first.status().message();
    EXPECT_THAT(first.status().message(), HasSubstr("oo many open files"));
    EXPECT_EQ(retain().status().code(), StatusCode::kBusy);
    EXPECT_FALSE(log_->degraded());
    shortage_.is_there = false;
    AppendLarge();
    const auto later = retain();
    ASSERT_TRUE(later.ok()) << later.status().message();
    // Also what the checkpoint that came meanwhile made superfluous.
    while (retain()->segments > 0) {
    }
    EXPECT_LE(Count(".segment"), 3u);
    EXPECT_EQ(Count(".checkpoint"), 1u);
    uint64_t bytes = 0;
    for (const auto& entry : std::filesystem::directory_iterator(options_.directory)) {
      if (ParseSegmentName(entry.path().filename().string())) bytes += entry.file_size();
    }
    EXPECT_EQ(log_->journal_bytes(), bytes);
  }
  Close();
  EXPECT_EQ(VerifyJournal(options_.directory)->warnings, 0u);
}

INSTANTIATE_TEST_SUITE_P(Errors, DescriptorShortageTest, ::testing::Values(EMFILE, ENFILE),
                         [](const auto& parameter) {
                           return parameter.param == EMFILE ? "Process" : "Machine";
                         });

}  // namespace
}  // namespace roost
