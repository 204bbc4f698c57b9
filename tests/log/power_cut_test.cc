// Power is cut at every call by which the log changes its files, also while it recovers from a power
// cut, and of what was not flushed the disk has this or that: what a start finds is a front of what was
// appended, with all that was promised to last. The disk's rules are in disk_model.h.
#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "log/state_codec.h"
#include "log/verify.h"
#include "tests/log/disk_calls.h"
#include "tests/log/disk_model.h"
#include "tests/log/disk_script.h"
#include "tests/log/ram_disk.h"
#include "tests/log/test_scale.h"

namespace roost {
namespace {

// Visits what the disk may have: every combination of the open sectors if that is at most `limit`; else
// every one of the open pages, if that is, and each page torn at each sector while the others are old
// or new; and some at random.
void ForEachState(const DiskModel& model, size_t limit, std::mt19937_64* random,
                  const std::function<void(const DiskModel::State&)>& visit) {
  const size_t choices = model.OpenChoices();
  const size_t pages = model.OpenPages();
  std::vector<bool> newest(choices);
  if (choices < 20 && (size_t{1} << choices) <= limit) {
    for (size_t bits = 0; bits < (size_t{1} << choices); ++bits) {
      for (size_t i = 0; i < choices; ++i) newest[i] = (bits >> i & 1) != 0;
      visit(model.Choose(newest));
    }
    if (choices > 0) visit(model.ChooseAny(random));
    return;
  }
  const bool all_pages = pages < 20 && (size_t{1} << pages) <= limit;
  for (size_t round = 0; round < (all_pages ? size_t{1} << pages : limit / 2); ++round) {
    const uint64_t bits = all_pages ? round : 0;
    for (size_t page = 0; page < pages; ++page) {
      const bool is_newest = all_pages ? (bits >> page & 1) != 0 : ((*random)() & 1) != 0;
      for (const size_t choice : model.ChoicesOfPage(page)) newest[choice] = is_newest;
    }
    visit(model.Choose(newest));
  }
  size_t torn = 0;
  for (size_t page = 0; page < pages; ++page) {
    const std::vector<size_t>& sectors = model.ChoicesOfPage(page);
    for (size_t first = 1; first < sectors.size(); ++first) {
      for (int kind = 0; kind < 4 && torn < limit; ++kind, ++torn) {
        std::fill(newest.begin(), newest.end(), kind % 2 == 1);
        for (size_t i = 0; i < sectors.size(); ++i) {
          newest[sectors[i]] = (i < first) == (kind / 2 == 0);
        }
        visit(model.Choose(newest));
      }
    }
  }
  for (int i = 0; i < 8; ++i) visit(model.ChooseAny(random));
}

// Calls `cut` after each change of a file.
class CuttingDisk : public DiskWatcher {
 public:
  CuttingDisk(DiskModel model, std::function<void(const DiskModel&)> cut)
      : model_(std::move(model)), cut_(std::move(cut)) {}

  void After(const DiskCall& call, int64_t result) override {
    model_.Apply(call, result);
    if (!call.Changes()) return;
    const UnwatchedCalls unwatched;
    model_.FindChoices();
    cut_(model_);
  }

 private:
  DiskModel model_;
  const std::function<void(const DiskModel&)> cut_;
};

// In place of a size of events: DiskScript::RunGrowing.
constexpr size_t kGrowing = 0;

class PowerCutTest : public ::testing::TestWithParam<std::tuple<Durability, size_t>> {
 protected:
  ~PowerCutTest() override { PretendBoot(0); }

  LogOptions Options(const std::string& directory) const {
    LogOptions options;
    options.directory = directory + "/data";
    options.durability = std::get<0>(GetParam());
    options.ring_bytes = ring_bytes_;
    options.segment_bytes = 64 << 10;
    options.streams_max = 100;
    return options;
  }

  // What starts found in the states of a disk, by their hash: another start with the same bytes finds the same.
  struct Found {
    size_t events;
    uint64_t hash;
  };
  using KnownStates = std::unordered_map<uint64_t, Found>;

  // All that the disk may have now, below `directory`, which `image` stands for. Calls `visit` for each that was
  // not known.
  void TryAll(const DiskModel& model, size_t limit, const std::string& directory, RamDisk* image,
              const Promise& promise, KnownStates* known,
              const std::function<void(const DiskModel::Contents&)>& visit) {
    const std::vector<uint64_t> fronts = promise.FrontHashes();
    ForEachState(model, limit, &random_, [&](const DiskModel::State& state) {
      if (HasFailure()) return;
      ++states_;
      const auto [place, is_new] = known->try_emplace(model.HashOf(state));
      Found& found = place->second;
      if (!is_new) {
        EXPECT_TRUE(found.events < fronts.size() && fronts[found.events] == found.hash);
        EXPECT_GE(found.events, promise.lasting);
        EXPECT_TRUE(promise.batch_ends.contains(found.events)) << "a part of a batch";
        return;
      }
      const DiskModel::Contents contents = model.Build(state);
      image->Write(directory, contents);
      found = Recover(*image, promise);
      visit(contents);
    });
  }

  // A start with these files under a new kernel. It must go well, again and again.
  Found Recover(const RamDisk& image, const Promise& promise) {
    ++recovered_;
    PretendBoot(next_boot_++);
    const bool thoroughly = recovered_ % 16 == 0;
    if (thoroughly) {
      const auto verified = VerifyJournal(image.path() + "/data");
      EXPECT_TRUE(verified.status().code() == StatusCode::kNotFound ||
                  (verified.ok() && verified->errors == 0))
          << (verified.ok() ? verified->findings[0].text : verified.status().message());
    }
    SeenEvents seen;
    auto log = LogWriter::Open(Options(image.path()), "/tmp/test.sock", &seen, nullptr);
    EXPECT_TRUE(log.ok()) << log.status().message();
    if (!log.ok()) return {};
    promise.ExpectNothingLastingLost(seen.events);
    EXPECT_EQ((*log)->head(), seen.events.size());
    if (thoroughly) GoOn(std::move(*log), image, seen.events);
    return {seen.events.size(), Promise::HashOf(seen.events)};
  }
  void GoOn(std::unique_ptr<LogWriter> log, const RamDisk& image,
            const std::vector<SeenEvent>& before) {
    const TestEvent event("after", "the cut");
    const EventToStage staged = event.Staged();
    BatchPlace place;
    ASSERT_EQ(log->Stage(std::span(&staged, 1), {}, &place), StageOutcome::kStaged);
    ASSERT_TRUE(log->Commit().ok());
    log.reset();
    SeenEvents seen;
    const auto again = LogWriter::Open(Options(image.path()), "/tmp/test.sock", &seen, nullptr);
    ASSERT_TRUE(again.ok()) << again.status().message();
    ASSERT_EQ(seen.events.size(), before.size() + 1);
    seen.events.pop_back();
    EXPECT_EQ(seen.events, before);
  }

  // One of these in so many is kept, to cut power again while a start recovers from it.
  struct Kept {
    DiskModel::Contents contents;
    std::string directory;
    Promise promise;
  };

  void CutEverywhere(size_t limit, size_t keep_each) {
    const ScratchDirectory scratch(ScratchDirectory::Place::kMemory);
    DiskScript script(Options(scratch.path()));
    uint64_t changes = 0;
    KnownStates known;
    CuttingDisk disk({}, [&](const DiskModel& model) {
      if (HasFailure() || ++changes % Scaled({.soak = 1, .gate = 1, .sanitized = 5}) != 0) return;
      TryAll(model, limit, scratch.path(), &image_, script.promise(), &known,
             [&](const DiskModel::Contents& contents) {
               if (recovered_ % keep_each != 0) return;
               kept_.push_back({contents, scratch.path(), script.promise()});
             });
      PretendBoot(1);
    });
    const WatchedDisk watched(scratch.path(), &disk);
    PretendBoot(1);
    if (std::get<1>(GetParam()) == kGrowing) {
      script.RunGrowing();
    } else {
      script.Run(std::get<1>(GetParam()));
    }
  }

  void CutDuringRecovery(const Kept& kept, size_t limit) {
    DiskModel model;
    image_.Write(kept.directory, kept.contents);
    model.Assume(image_.path());
    KnownStates known;
    CuttingDisk disk(model, [&](const DiskModel& now) {
      if (HasFailure()) return;
      TryAll(now, limit, image_.path(), &second_image_, kept.promise, &known, [](const auto&) {});
      PretendBoot(2);
    });
    const WatchedDisk watched(image_.path(), &disk);
    PretendBoot(2);
    const auto log = LogWriter::Open(Options(image_.path()), "/tmp/test.sock", nullptr, nullptr);
    EXPECT_TRUE(log.ok()) << log.status().message();
  }

  const uint64_t ring_bytes_ = std::get<1>(GetParam()) == kGrowing ? 256 << 10 : 64 << 10;
  std::mt19937_64 random_{11};
  RamDisk image_;
  RamDisk second_image_;
  std::vector<Kept> kept_;
  uint64_t states_ = 0;
  uint64_t recovered_ = 0;  // of these, by a start of their own
  uint64_t next_boot_ = 1000;
};

TEST_P(PowerCutTest, LeavesAFrontWithAllThatWasToLast) {
  CutEverywhere(Scaled({.soak = 4096, .gate = 256, .sanitized = 4}),
                Scaled({.soak = 1001, .gate = 503, .sanitized = 503}));
  RecordProperty("states", std::to_string(states_));
  const uint64_t before = states_;
  for (const Kept& kept : kept_) {
    if (HasFailure()) return;
    CutDuringRecovery(kept, Scaled({.soak = 256, .gate = 16, .sanitized = 4}));
  }
  RecordProperty("states_during_recovery", std::to_string(states_ - before));
  RecordProperty("starts", std::to_string(recovered_));
  std::printf("%llu states, %llu of them while recovering; %llu starts\n",
              static_cast<unsigned long long>(states_),
              static_cast<unsigned long long>(states_ - before),
              static_cast<unsigned long long>(recovered_));
}

INSTANTIATE_TEST_SUITE_P(Durabilities, PowerCutTest,
                         ::testing::Combine(::testing::Values(Durability::kProcess,
                                                              Durability::kPower),
                                            ::testing::Values(kGrowing, 700, 3000, 12'000)),
                         [](const auto& parameter) {
                           const bool power = std::get<0>(parameter.param) == Durability::kPower;
                           return (power ? "Power" : "Process") +
                                  std::to_string(std::get<1>(parameter.param));
                         });

// Counts all events that there ever were, also over checkpoints.
class CountingEvents : public RecoveryObserver {
 public:
  void OnEvent(const RecordHeader&, Bytes) override { ++count; }
  void SaveState(std::vector<StateSection>* sections) const override {
    StateWriter out;
    out.Number(count);
    sections->push_back({SectionKind::kLeases, out.Take()});
  }
  Status LoadState(const Checkpoint& checkpoint) override {
    const auto* section = checkpoint.view.Find(SectionKind::kLeases);
    if (section == nullptr) return checkpoint.Damaged(SectionKind::kLeases);
    count = StateReader(section->bytes).Number();
    return {};
  }
  uint64_t count = 0;
};

class RetentionPowerCutTest : public ::testing::Test {
 protected:
  ~RetentionPowerCutTest() override { PretendBoot(0); }

  LogOptions Options(const std::string& directory) const {
    LogOptions options;
    options.directory = directory + "/data";
    options.durability = Durability::kPower;
    options.ring_bytes = 64 << 10;
    options.segment_bytes = 64 << 10;
    options.streams_max = 100;
    options.retain_bytes = 128 << 10;
    return options;
  }
  void Append(LogWriter* log, int count) {
    for (int i = 0; i < count; ++i) {
      const TestEvent event("s" + std::to_string(i % 3), std::string(9000, 'x'));
      const EventToStage staged = event.Staged();
      BatchPlace place;
      ASSERT_EQ(log->Stage(std::span(&staged, 1), {}, &place), StageOutcome::kStaged);
      ASSERT_TRUE(log->Commit().ok());
      ASSERT_TRUE(log->MaintainJournal().ok());
    }
  }
  // Whatever was deleted: every event is counted, and the next start after it finds the same.
  void Recover(const std::string& directory, uint64_t events) {
    ++states_;
    PretendBoot(next_boot_++);
    for (int start = states_ % 4 == 0 ? 0 : 1; start < 2; ++start) {
      CountingEvents counted;
      const auto log = LogWriter::Open(Options(directory), "/tmp/test.sock", &counted, nullptr);
      ASSERT_TRUE(log.ok()) << log.status().message();
      EXPECT_EQ((*log)->head(), events);
      EXPECT_EQ(counted.count, events);
      EXPECT_EQ((*log)->RevisionOf("s0"), (events + 2) / 3);
    }
    if (states_ % 16 == 0) {
      EXPECT_EQ(VerifyJournal(directory + "/data")->errors, 0u);
    }
  }

  RamDisk image_;
  std::mt19937_64 random_{11};
  uint64_t states_ = 0;
  uint64_t next_boot_ = 1000;
};

TEST_F(RetentionPowerCutTest, LosesNothingThatDeletedEventsCameTo) {
  const ScratchDirectory scratch(ScratchDirectory::Place::kMemory);
  uint64_t events = 0;
  bool looks = false;
  CuttingDisk disk({}, [&](const DiskModel& model) {
    if (HasFailure() || !looks) return;
    ForEachState(model, Scaled({.soak = 4096, .gate = 16, .sanitized = 4}), &random_,
                 [&](const DiskModel::State& state) {
                   if (HasFailure()) return;
                   image_.Write(scratch.path(), model.Build(state));
                   Recover(image_.path(), events);
                 });
    PretendBoot(1);
  });
  const WatchedDisk watched(scratch.path(), &disk);
  PretendBoot(1);
  const auto log = LogWriter::Open(Options(scratch.path()), "/tmp/test.sock", nullptr, nullptr);
  ASSERT_TRUE(log.ok()) << log.status().message();
  for (int round = 0; round < 3; ++round) {
    looks = false;
    Append(log->get(), 21);
    events += 21;
    looks = true;
    const auto retained = (*log)->Retain([] { return std::make_unique<CountingEvents>(); });
    ASSERT_TRUE(retained.ok()) << retained.status().message();
    EXPECT_GT(retained->segments, 0u);
  }
  RecordProperty("states", std::to_string(states_));
  std::printf("%llu states\n", static_cast<unsigned long long>(states_));
  EXPECT_GT(states_, 100u);
}

}  // namespace
}  // namespace roost
